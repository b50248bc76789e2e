"""Maps that layers and optimizers are made of, as one op each where a backend has it."""

from __future__ import annotations

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


def _affine(x: Shape, kernel: Shape, bias: Shape | None) -> Shape:
    """(…, size) and (size, units) make (…, units)."""
    product = shapes_linear.matmul(x, kernel)
    return product if bias is None else shapes.broadcast(product, bias)


@op(result=dtypes.promoted, shape=_affine)
def affine_map(x: TensorLike, kernel: TensorLike, bias: TensorLike = None) -> Tensor:
    """Affine map x · kernel + bias along the last axis, as one op where a backend has it.

    Args:
        x: of shape `(…, size)`.
        kernel: of shape `(size, units)`.
        bias: of shape `(units,)`, or None.
    """
    shape = conversion.shape(x)
    # One matrix product of rank 2: the gradient of one of higher rank is slower on XLA.
    flat = x if len(shape) == 2 else shaping.reshape(x, (-1, shape[-1]))
    product = linear_algebra.matmul(flat, kernel)
    if bias is not None:
        product = arithmetic.add(product, bias)
    if len(shape) == 2:
        return product
    return shaping.reshape(product, (*shape[:-1], kernel.shape[-1]))


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
