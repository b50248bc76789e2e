"""Pooling: against Keras, against NumPy, and its gradient."""

import itertools

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.symbolic import KerasTensor

keras = pytest.importorskip("keras")
SPACE = (9, 8, 7)
FORMATS = ("channels_last", "channels_first")
SETTINGS = [
    *itertools.product(
        ("max_pool", "average_pool"), (1, 2), FORMATS, ("valid", "same"), (1, 2), (2, 3)
    ),
    *itertools.product(("max_pool", "average_pool"), (3,), FORMATS, ("same", "valid"), (2,), (2,)),
]


@pytest.mark.parametrize(("name", "rank", "data_format", "padding", "strides", "size"), SETTINGS)
def test_pooling_agrees_with_keras(name, rank, data_format, padding, strides, size):
    shape = (2, *SPACE[:rank], 3) if data_format == "channels_last" else (2, 3, *SPACE[:rank])
    x = np.random.default_rng(rank).normal(size=shape).astype("float32")
    expected = np.asarray(getattr(keras.ops, name)(x, size, strides, padding, data_format))
    function = getattr(ops, name)
    symbolic = function(KerasTensor(shape), size, strides, padding, data_format)
    assert (symbolic.shape, symbolic.dtype) == (expected.shape, "float32")
    for backend in (current().name, "numpy"):
        with use(backend):
            found = ops.convert_to_numpy(function(x, size, strides, padding, data_format))
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_strides_default_to_the_window():
    assert ops.max_pool(np.ones((1, 7, 9, 2), "float32"), (2, 3)).shape == (1, 3, 3, 2)


def test_integers_keep_their_type_in_max_pool():
    x = np.array([-3, -7, -9, -1], "int32").reshape(1, 4, 1)
    for padding in ("valid", "same"):
        y = ops.max_pool(x, 2, 2, padding)
        assert (ops.convert_to_numpy(y).ravel().tolist(), ops.dtype(y)) == ([-3, -1], "int32")


@pytest.mark.parametrize("strides", [1, 2])
def test_gradient_of_the_maximum_goes_to_where_it_is(strides):
    x = np.random.default_rng(0).permutation(24).reshape(1, 6, 4, 1).astype("float32")
    gradient = lamina.grad(lambda x: ops.sum(ops.max_pool(x, 2, strides)))(x)
    y = np.asarray(ops.max_pool(x, 2, strides)).ravel()
    expected = np.array([np.count_nonzero(y == value) for value in x.ravel()])
    assert np.asarray(gradient).ravel().tolist() == expected.tolist()


def test_equal_maxima_share_the_gradient_or_one_has_it():
    x = np.zeros((1, 2, 2, 1), "float32")
    gradient = lamina.grad(lambda x: ops.sum(ops.max_pool(x, 2)))(x)
    assert sorted(np.asarray(gradient).ravel().tolist()) in ([0.25] * 4, [0.0, 0.0, 0.0, 1.0])
