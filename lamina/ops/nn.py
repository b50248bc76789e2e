"""Encodings of classes, and the maps that layers and optimizers are made of."""

from __future__ import annotations

import math
from typing import Any

from lamina.ops import (
    arithmetic,
    comparison,
    conversion,
    creation,
    dtypes,
    linear_algebra,
    reductions,
    shapes,
    shapes_linear,
    shapes_nn,
    shaping,
)
from lamina.ops.row import Indices, Shape, Tensor, TensorLike, op


@op(result=dtypes.asked, shape=shapes_nn.one_hot)
def one_hot(
    x: Indices, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """1 at the place of each class along a new axis, 0 elsewhere.

    Args:
        x: integers; those outside 0 … num_classes - 1 give zeros only.
        num_classes: the size of the new axis.
        axis: where it goes; last by default.
        dtype: the element type; `floatx` where None.
        sparse: must be False: tensors are dense.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.one_hot([1, 0], 3, dtype="int32")).tolist()
        [[0, 1, 0], [1, 0, 0]]
    """
    axis = axis % (len(x.shape) + 1)
    classes = shaping.reshape(creation.arange(num_classes), (-1,) + (1,) * (len(x.shape) - axis))
    return conversion.cast(comparison.equal(shaping.expand_dims(x, axis), classes), dtype)


def multi_hot(
    inputs: Indices,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """1 at the place of each class that a row of `inputs` holds, 0 elsewhere.

    Args:
        inputs: integers of shape `(batch, length)` or `(length,)`.
        num_classes: how many classes there are.
        axis: where the classes go.
        dtype: the element type; `floatx` where None.
        sparse: must be False: tensors are dense.

    Raises:
        ValueError: if `num_classes` is missing.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.multi_hot([[0, 2]], 3)).tolist()
        [[1.0, 0.0, 1.0]]
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes, the number of classes there are.")
    if kwargs:
        raise TypeError(f"multi_hot has no argument {', '.join(kwargs)}.")
    codes = one_hot(inputs, num_classes, axis, dtype, sparse)
    return reductions.max(codes, axis=1 if len(codes.shape) > 2 else 0)


def _affine(x: Shape, kernel: Shape, bias: Shape | None, axes: int) -> Shape:
    """(…, *summed) and (*summed, *new) make (…, *new), of `axes` summed sizes."""
    product = shapes_linear.matmul(
        (*x[:-axes], shapes.size(x[-axes:])), (shapes.size(kernel[:axes]), 1)
    )
    result = (*product[:-1], *kernel[axes:])
    return result if bias is None else shapes.broadcast(result, bias)


@op(result=dtypes.promoted, shape=_affine)
def affine_map(x: TensorLike, kernel: TensorLike, bias: TensorLike = None, axes: int = 1) -> Tensor:
    """Affine map x · kernel + bias along the last axes, as one op where a backend has it.

    Args:
        x: of shape `(…, *summed)`.
        kernel: of shape `(*summed, *new)`.
        bias: of shape `new`, or None.
        axes: how many sizes are summed over.
    """
    shape = conversion.shape(x)
    new = kernel.shape[axes:]
    # One product of matrices: the gradient of one of higher rank is slower on XLA.
    rows = x if len(shape) == 1 + axes == 2 else shaping.reshape(x, (-1, math.prod(shape[-axes:])))
    matrix = kernel if len(kernel.shape) == 2 else shaping.reshape(kernel, (-1, math.prod(new)))
    product = linear_algebra.matmul(rows, matrix)
    if bias is not None:
        product = arithmetic.add(product, shaping.reshape(bias, (-1,)))
    if rows is x and len(new) == 1:
        return product
    return shaping.reshape(product, (*shape[:-axes], *new))


@op(result=dtypes.floating, shape=shapes.broadcast)
def lerp(x1: TensorLike, x2: TensorLike, weight: TensorLike) -> Tensor:
    """Linear interpolation, elementwise: x1 + (x2 - x1) * weight.

    Args:
        x1: where weight is 0.
        x2: where weight is 1.
        weight: a tensor or number; shapes broadcast.

    Example:
        >>> from lamina.ops.nn import lerp
        >>> float(lerp(1.0, 3.0, 0.25))
        1.5
    """
    step = arithmetic.multiply(arithmetic.subtract(x2, x1), weight)
    return arithmetic.add(x1, step)
