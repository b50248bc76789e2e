"""One op held to Keras on every backend, its shape to its rule, its gradient to differences."""

from __future__ import annotations

from importlib.util import find_spec

import keras
import numpy as np

from lamina import ops
from lamina.backend import current, use
from lamina.symbolic import KerasTensor

WITH_GRADIENTS = tuple(name for name in ("jax", "torch", "tensorflow") if find_spec(name))
BACKENDS = (*WITH_GRADIENTS, "numpy")


def flat(output) -> list:
    return list(output) if isinstance(output, (list, tuple)) else [output]


def agrees_with_keras(name, *args, rtol=1e-5, atol=1e-5, gradient=True, **settings):
    """Values, types and shapes are Keras's on each backend, and the gradients are right.

    Args:
        name: the op.
        args: its operands, arrays, and what else it takes by position.
        rtol, atol: how far values may be from Keras's.
        gradient: whether the op has one.
        settings: what it takes by keyword.
    """
    expected = [np.asarray(one) for one in flat(getattr(keras.ops, name)(*args, **settings))]
    function = getattr(ops, name)
    predicted = flat(function(_symbol(args[0]), *args[1:], **settings))
    for one, other in zip(predicted, expected, strict=True):
        assert one.dtype == other.dtype.name, (name, settings)
        assert len(one.shape) == other.ndim, (name, settings)
        pairs = zip(one.shape, other.shape, strict=True)
        assert all(size in (None, true) for size, true in pairs), (name, settings, predicted)
    for backend in BACKENDS:
        with use(backend):
            found = [ops.convert_to_numpy(one) for one in flat(function(*args, **settings))]
        for one, other in zip(found, expected, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype), (backend, name, settings)
            message = f"{backend} {name} {settings}"
            np.testing.assert_allclose(one, other, rtol, atol, err_msg=message)
    if gradient:
        has_right_gradients(name, *args, **settings)


def _symbol(value):
    """An array as a symbolic tensor whose batch is not known."""
    return KerasTensor((None, *value.shape[1:]), value.dtype.name)


def has_right_gradients(name, *args, step=1e-6, tolerance=2e-3, **settings):
    """The slope along a random direction, of each operand of floats, is that of NumPy's values."""
    function, random = getattr(ops, name), np.random.default_rng(0)
    wide = [one.astype("float64") if _is_float(one) else one for one in args]
    weights: list[np.ndarray] = []

    def loss(*operands):
        outputs = flat(function(*operands, **settings))
        if not weights:
            weights.extend(random.uniform(0.5, 1.5, tuple(one.shape)) for one in outputs)
        pairs = zip(outputs, weights, strict=True)
        return sum(ops.sum(ops.multiply(one, w.astype(ops.dtype(one)))) for one, w in pairs)

    for place in (i for i, one in enumerate(args) if _is_float(one)):
        direction = random.normal(size=args[place].shape)
        with use("numpy"):
            ahead, behind = (
                loss(*wide[:place], wide[place] + side * direction, *wide[place + 1 :])
                for side in (step, -step)
            )
        slope = float(ahead - behind) / (2 * step)
        for backend in WITH_GRADIENTS:
            with use(backend):
                tensors = [ops.convert_to_tensor(one) if _is_array(one) else one for one in args]
                found = current().value_and_grad(loss, None, place, False)(*tensors)[1]
                found = ops.convert_to_numpy(found).astype("float64")
            assert np.isfinite(found).all(), (backend, name, settings)
            scale = max(1.0, float(np.abs(found * direction).sum()))
            error = abs(float((found * direction).sum()) - slope) / scale
            assert error < tolerance, (backend, name, place, settings, error)


def _is_array(value) -> bool:
    return isinstance(value, np.ndarray)


def _is_float(value) -> bool:
    return _is_array(value) and value.dtype.kind == "f"
