"""Batch normalization by the batch's own moments: against the ops that define it, everywhere."""

import importlib.util

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import use
from lamina.backend.dtypes import standardize_dtype
from lamina.ops.normalization import standardize_batch
from lamina.symbolic import KerasTensor

BACKENDS = [name for name in ("jax", "torch", "tensorflow") if importlib.util.find_spec(name)]
RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 2.0, (4, 5, 3, 2)).astype("float32")


def defined(x, axis, offset, scale):
    axes = [one for one in range(4) if one != axis % 4]
    mean, variance = ops.moments(x, axes)
    y = ops.batch_normalization(x, mean, variance, axis, offset, scale, 1e-3)
    return y, mean, variance


@pytest.mark.every_backend
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("axis", "scaled"), [(-1, True), (1, True), (3, False), (0, False)])
def test_values_and_gradients_are_those_of_the_definition(backend, axis, scaled):
    size = X.shape[axis]
    offset, scale = (RNG.normal(size=size).astype("float32") if scaled else None for _ in range(2))
    weights = RNG.normal(size=X.shape).astype("float32")
    with use(backend):
        found = standardize_batch(X, axis, offset, scale, 1e-3)
        expected = defined(X, axis, offset, scale)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                ops.convert_to_numpy(one), ops.convert_to_numpy(other), 1e-4, 1e-5
            )
        given = (X, offset, scale) if scaled else (X,)

        def loss(function):
            def of(x, offset=None, scale=None):
                return ops.sum(ops.multiply(function(x, axis, offset, scale)[0], weights))

            return of

        at = tuple(range(len(given)))
        ours = lamina.grad(loss(standardize_batch), argnums=at)(*given)
        theirs = lamina.grad(loss(defined), argnums=at)(*given)
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                ops.convert_to_numpy(one), ops.convert_to_numpy(other), 1e-3, 1e-4
            )


@pytest.mark.every_backend
@pytest.mark.parametrize("backend", BACKENDS)
def test_one_row_and_maps(backend):
    with use(backend):
        y, _, variance = standardize_batch(np.ones((1, 3), "float32"), -1)
        assert ops.convert_to_numpy(y).tolist() == [[0.0] * 3]
        assert ops.convert_to_numpy(variance).tolist() == [0.0] * 3
        each = lamina.vmap(lambda x: standardize_batch(x, -1)[0])(X)
        for one, x in zip(ops.convert_to_numpy(each), X, strict=True):
            alone = ops.convert_to_numpy(standardize_batch(x, -1)[0])
            np.testing.assert_allclose(one, alone, 1e-4, 1e-5)


@pytest.mark.every_backend
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_half_width_floats_are_computed_in_32_bits(backend, dtype):
    scale = np.linspace(0.5, 1.5, 2, dtype="float32")
    with use(backend):
        # Their squares, and the sums of them, are beyond float16.
        narrow = ops.cast(ops.convert_to_tensor(X * 400), dtype)
        found = standardize_batch(narrow, -1, scale, scale)
        assert [standardize_dtype(one.dtype) for one in found] == [dtype, "float32", "float32"]
        expected = standardize_batch(ops.cast(narrow, "float32"), -1, scale, scale)
        tolerances = [2.0 ** (-8 if dtype == "bfloat16" else -11), 1e-4, 1e-4]
        for one, other, tolerance in zip(found, expected, tolerances, strict=True):
            one, other = (ops.convert_to_numpy(ops.cast(x, "float32")) for x in (one, other))
            np.testing.assert_allclose(one, other, tolerance, 1e-6)
        each = lamina.vmap(lambda x: standardize_batch(x, -1, scale, scale)[0])(narrow)
        assert standardize_dtype(each.dtype) == dtype
    symbolic = standardize_batch(KerasTensor((None, 4, 2), dtype), -1, scale, scale)
    assert [one.dtype for one in symbolic] == [dtype, "float32", "float32"]


def test_shapes():
    found = standardize_batch(KerasTensor((None, 4, 7)), 1)
    assert [one.shape for one in found] == [(None, 4, 7), (4,), (4,)]
