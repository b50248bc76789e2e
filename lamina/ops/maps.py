"""The maps that layers and optimizers are made of."""

from __future__ import annotations

import math

from lamina.ops import (
    arithmetic,
    conversion,
    dtypes,
    linear_algebra,
    shapes,
    shapes_linear,
    shaping,
)
from lamina.ops.row import Shape, Tensor, TensorLike, op


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
        >>> from lamina.ops.maps import lerp
        >>> float(lerp(1.0, 3.0, 0.25))
        1.5
    """
    step = arithmetic.multiply(arithmetic.subtract(x2, x1), weight)
    return arithmetic.add(x1, step)
