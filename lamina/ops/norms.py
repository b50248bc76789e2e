"""Norms of vectors and matrices, and distances between vectors."""

from __future__ import annotations

import math
from typing import Any

from lamina.ops import dtypes, shapes_linear
from lamina.ops.arithmetic import power, subtract
from lamina.ops.comparison import equal, not_equal, where
from lamina.ops.conversion import cast
from lamina.ops.decompositions import svd
from lamina.ops.elementwise import absolute, sqrt, square
from lamina.ops.reductions import max, min, sum
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shapes import canonical_axes
from lamina.ops.shaping import expand_dims, moveaxis, squeeze


@op(result=dtypes.widened, shape=shapes_linear.norm)
def norm(x: TensorLike, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Norm of vectors or matrices; by default √(Σ x²).

    Args:
        x: a tensor of any shape.
        ord: for vectors a number p: (Σ |x|^p)^(1/p), ±∞ for the largest or smallest |x|, 0 for how
            many are not 0; for matrices 1, -1 (the largest or smallest sum of a column), ±∞ (of a
            row), 2, -2 (the largest or smallest singular value), 'fro' or 'nuc' (the root of the
            sum of squares, the sum of singular values).
        axis: one axis for vectors, two for matrices; None for the whole tensor.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor without the reduced axes. The gradient at 0 is 0.

    Raises:
        ShapeError: if there is no such norm.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.norm([3.0, 4.0])).tolist()
        5.0
    """
    shapes_linear.norm(tuple(x.shape), ord, axis, keepdims)  # refuses what there is not
    axes = canonical_axes(axis, len(x.shape))
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        return _root(sum(square(x), tuple(axes), keepdims))
    if len(axes) == 1:
        return _vector_norm(absolute(x), ord, axes[0], keepdims)
    if ord in ("nuc", 2, -2):
        found = _reduced(svd(moveaxis(x, axes, (-2, -1)), compute_uv=False), ord, -1, False)
        return expand_dims(found, tuple(sorted(axes))) if keepdims else found
    along, across = axes if abs(ord) == 1 else reversed(axes)
    found = _reduced(sum(absolute(x), along, keepdims=True), ord, across, True)
    return found if keepdims else squeeze(found, tuple(axes))


def _vector_norm(sizes: Tensor, ord: float, axis: int, keepdims: bool) -> Tensor:
    if abs(ord) == math.inf:
        return _reduced(sizes, ord, axis, keepdims)
    if ord == 0:
        return sum(cast(not_equal(sizes, 0), sizes.dtype), axis, keepdims)
    if ord == 1:
        return sum(sizes, axis, keepdims)
    return _root(sum(power(sizes, ord), axis, keepdims), ord)


def _reduced(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    """The sum for 'nuc', the largest element for a positive order, the smallest for a negative."""
    if ord == "nuc":
        return sum(x, axis, keepdims)
    return max(x, axis, keepdims, initial=0) if ord > 0 else min(x, axis, keepdims)


def _root(x: Tensor, order: float = 2) -> Tensor:
    """x^(1 / order) of x ≥ 0, where the gradient at 0 is 0: that of sums of powers there."""
    zero = equal(x, 0)
    inside = where(zero, 1, x)
    root = sqrt(inside) if order == 2 else power(inside, 1 / order)
    return where(zero, 0.0 if order > 0 else math.inf, root)


@op(result=dtypes.widened, shape=shapes_linear.cdist)
def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """Euclidean distance between each vector of one set and each of another: √(Σ (x - y)²).

    Args:
        x: vectors, of shape (..., n, size).
        y: vectors, of shape (..., m, size).

    Returns:
        A float tensor of shape (..., n, m). The gradient at a distance of 0 is 0.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    return norm(subtract(expand_dims(x, -2), expand_dims(y, -3)), axis=-1)
