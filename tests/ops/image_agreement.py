"""Ops on images on every backend, against what Keras answers on JAX."""

from __future__ import annotations

from importlib.util import find_spec

import keras
import numpy as np

from lamina import ops
from lamina.backend import current, use
from lamina.symbolic import KerasTensor

BACKENDS = [name for name in ("jax", "torch", "tensorflow", "numpy") if find_spec(name)]


def drawn(*shape: int, dtype: str = "float32", low: float = 0, high: float = 1, seed: int = 0):
    """Random numbers; whole ones for integers, and true and false alike."""
    values = np.random.default_rng(seed).uniform(low, high, shape)
    return values > (low + high) / 2 if dtype == "bool" else values.astype(dtype)


def agrees_with_keras(name, *args, tolerance=1e-5, **settings):
    """The op gives what Keras gives, and its type and shape were foreseen."""
    theirs = np.asarray(getattr(keras.ops.image, name)(*args, **settings))
    agrees(name, theirs, *args, tolerance=tolerance, **settings)


def agrees(name, expected, *args, tolerance=1e-5, **settings):
    """The op gives `expected` on every backend, and its type and shape were foreseen."""
    function = getattr(ops.image, name)
    x = np.asarray(args[0])
    symbolic = function(KerasTensor(x.shape, x.dtype.name), *args[1:], **settings)
    for backend in BACKENDS:
        with use(backend):
            found = ops.convert_to_numpy(function(*args, **settings))
            same_type = current().canonical(expected.dtype.name) == expected.dtype.name
        assert found.shape == symbolic.shape == expected.shape, backend
        assert not same_type or found.dtype == symbolic.dtype == expected.dtype, backend
        wide = [np.asarray(one).astype("float64") for one in (found, expected)]
        np.testing.assert_allclose(*wide, rtol=tolerance, atol=tolerance, err_msg=backend)
