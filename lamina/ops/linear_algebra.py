"""Products of vectors, matrices and stacks of them, and diagonals."""

from __future__ import annotations

import math
from typing import Any

from lamina.ops import dtypes, shapes, shapes_counting, shapes_linear
from lamina.ops.arithmetic import multiply
from lamina.ops.creation import ones_like
from lamina.ops.indexing import get_item
from lamina.ops.joining import concatenate
from lamina.ops.reductions import cumprod, sum
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, flip, reshape, tile, transpose


@op(result=dtypes.contracted, shape=shapes_linear.matmul)
def matmul(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Product of matrices, or of stacks of them: y[i, k] = Σ x1[i, j] x2[j, k] over j.

    Args:
        x1: of shape (..., rows, inner), or (inner,).
        x2: of shape (..., inner, columns), or (inner,).

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.matmul([[1, 2], [3, 4]], [[1], [1]])).tolist()
        [[3], [7]]

    Two `int8` tensors give `int32`.
    """
    ...


@op(result=dtypes.promoted, shape=shapes_linear.dot)
def dot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of products over x1's last axis and x2's last but one.

    Args:
        x1: a tensor of any shape.
        x2: a tensor; a vector is summed over its only axis.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.dot([1, 2], [3, 4])).tolist()
        11
    """
    ...


@op(result=dtypes.promoted, shape=shapes.scalar)
def vdot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of the products of all elements of two tensors.

    Args:
        x1: a tensor of any shape.
        x2: a tensor of as many elements.

    Returns:
        A tensor of shape ().

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.vdot([1, 2], [3, 4])).tolist()
        11
    """
    return matmul(reshape(x1, (-1,)), reshape(x2, (-1,)))


@op(result=dtypes.promoted, shape=shapes_linear.inner)
def inner(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum of products over the last axes of both.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose last axis is as long as `x1`'s.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.inner([1, 2], [3, 4])).tolist()
        11
    """
    ...


@op(result=dtypes.promoted, shape=shapes_linear.outer)
def outer(x1: TensorLike, x2: TensorLike) -> Tensor:
    """All products of an element of one with an element of the other.

    Args:
        x1: a tensor of any shape.
        x2: a tensor of any shape; both are flattened.

    Returns:
        A matrix.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.outer([1, 2], [3, 4])).tolist()
        [[3, 4], [6, 8]]
    """
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (-1,)))


@op(result=dtypes.promoted, shape=shapes_linear.tensordot)
def tensordot(x1: TensorLike, x2: TensorLike, axes: Any = 2) -> Tensor:
    """Sum of products over some axes of both.

    Args:
        x1: a tensor of any shape.
        x2: a tensor.
        axes: how many of `x1`'s last and `x2`'s first axes, or a pair: the axes of each.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.tensordot([[1, 2]], [[3], [4]], axes=1)).tolist()
        [[11]]
    """
    shape = shapes_linear.tensordot(tuple(x1.shape), tuple(x2.shape), axes)
    first, second = shapes_linear.summed_axes(tuple(x1.shape), tuple(x2.shape), axes)
    rows = [i for i in range(len(x1.shape)) if i not in first]
    columns = [i for i in range(len(x2.shape)) if i not in second]
    count = math.prod(x1.shape[i] for i in first)
    left = reshape(transpose(x1, (*rows, *first)), (math.prod(shape[: len(rows)]), count))
    right = reshape(transpose(x2, (*second, *columns)), (count, math.prod(shape[len(rows) :])))
    return reshape(matmul(left, right), shape)


@op(result=dtypes.contracted, shape=shapes_linear.einsum)
def einsum(subscripts: str, *operands: TensorLike) -> Tensor:
    """Sum of products in the notation of Einstein.

    Args:
        subscripts: the axes' letters, as in 'ij,jk->ik'; '...' stands for further axes.
        operands: a tensor for each group of letters.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.einsum("ij,jk->ik", [[1, 2]], [[3], [4]])).tolist()
        [[11]]
    """
    ...


@op(result=dtypes.promoted, shape=shapes_linear.kron)
def kron(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Kronecker product: each element of x1 times all of x2, laid side by side.

    Args:
        x1: a tensor of any shape.
        x2: a tensor.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.kron([1, 10], [1, 2])).tolist()
        [1, 2, 10, 20]
    """
    ...


@op(result=dtypes.promoted, shape=shapes_linear.cross)
def cross(
    x1: TensorLike,
    x2: TensorLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Tensor:
    """Vector product, at right angles to both vectors.

    Args:
        x1: vectors of size 2 or 3.
        x2: vectors of size 2 or 3.
        axisa: the axis of `x1`'s vectors.
        axisb: the axis of `x2`'s vectors.
        axisc: the axis of the result's vectors; none where both have size 2.
        axis: all three at once.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cross([1, 0, 0], [0, 1, 0])).tolist()
        [0, 0, 1]
    """
    ...


@op(result=dtypes.summed, shape=shapes_linear.trace)
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum of a diagonal.

    Args:
        x: a tensor of two or more dimensions.
        offset: which diagonal: 0 the main one, above it > 0, below it < 0.
        axis1: the axis of rows.
        axis2: the axis of columns.

    Returns:
        A tensor without the two axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.trace([[1, 2], [3, 4]])).tolist()
        5
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)


@op(result=dtypes.own, shape=shapes_linear.diagonal)
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The elements of a diagonal, as the last axis.

    Args:
        x: a tensor of two or more dimensions.
        offset: which diagonal: 0 the main one, above it > 0, below it < 0.
        axis1: the axis of rows.
        axis2: the axis of columns.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.diagonal([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    ...


@op(result=dtypes.own, shape=shapes_linear.diag)
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """A vector as the diagonal of a matrix, or the diagonal of a matrix.

    Args:
        x: a vector or a matrix.
        k: which diagonal: 0 the main one, above it > 0, below it < 0.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.diag([1, 2])).tolist()
        [[1, 0], [0, 2]]
    """
    ...


@op(result=dtypes.own, shape=shapes_linear.diagflat)
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """All elements as the diagonal of a matrix, zeros elsewhere.

    Args:
        x: a tensor of any shape.
        k: which diagonal: 0 the main one, above it > 0, below it < 0.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.diagflat([[1, 2]])).tolist()
        [[1, 0], [0, 2]]
    """
    ...


@op(result=dtypes.numeric, shape=shapes_counting.vander)
def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix of Vandermonde, whose columns are the powers of a vector.

    Args:
        x: a vector.
        N: how many powers, from x⁰ on; as many as elements where None.
        increasing: whether the powers rise from left to right.

    Returns:
        A matrix of `x`'s type, a row for each element.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.vander([1, 2, 3])).tolist()
        [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    _, count = shapes_counting.vander(x.shape, N)
    column = expand_dims(x, 1)
    factors = concatenate([ones_like(column), tile(column, (1, max(count - 1, 0)))], axis=1)
    matrix = cumprod(get_item(factors, (slice(None), slice(0, count))), axis=1)
    return matrix if increasing else flip(matrix, axis=1)
