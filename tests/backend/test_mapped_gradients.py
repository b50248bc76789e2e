"""Gradients around maps, of functions that bring their own or are computed anew."""

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import use
from tests.backend.test_contract import INSTALLED, NO_GRADIENTS

pytestmark = pytest.mark.every_backend
X = np.array([[1.0, -2.0], [3.0, 0.5]], "float32")


def gradient_of_map(function):
    mapped = lamina.vmap(function)
    return lamina.grad(lambda x: ops.sum(mapped(x)))


@pytest.mark.parametrize("own", [False, True], ids=["by hand", "its own"])
@pytest.mark.parametrize("name", sorted({*INSTALLED} - NO_GRADIENTS))
def test_one_by_hand_is_taken_or_refused(name, own):
    def square(x):
        return x * x, lambda upstream: (2 if own else 7) * x * upstream

    square.differentiable = own
    with use(name):
        gradient, x = gradient_of_map(ops.custom_gradient(square)), ops.convert_to_tensor(X)
        if name == "tensorflow" and not own:
            with pytest.raises(TypeError, match=r"map of 'square'.*Map the gradient"):
                gradient(x)
        else:
            found = ops.convert_to_numpy(gradient(x))
            np.testing.assert_allclose(found, (2 if own else 7) * X, rtol=1e-6)


@pytest.mark.parametrize("name", sorted({*INSTALLED} - NO_GRADIENTS))
def test_what_is_computed_anew(name):
    with use(name):
        gradient = lamina.jit(gradient_of_map(lamina.remat(lambda x: x**3)))
        found = ops.convert_to_numpy(gradient(ops.convert_to_tensor(X)))
        np.testing.assert_allclose(found, 3 * X**2, rtol=1e-6)
