"""What singular values tell: ranks, pseudo-inverses, and least-squares solutions."""

from __future__ import annotations

from typing import Any

import ml_dtypes

from lamina.backend.linear import are_vectors
from lamina.ops import dtypes, shapes_linear
from lamina.ops.arithmetic import add, divide, multiply, subtract
from lamina.ops.comparison import greater, where
from lamina.ops.control import custom_gradient
from lamina.ops.conversion import dtype as dtype_of
from lamina.ops.creation import zeros
from lamina.ops.decompositions import svd
from lamina.ops.linear_algebra import matmul
from lamina.ops.reductions import count_nonzero, max
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, squeeze, swapaxes


def _precision(x: Tensor) -> float:
    """The relative error of singular values: the resolution of their type, for each dimension."""
    resolution: Any = ml_dtypes.finfo(dtype_of(x)).eps  # type: ignore[no-untyped-call]
    return float(resolution) * float(sorted(x.shape[-2:])[-1])


def _of_each(threshold: Any) -> Any:
    """A threshold of each matrix, for its singular values."""
    return expand_dims(threshold, -1) if getattr(threshold, "shape", ()) else threshold


@op(result=dtypes.widened, shape=shapes_linear.pseudo_inverse)
def pinv(x: TensorLike, rcond: TensorLike | None = None) -> Tensor:
    """Pseudo-inverse of Moore and Penrose: v diag(1 / s) uᵀ of the singular values s that count.

    Args:
        x: of shape (..., rows, columns).
        rcond: which share of the largest singular value the others must exceed, a number or one
            for each matrix; where None, ten times the larger dimension times the resolution of the
            type.

    Returns:
        A float tensor of shape (..., columns, rows).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.pinv([[2.0, 0.0], [0.0, 0.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.0]]

    Reference:
        The gradient: Golub and Pereyra, 1973, https://doi.org/10.1137/0710036
    """
    if 0 in x.shape[-2:]:
        return zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), dtype_of(x))
    share = 10 * _precision(x) if rcond is None else rcond

    def inverse(x: Tensor) -> Any:
        u, s, vt = svd(x, full_matrices=False)
        counts = greater(s, multiply(_of_each(share), max(s, axis=-1, keepdims=True)))
        inverted = where(counts, divide(1, where(counts, s, 1)), 0)
        scaled = multiply(swapaxes(vt, -1, -2), expand_dims(inverted, -2))
        return matmul(scaled, swapaxes(u, -1, -2)), lambda upstream: _slope(x, rcond, upstream)

    return custom_gradient(inverse)(x)


def _slope(x: Tensor, rcond: Any, upstream: Tensor) -> Tensor:
    """The gradient by x: that of the singular vectors would be infinite for equal values."""
    p = pinv(x, rcond)
    pt, ut = swapaxes(p, -1, -2), swapaxes(upstream, -1, -2)
    inside = matmul(pt, matmul(upstream, pt))
    rows = matmul(ut, matmul(p, pt))
    columns = matmul(matmul(pt, p), ut)
    rows = subtract(rows, matmul(x, matmul(p, rows)))
    columns = subtract(columns, matmul(matmul(columns, p), x))
    return subtract(add(rows, columns), inside)


@op(result=dtypes.widened, shape=shapes_linear.lstsq)
def lstsq(a: TensorLike, b: TensorLike, rcond: TensorLike | None = None) -> Tensor:
    """The x with the least |a x - b|², and of these the shortest.

    Args:
        a: of shape (..., rows, columns).
        b: of shape (..., rows, count), or a vector for each matrix, (..., rows).
        rcond: which share of the largest singular value of `a` the others must exceed to count;
            where None, the larger dimension times the resolution of the type.

    Returns:
        A float tensor of shape (..., columns, count), or (..., columns).

    Example:
        >>> from lamina import ops
        >>> points = [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]  # x and 1, for a line
        >>> ops.convert_to_numpy(ops.lstsq(points, [1.0, 3.0, 5.0])).round(4)
        array([2., 1.], dtype=float32)
    """
    inverse = pinv(a, _precision(a) if rcond is None else rcond)
    if are_vectors(a.shape, b.shape):
        return squeeze(matmul(inverse, expand_dims(b, -1)), -1)
    return matmul(inverse, b)


@op(result=dtypes.widened_count, shape=shapes_linear.matrix_rank)
def matrix_rank(x: TensorLike, tol: TensorLike | None = None) -> Tensor:
    """Rank of a matrix: how many singular values are above a threshold.

    Args:
        x: of shape (..., rows, columns).
        tol: the threshold, a number or one for each matrix; where None, the largest singular value,
            times the larger dimension, times the resolution of the type.

    Returns:
        An int32 tensor of shape (...).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]])).tolist()
        1
    """
    if 0 in x.shape[-2:]:
        return zeros(x.shape[:-2], "int32")
    s = svd(x, compute_uv=False)
    if tol is None:
        tol = multiply(max(s, axis=-1), _precision(x))
    return count_nonzero(greater(s, _of_each(tol)), axis=-1)
