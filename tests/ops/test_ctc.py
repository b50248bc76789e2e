"""Connectionist temporal classification: against sums over all paths, and against Keras."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from tests.ops.agreement import BACKENDS, WITH_GRADIENTS, agrees_with_keras, has_right_gradients

pytestmark = pytest.mark.every_backend
few = settings(max_examples=2, deadline=None, phases=[Phase.generate])
LOGITS = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
TARGET = np.array([[1, 1, 2], [2, 1, 0]], "int32")
LENGTHS = np.array([3, 2], "int32"), np.array([6, 4], "int32")


def said(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def probabilities(logits: np.ndarray, blank: int = 0) -> dict[tuple[int, ...], float]:
    """The probability of each sequence of labels: the sum of those of all paths that say it."""
    steps, classes = logits.shape
    each = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(classes), repeat=steps):
        labels = said(path, blank)
        found[labels] = found.get(labels, 0) + float(np.prod(each[range(steps), path]))
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("blank", [0, 3, -1])
def test_the_loss_is_that_of_all_paths(backend, blank):
    target = (TARGET + 3 - blank) % 4 if blank else TARGET
    with use(backend):
        loss = ops.convert_to_numpy(ops.ctc_loss(target, LOGITS, *LENGTHS, blank))
    expected = [
        -np.log(probabilities(LOGITS[i, :steps], blank % 4)[tuple(target[i, :count])])
        for i, (count, steps) in enumerate(zip(*LENGTHS, strict=True))
    ]
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("strategy", ["greedy", "beam_search"])
def test_lengths_are_integers_of_any_type(backend, strategy):
    def results(dtype):
        counts, steps = (one.astype(dtype) for one in LENGTHS)
        loss = ops.ctc_loss(TARGET, LOGITS, counts, steps)
        found = [loss, *ops.ctc_decode(LOGITS, steps, strategy)]
        return [ops.convert_to_numpy(one) for one in found]

    with use(backend):
        for one, other in zip(results("int64"), results("int32"), strict=True):
            assert one.dtype == other.dtype and np.array_equal(one, other)


@few
@given(st.integers(1, 8), st.integers(2, 5), st.integers(1, 4), st.data())
def test_the_loss_is_that_of_keras(steps, classes, count, data):
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    logits = 2 * random.normal(size=(3, steps, classes)).astype("float32")
    target = random.integers(0, classes, (3, count)).astype("int32")
    counts = random.integers(0, count + 1, 3).astype("int32")
    lengths = random.integers(0, steps + 1, 3).astype("int32")
    blank = data.draw(st.integers(0, classes - 1))
    # Without gradients: those of Keras's 1e5 for no path are not those of a constant.
    agrees_with_keras("ctc_loss", target, logits, counts, lengths, blank, rtol=1e-4, gradient=False)


def test_gradients_of_the_loss():
    has_right_gradients("ctc_loss", TARGET, LOGITS, *LENGTHS)


@pytest.mark.parametrize("backend", WITH_GRADIENTS)
def test_what_cannot_be_said_has_a_large_loss_and_no_gradient(backend):
    target = np.array([[1, 1, 2], [2, 9, 0], [1, -1, 2], [3, 9, -7], [0, 0, 0]], "int32")
    logits = np.concatenate([LOGITS, LOGITS, LOGITS])[:5]
    logits[3, :, 2] = -np.inf
    lengths = np.array([3, 2, 3, 1, 0], "int32"), np.array([3, 6, 6, 6, 0], "int32")

    def loss(logits):
        each = ops.ctc_loss(target, logits, *lengths)
        return ops.sum(each), each

    with use(backend):
        inputs = ops.convert_to_tensor(logits)
        (_, each), gradient = current().value_and_grad(loss, None, 0, True)(inputs)
        each, gradient = ops.convert_to_numpy(each), ops.convert_to_numpy(gradient)
    assert each[:3].tolist() == [1e5] * 3
    assert 0 < each[3] < 100 and each[4] == 0  # a label out of range beyond the length is nothing
    assert not gradient[:3].any() and np.isfinite(gradient).all() and gradient[3].any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wide_beam_finds_the_most_probable_sequences(backend):
    with use(backend):
        labels, scores = ops.ctc_decode(LOGITS, LENGTHS[1], "beam_search", 300, 5)
        labels, scores = ops.convert_to_numpy(labels), ops.convert_to_numpy(scores)
    for i, steps in enumerate(LENGTHS[1]):
        exact = sorted(probabilities(LOGITS[i, :steps]).items(), key=lambda pair: -pair[1])[:5]
        found = [tuple(row[row >= 0].tolist()) for row in labels[:, i]]
        assert found == [sequence for sequence, _ in exact]
        np.testing.assert_allclose(scores[i], np.log([p for _, p in exact]), rtol=1e-5)


@few
@given(st.integers(1, 6), st.integers(2, 4), st.integers(1, 6), st.booleans(), st.data())
def test_decoding_is_that_of_keras(steps, classes, width, merge, data):
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    logits = 2 * random.normal(size=(2, steps, classes)).astype("float32")
    lengths = random.integers(1, steps + 1, 2).astype("int32")
    blank = data.draw(st.integers(0, classes - 1))
    for options in (
        {"strategy": "greedy"},
        {"strategy": "beam_search", "beam_width": width, "top_paths": min(2, width)},
    ):
        agrees_with_keras(
            "ctc_decode",
            *(logits, lengths),
            **options,
            merge_repeated=merge,
            mask_index=blank,
            gradient=False,
            atol=1e-4,
        )


def test_shapes_of_unknown_dimensions():
    logits, lengths = KerasTensor((None, None, 7), "float16"), KerasTensor((None,), "int32")
    loss = ops.ctc_loss(KerasTensor((None, 5), "int32"), logits, lengths, lengths)
    labels, scores = ops.ctc_decode(logits, lengths, "beam_search", top_paths=3)
    assert [(one.shape, one.dtype) for one in (loss, labels, scores)] == [
        ((None,), "float32"),
        ((3, None, None), "int32"),
        ((None, 3), "float32"),
    ]


def test_a_compiled_loss():
    function = lamina.jit(lambda logits: ops.ctc_loss(TARGET, logits, *LENGTHS))
    expected = ops.convert_to_numpy(ops.ctc_loss(TARGET, LOGITS, *LENGTHS))
    np.testing.assert_allclose(ops.convert_to_numpy(function(LOGITS)), expected, rtol=1e-5)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="'greedy' or 'beam_search', not 'best'"):
        ops.ctc_decode(LOGITS, LENGTHS[1], "best")
    with pytest.raises(ValueError, match="top_paths = 4"):
        ops.ctc_decode(LOGITS, LENGTHS[1], "beam_search", 2, 4)
    with pytest.raises(ShapeError, match=r"output is \(batch, time, classes\)"):
        ops.ctc_loss(TARGET, LOGITS[0], *LENGTHS)
