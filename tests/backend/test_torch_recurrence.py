"""A long short-term memory in one call has the numbers of the loop, or leaves it to the loop."""

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import use
from lamina.layers.recurrence import lstm, lstm_sequence

torch = pytest.importorskip("torch")
recurrence = pytest.importorskip("lamina.backend.torch.recurrence")
pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.skipif(not recurrence.OWN, reason="PyTorch was built without oneDNN"),
]

TIME, BATCH, SIZE, UNITS = 5, 4, 3, 6
PADDED = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]], bool)
SCATTERED = PADDED ^ np.array([[0, 1, 0, 0, 0]], bool)


@pytest.fixture(autouse=True)
def on_torch():
    with use("torch"):
        yield


def drawn(zero_states=False, dtype="float32"):
    rng = np.random.default_rng(0)
    shapes = [(TIME, BATCH, SIZE), (SIZE, 4 * UNITS), (4 * UNITS,), (UNITS, 4 * UNITS)]
    arrays = [rng.normal(size=shape) for shape in (*shapes, (BATCH, UNITS), (BATCH, UNITS))]
    if zero_states:
        arrays[-2:] = [np.zeros((BATCH, UNITS))] * 2
    return [ops.convert_to_tensor(one.astype(dtype)) for one in arrays]


def by_loop(inputs, kernel, bias, recurrent, hidden, cell, seen, reverse):
    projected = ops.matmul(inputs, kernel) + bias
    hiddens, last = lstm(projected, recurrent, hidden, cell, seen, reverse)
    return hiddens, *last


def kernel_serves(arrays, mask, reverse):
    found = recurrence.lstm_sequence(*arrays, mask, reverse)
    return found is not NotImplemented


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("mask", [None, PADDED, SCATTERED], ids=["all", "padded", "scattered"])
@pytest.mark.parametrize("zero_states", [False, True])
def test_values_and_gradients_are_those_of_the_loop(reverse, mask, zero_states):
    arrays = drawn(zero_states)
    seen = None if mask is None else ops.convert_to_tensor(mask.T[..., None])
    served = mask is None or (mask is PADDED and (zero_states or not reverse))
    assert kernel_serves(arrays, seen, reverse) is served
    weights = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(TIME, BATCH, UNITS)))

    def loss(function):
        def of(*given):
            hiddens, last, cell = function(*given, seen, reverse)
            total = ops.sum(hiddens * ops.cast(weights, "float32"))
            return total + ops.sum(last * last) + ops.sum(ops.sin(cell)), (hiddens, last, cell)

        argnums = tuple(range(4 if zero_states else 6))
        return lamina.value_and_grad(of, argnums=argnums, has_aux=True)(*arrays)

    (_, found), slopes = loss(lstm_sequence)
    (_, expected), others = loss(by_loop)
    for one, other in zip((*found, *slopes), (*expected, *others), strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), 1e-4, 1e-5
        )


def test_what_is_left_out_may_be_anything():
    inputs, *others = drawn()
    seen = ops.convert_to_tensor(PADDED.T[..., None])
    wild = torch.where(seen, inputs, torch.nan)
    assert kernel_serves([wild, *others], seen, False)
    for one, other in zip(
        lstm_sequence(wild, *others, seen), lstm_sequence(inputs, *others, seen), strict=True
    ):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))


def test_others_are_left_to_the_loop():
    assert not kernel_serves(drawn(dtype="float64"), None, False)
    layer = layers.LSTM(UNITS)
    x = ops.convert_to_tensor(np.ones((2, TIME, SIZE), "float32"))
    layer(x)

    def steepness(x):
        return ops.sum(lamina.grad(lambda x: ops.sum(ops.square(layer(x))))(x))

    assert np.isfinite(ops.convert_to_numpy(lamina.grad(steepness)(x))).all()
