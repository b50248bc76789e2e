"""Initializers without chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend.dtypes import standardize_dtype
from lamina.core import registry
from lamina.initializers.initializer import Initializer, Shape
from lamina.ops.row import Tensor

# Up to so many elements are filled on the host, as random ones are drawn there: for every shape
# that it fills, JAX compiles a program, in 15 ms.
_LARGE = 2**22


def _filled(value: complex, shape: Shape, dtype: Any) -> Tensor:
    shape, dtype = tuple(shape), standardize_dtype(dtype)
    if math.prod(shape) > _LARGE:
        return ops.full(shape, value, dtype=dtype)
    return ops.convert_to_tensor(np.full(shape, value), dtype=dtype)


class Constant(Initializer):
    """The same value everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.

    Example:
        >>> ops.convert_to_numpy(Constant(3.0)((2,))).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        if isinstance(self.value, (bool, int, float)):
            return _filled(self.value, shape, dtype)
        value = ops.convert_to_tensor(self.value, dtype=standardize_dtype(dtype))
        return ops.broadcast_to(value, tuple(shape))


class Zeros(Initializer):
    """Zeros.

    Example:
        >>> ops.convert_to_numpy(Zeros()((2,))).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        return _filled(0, shape, dtype)


class Ones(Initializer):
    """Ones.

    Example:
        >>> ops.convert_to_numpy(Ones()((2,))).tolist()
        [1.0, 1.0]
    """

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        return _filled(1, shape, dtype)


class Identity(Initializer):
    """The identity matrix times gain.

    Args:
        gain: what stands on the diagonal. Keras leaves it out of the config; here it is in.

    Raises:
        ValueError: if the shape is not that of a matrix.

    Example:
        >>> ops.convert_to_numpy(Identity(2.0)((2, 2))).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices, and the shape is {tuple(shape)}.")
        dtype = standardize_dtype(dtype)
        return ops.multiply(ops.eye(shape[0], shape[1], dtype=dtype), ops.cast(self.gain, dtype))


def from_array(value: Any) -> Callable[..., Tensor]:
    """An initializer that gives `value`, for weights of its shape only.

    Example:
        >>> ops.convert_to_numpy(from_array(ops.eye(2))((2, 2))).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """

    def given(shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        if tuple(shape) != tuple(value.shape):
            raise ValueError(
                f"An array of shape {tuple(value.shape)} was given as the first value of a weight "
                f"of shape {tuple(shape)}."
            )
        return ops.convert_to_tensor(value, dtype=standardize_dtype(dtype))

    return given


registry.enter("initializers", Zeros, "zero")
registry.enter("initializers", Ones, "one")
registry.enter("initializers", Identity, "IdentityInitializer")
