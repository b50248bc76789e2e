"""Fourier transforms and jvp beyond the table: Keras, signals that come back, unknown lengths."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.core.variable import Variable
from lamina.symbolic import KerasTensor
from tests.ops.trials import WITH_GRADIENTS, on_each_backend

# Each example has shapes of its own, which each backend compiles anew.
EXAMPLES = settings(max_examples=5, deadline=None)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numbers(x):
    return np.asarray(ops.convert_to_numpy(x))


def close(ours, theirs, tolerance=1e-4):
    ours, theirs = (x if isinstance(x, (tuple, list)) else [x] for x in (ours, theirs))
    for one, other in zip(ours, theirs, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        np.testing.assert_allclose(numbers(one), numbers(other), tolerance, tolerance)


@st.composite
def settings_of_stft(draw):
    fft_length = draw(st.integers(2, 9))
    sequence_length = draw(st.integers(2, fft_length))
    # Keras takes a stride of the whole sequence for one of its half.
    stride = draw(st.integers(1, max(1, sequence_length - 1)))
    kinds = ["hann", "hamming", normal(sequence_length) ** 2 + 0.1]
    window = kinds[draw(st.integers(0, 2))]
    return (sequence_length, stride, fft_length), {"window": window, "center": draw(st.booleans())}


@pytest.mark.every_backend
@EXAMPLES
@given(settings_of_stft(), st.integers(20, 40), st.booleans())
def test_stft_is_that_of_keras(options, length, batch):
    args, kwargs = options
    x = normal(*((2, 3) if batch else ()), length)
    expected = keras.ops.stft(x, *args, **kwargs)
    for name in WITH_GRADIENTS:
        with use(name):
            close(ops.stft(x, *args, **kwargs), expected)
    symbols = ops.stft(KerasTensor(x.shape), *args, **kwargs)
    assert [one.shape for one in symbols] == [one.shape for one in expected]


@pytest.mark.every_backend
@EXAMPLES
# Of fewer sequences than overlap, Keras on JAX returns a shorter signal than it foretells.
@given(settings_of_stft(), st.integers(9, 12), st.none() | st.integers(1, 30))
def test_istft_is_that_of_keras(options, count, length):
    args, kwargs = options
    parts = tuple(normal(2, count, args[2] // 2 + 1, seed=i) for i in (1, 2))
    expected = keras.ops.istft(parts, *args, length=length, **kwargs)
    for name in WITH_GRADIENTS:
        with use(name):
            close(ops.istft(parts, *args, length=length, **kwargs), expected, 1e-3)


@on_each_backend
@pytest.mark.parametrize("window", ["hann", "hamming", None, normal(6) ** 2 + 0.1])
@pytest.mark.parametrize("center", [True, False])
def test_a_signal_comes_back(window, center):
    x = normal(2, 30)
    parts = ops.stft(x, 6, 2, 8, window=window, center=center)
    for length in (None, 20):
        found = numbers(ops.istft(parts, 6, 2, 8, length, window=window, center=center))
        assert length in (None, found.shape[-1])
        inside = slice(0 if center else 4, found.shape[-1] - 4)
        np.testing.assert_allclose(found[:, inside], x[:, : found.shape[-1]][:, inside], 1e-3, 1e-4)


@on_each_backend
def test_without_a_window_keras_has_another_factor():
    parts = (normal(2, 6, 5, seed=1), normal(2, 6, 5, seed=2))
    close(ops.stft(normal(20), 5, 2, 8, None), keras.ops.stft(normal(20), 5, 2, 8, None))
    theirs = np.asarray(keras.ops.istft(parts, 5, 2, 8, window=None, center=False))
    close(ops.istft(parts, 5, 2, 8, window=None, center=False), theirs * 2 / 8)


@on_each_backend
def test_transforms_are_those_of_keras():
    pair = (normal(2, 3, 5, seed=1), normal(2, 3, 5, seed=2))
    for name in ("fft", "fft2", "ifft2"):
        close(getattr(ops, name)(pair), getattr(keras.ops, name)(pair))
    for length in (None, 1, 4, 7, 12):
        close(ops.irfft(pair, length), keras.ops.irfft(pair, length))
        close(ops.rfft(pair[0], length), keras.ops.rfft(pair[0], length))
    close(ops.extract_sequences(pair[0], 3, 2), keras.ops.extract_sequences(pair[0], 3, 2))


@on_each_backend
def test_transforms_are_undone():
    x = (normal(2, 4, 6, seed=1), normal(2, 4, 6, seed=2))
    close(ops.ifft2(ops.fft2(x)), x)
    close(ops.irfft(ops.rfft(x[0]), 6), x[0])
    close(ops.irfft(ops.rfft(x[0][..., :5]), 5), x[0][..., :5])


@on_each_backend
def test_signals_and_spectra_of_unknown_lengths():
    x = KerasTensor((None, None))
    assert [one.shape for one in ops.stft(x, 4, 2, 8)] == [(None, None, 5)] * 2
    assert ops.istft((KerasTensor((None, None, 5)),) * 2, 4, 2, 8).shape == (None, None)
    assert ops.istft((KerasTensor((None, 7, 5)),) * 2, 4, 2, 8).shape == (None, 12)
    assert ops.istft((KerasTensor((None, 7, 5)),) * 2, 4, 2, 8, length=9).shape == (None, 9)
    assert ops.extract_sequences(x, 4, 3).shape == (None, None, 4)
    assert ops.rfft(x, 6)[0].shape == (None, 4)
    assert ops.irfft((x, x)).shape == (None, None) and ops.irfft((x, x), 7).shape == (None, 7)


def test_a_transform_is_part_of_a_model():
    signal = lamina.Input((16,))
    real, imaginary = ops.stft(signal, 4, 2, 4)
    model = lamina.Model(signal, ops.istft((real, imaginary), 4, 2, 4))
    x = normal(3, 16)
    close(model(x), x, 1e-3)


@on_each_backend
def test_of_a_short_signal_there_are_no_sequences():
    x = normal(2, 3)
    assert ops.extract_sequences(x, 4, 1).shape == (2, 0, 4)
    assert ops.stft(x, 4, 1, 4, center=False)[0].shape == (2, 0, 3)


WRONG = [
    lambda x: ops.stft(x, 9, 2, 8),
    lambda x: ops.stft(x, 4, 0, 8),
    lambda x: ops.stft(x, 4, 2, 8, window="bartlett"),
    lambda x: ops.stft(x, 4, 2, 8, window=np.ones(3)),
    lambda x: ops.istft((x, x), 4, 2, 8, window="bartlett"),
    lambda x: ops.fft(x),
    lambda x: ops.fft((x,)),
    lambda x: ops.irfft((x, x, x)),
    lambda x: ops.irfft((x[:, :1], x[:, :1])),
]


@on_each_backend
@pytest.mark.parametrize("call", WRONG)
def test_mistakes_are_told(call):
    x = normal(2, 20)
    with pytest.raises(ValueError) as here:
        call(x)
    with use("numpy"), pytest.raises(ValueError) as there:
        call(x)
    assert str(here.value) == str(there.value) and len(str(here.value)) <= 600


# Forward-mode derivatives -----------------------------------------------------------------


@on_each_backend
def test_jvp_of_several_arguments_and_results():
    def function(pair, z):
        return {"product": pair[0] * pair[1] * z, "first": pair[0], "constant": ops.ones((2,))}

    x, y, z = (ops.convert_to_tensor(one) for one in (2.0, 3.0, 4.0))
    one, zero = ops.ones(()), ops.zeros(())
    value, tangent = ops.jvp(function, [(x, y), z], [(one, zero), one])
    assert {key: numbers(one).tolist() for key, one in value.items()} == {
        "product": 24,
        "first": 2,
        "constant": [1, 1],
    }
    assert {key: numbers(one).tolist() for key, one in tangent.items()} == {
        "product": 18,
        "first": 1,
        "constant": [0, 0],
    }


@on_each_backend
def test_jvp_hands_out_what_is_beside_the_value():
    def function(x):
        return x * x, {"root": x, "name": "square", "nothing": None}

    value, tangent, beside = ops.jvp(function, (3.0,), (2.0,), has_aux=True)
    assert (float(value), float(tangent), float(beside["root"])) == (9, 12, 3)
    assert beside["name"] == "square" and beside["nothing"] is None


@on_each_backend
def test_jvp_reads_and_assigns_variables():
    v = Variable(2.0)

    def function(x):
        v.assign(v.value * x)
        return v.value * x

    value, tangent = ops.jvp(function, (3.0,), (1.0,))
    assert (float(value), float(tangent), float(v.numpy())) == (18, 12, 6)


@on_each_backend
def test_jvp_goes_with_the_other_transformations():
    def slope(function):
        return lambda x: ops.jvp(function, (x,), (ops.ones_like(x),))[1]

    def cube(x):
        return x * x * x

    x = ops.convert_to_tensor(2.0)
    assert float(slope(cube)(x)) == float(slope(slope(cube))(x)) == 12
    assert float(lamina.grad(slope(cube))(x)) == float(slope(lamina.grad(cube))(x)) == 12
    assert float(current().jit(slope(cube))(x)) == 12
    assert numbers(lamina.vmap(slope(cube))(ops.convert_to_tensor([1.0, 2.0]))).tolist() == [3, 12]


@on_each_backend
@pytest.mark.parametrize("name", ["inv", "pinv", "norm", "eigh", "lu_factor", "stft", "det"])
def test_jvp_of_linear_algebra(name):
    options = (4, 2, 4) if name == "stft" else ()

    def function(x):
        found = getattr(ops, name)(x, *options)
        return found[0] if isinstance(found, (tuple, list)) else found

    x, direction = normal(4, 4), normal(4, 4, seed=1)
    tangent = numbers(ops.jvp(function, (x,), (direction,))[1])
    step = 1e-5
    with use("numpy"):
        ahead, behind = (function(x.astype("float64") + s * direction) for s in (step, -step))
    np.testing.assert_allclose(tangent, (ahead - behind) / (2 * step), 5e-3, 5e-3)


def test_jvp_of_symbols_and_of_tangents_that_do_not_fit():
    x = KerasTensor((None, 3))
    value, tangent, beside = ops.jvp(lambda x: (x[:, :2], 1), (x,), (x,), has_aux=True)
    assert value.shape == tangent.shape == (None, 2) and beside == 1
    for primals, tangents in [
        (([1.0, 2.0],), (1.0,)),
        ((1.0, 2.0), (1.0,)),
        ((1.0,), (1,)),
        (1.0, 1.0),
    ]:
        with pytest.raises(ValueError, match="jvp takes"):
            ops.jvp(lambda *x: x[0], primals, tangents)


def test_numpy_has_no_derivatives():
    with use("numpy"), pytest.raises(NotImplementedError, match="no gradients"):
        ops.jvp(ops.sin, (1.0,), (1.0,))
