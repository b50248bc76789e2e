"""A recurrent layer in one call has the numbers of the loop, or leaves it to the loop."""

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import use
from lamina.layers.recurrence import gru, gru_sequence, lstm, lstm_sequence

torch = pytest.importorskip("torch")
recurrence = pytest.importorskip("lamina.backend.torch.recurrence")
pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.skipif(
        "lstm_sequence" not in recurrence.OWN, reason="PyTorch was built without oneDNN"
    ),
]

TIME, BATCH, SIZE, UNITS = 5, 4, 3, 6
PADDED = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]], bool)
SCATTERED = PADDED ^ np.array([[0, 1, 0, 0, 0]], bool)


@pytest.fixture(autouse=True)
def on_torch():
    with use("torch"):
        yield


def drawn(function=lstm_sequence, zero_states=False, dtype="float32"):
    rng = np.random.default_rng(0)
    gates, states = (4, 1) if function is lstm_sequence else (3, 0)
    width = gates * UNITS
    shapes = [(TIME, BATCH, SIZE), (SIZE, width), (width,), (UNITS, width)]
    shapes += [] if states else [(width,)]
    arrays = [rng.normal(size=shape) for shape in shapes]
    arrays += [rng.normal(size=(BATCH, UNITS)) * (not zero_states) for _ in range(1 + states)]
    return [ops.convert_to_tensor(one.astype(dtype)) for one in arrays]


def lstm_by_loop(inputs, kernel, bias, recurrent, hidden, cell, seen, reverse):
    projected = ops.matmul(inputs, kernel) + bias
    hiddens, last = lstm(projected, recurrent, hidden, cell, seen, reverse)
    return hiddens, *last


def gru_by_loop(inputs, kernel, bias, recurrent, state_bias, hidden, seen, reverse):
    projected = ops.matmul(inputs, kernel) + bias
    hiddens, last = gru(projected, recurrent, state_bias, hidden, seen, reverse)
    return hiddens, *last


def kernel_serves(function, arrays, mask, reverse):
    return recurrence.OWN[function.row.name](*arrays, mask, reverse) is not NotImplemented


SEQUENCES = pytest.mark.parametrize("function", [lstm_sequence, gru_sequence])


@SEQUENCES
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("mask", [None, PADDED, SCATTERED], ids=["all", "padded", "scattered"])
@pytest.mark.parametrize("zero_states", [False, True])
def test_values_and_gradients_are_those_of_the_loop(function, reverse, mask, zero_states):
    arrays = drawn(function, zero_states)
    seen = None if mask is None else ops.convert_to_tensor(mask.T[..., None])
    served = mask is None or (mask is PADDED and (zero_states or not reverse))
    assert kernel_serves(function, arrays, seen, reverse) is served
    weights = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(TIME, BATCH, UNITS)))

    def loss(function):
        def of(*given):
            hiddens, *last = function(*given, seen, reverse)
            total = ops.sum(hiddens * ops.cast(weights, "float32"))
            return total + sum(ops.sum(ops.sin(one)) for one in last), (hiddens, *last)

        # No gradient is asked for states of which a kernel passes over what comes of them.
        states = 2 if function in (lstm_sequence, lstm_by_loop) else 1
        argnums = tuple(range(len(arrays) - (states if zero_states else 0)))
        return lamina.value_and_grad(of, argnums=argnums, has_aux=True)(*arrays)

    (_, found), slopes = loss(function)
    (_, expected), others = loss(lstm_by_loop if function is lstm_sequence else gru_by_loop)
    for one, other in zip((*found, *slopes), (*expected, *others), strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), 1e-4, 1e-5
        )


@SEQUENCES
def test_what_is_left_out_may_be_anything(function):
    inputs, *others = drawn(function)
    seen = ops.convert_to_tensor(PADDED.T[..., None])
    wild = torch.where(seen, inputs, torch.nan)
    assert kernel_serves(function, [wild, *others], seen, False)
    for one, other in zip(
        function(wild, *others, seen), function(inputs, *others, seen), strict=True
    ):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))


@SEQUENCES
def test_others_are_left_to_the_loop(function):
    assert not kernel_serves(function, drawn(function, dtype="float64"), None, False)
    layer = (layers.LSTM if function is lstm_sequence else layers.GRU)(UNITS)
    x = ops.convert_to_tensor(np.ones((2, TIME, SIZE), "float32"))
    layer(x)

    def steepness(x):
        return ops.sum(lamina.grad(lambda x: ops.sum(ops.square(layer(x))))(x))

    assert np.isfinite(ops.convert_to_numpy(lamina.grad(steepness)(x))).all()
