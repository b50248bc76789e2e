"""One program on every backend: the same numbers in, the same numbers out."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import optree
import pytest

import lamina
from lamina import ops
from lamina.backend import use

NAMES = [one for one in ("jax", "torch", "tensorflow") if importlib.util.find_spec(one)]
OTHERS = [one for one in NAMES if one != "jax"]

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + np.sin(X[:, :1])).astype("float32")


def run(program: Callable[[], Any], backend: str) -> Any:
    """What `program` returns on `backend`, its tensors as NumPy arrays."""
    with use(backend):
        lamina.backend.clear_session(free_memory=False)
        lamina.utils.set_random_seed(7)
        return optree.tree_map(ops.convert_to_numpy, program(), none_is_leaf=True)


@functools.cache
def _on_jax(program: Callable[[], Any]) -> Any:
    return run(program, "jax")


def agree(program: Callable[[], Any], backend: str, rtol: float = 1e-4, atol: float = 1e-5) -> None:
    """Check that `program` returns on `backend` what it returns on JAX."""
    expected, structure = optree.tree_flatten(_on_jax(program))
    found, same_structure = optree.tree_flatten(run(program, backend))
    assert structure == same_structure
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one.dtype == other.dtype, place
        np.testing.assert_allclose(
            one.astype("float64"), other.astype("float64"), rtol, atol, err_msg=f"result {place}"
        )


def falls(values: Any) -> Any:
    """Check that the last is clearly less than the first; returns them."""
    numbers = [float(one) for one in values]
    assert numbers[-1] < 0.9 * numbers[0]
    return values


def learns(model: Any, epochs: int = 8) -> list[float]:
    """Check that `fit` lowers the loss; returns it, epoch by epoch."""
    history = model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]
    return list(history)


def line(*inner: Any) -> Any:
    """A small regression model."""
    return lamina.Sequential([lamina.Input((4,)), *inner, lamina.layers.Dense(1)])


each_other_backend = pytest.mark.parametrize("backend", OTHERS)
