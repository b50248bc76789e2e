"""The maps that layers and optimizers are made of."""

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.ops.maps import affine_map, lerp
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4)])
@pytest.mark.parametrize("biased", [True, False])
def test_it_is_a_product_and_a_sum(shape, biased):
    random = np.random.default_rng(0)
    x, kernel, bias = (random.random(one, "float32") for one in (shape, (4, 5), (5,)))
    bias = bias if biased else None
    expected = x @ kernel + (0 if bias is None else bias)
    found = affine_map(*map(ops.convert_to_tensor, (x, kernel)), bias)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)
    assert affine_map(KerasTensor((None, *shape)), kernel, bias).shape == (None, *shape[:-1], 5)


@pytest.mark.every_backend
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow", "numpy"])
@pytest.mark.parametrize(
    ("x", "kernel", "axes"),
    [((2, 3, 4), (4, 5, 6), 1), ((2, 3, 4), (3, 4, 5), 2), ((2, 3, 4), (3, 4, 5, 6), 2)],
)
def test_sums_over_several_axes(backend, x, kernel, axes):
    random = np.random.default_rng(0)
    bias = random.random(kernel[axes:], "float32")
    x, kernel = random.random(x, "float32"), random.random(kernel, "float32")
    with lamina.backend.use(backend):
        found = ops.convert_to_numpy(affine_map(x, kernel, bias, axes))
        symbolic = affine_map(KerasTensor((None, *x.shape[1:])), kernel, bias, axes)
    np.testing.assert_allclose(found, np.tensordot(x, kernel, axes) + bias, rtol=1e-5)
    assert symbolic.shape == (None, *found.shape[1:])


def test_sizes_that_differ_are_refused():
    with pytest.raises(ShapeError, match="affine_map"):
        affine_map(ops.ones((2, 3)), ops.ones((4, 5)), ops.ones((5,)))


@pytest.mark.parametrize("weight", [0.25, np.array([0.0, 0.5, 1.0], "float32")])
def test_interpolation(weight):
    low, high = np.arange(6, dtype="float32").reshape(2, 3), np.float32(10)
    found = ops.convert_to_numpy(lerp(low, high, weight))
    np.testing.assert_allclose(found, low + (high - low) * weight, rtol=1e-6)
