"""Joining tensors, and cutting them into parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import dtypes, shapes_arrays
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, reshape


@op(result=dtypes.promoted, shape=shapes_arrays.concatenate)
def concatenate(xs: Sequence[TensorLike], axis: int | None = 0) -> Tensor:
    """Tensors joined along an axis they have.

    Args:
        xs: tensors of one shape, but for the axis.
        axis: the axis; None to flatten the tensors first.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.concatenate([[1, 2], [3]])).tolist()
        [1, 2, 3]
    """
    ...


@op(result=dtypes.promoted, shape=shapes_arrays.stack)
def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    Args:
        x: tensors of one shape.
        axis: where the new axis stands in the result.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.stack([[1, 2], [3, 4]], axis=1)).tolist()
        [[1, 3], [2, 4]]
    """
    ...


@op(result=dtypes.promoted)
def hstack(xs: Sequence[TensorLike]) -> Tensor:
    """Tensors side by side: joined along axis 1, vectors along axis 0.

    Args:
        xs: tensors.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.hstack([[1, 2], [3]])).tolist()
        [1, 2, 3]
    """
    xs = [_at_least(x, 1) for x in xs]
    return concatenate(xs, axis=0 if xs[0].ndim == 1 else 1)


@op(result=dtypes.promoted)
def vstack(xs: Sequence[TensorLike]) -> Tensor:
    """Tensors one above the other: joined along axis 0, vectors as rows.

    Args:
        xs: tensors.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.vstack([[1, 2], [3, 4]])).tolist()
        [[1, 2], [3, 4]]
    """
    return concatenate([_at_least(x, 2) for x in xs], axis=0)


@op(result=dtypes.promoted, everywhere=True)
def dstack(xs: Sequence[TensorLike]) -> Tensor:
    """Tensors one behind the other: joined along axis 2, which matrices and vectors get.

    Args:
        xs: tensors; a vector of length n is taken as of shape (1, n, 1), a matrix of n columns and
            m rows as of shape (m, n, 1).

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.dstack([[1, 2], [3, 4]])).tolist()
        [[[1, 3], [2, 4]]]
    """
    layers = [_at_least(x, 2) for x in xs]
    return concatenate([x if len(x.shape) > 2 else expand_dims(x, 2) for x in layers], axis=2)


def _at_least(x: Tensor, rank: int) -> Tensor:
    return reshape(x, (1,) * (rank - len(x.shape)) + tuple(x.shape)) if len(x.shape) < rank else x


@op(result=dtypes.promoted)
def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Tensor:
    """x2 behind x1 along an axis.

    Args:
        x1: a tensor of any shape.
        x2: a tensor of `x1`'s shape, but for the axis.
        axis: the axis; None to flatten both first.

    Returns:
        A tensor of the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.append([1, 2], [3])).tolist()
        [1, 2, 3]
    """
    return concatenate([x1, x2], axis=axis)


@op(result=dtypes.own, shape=shapes_arrays.split)
def split(x: TensorLike, indices_or_sections: Any, axis: int = 0) -> Tensor:
    """X cut into parts along an axis.

    Args:
        x: a tensor of any shape.
        indices_or_sections: how many equal parts, or the positions where to cut.
        axis: the axis to cut.

    Returns:
        A list of tensors of `x`'s type.

    Raises:
        ShapeError: if the axis cannot be cut into that many equal parts.

    Example:
        >>> from lamina import ops
        >>> parts = ops.split([1, 2, 3, 4], 2)
        >>> [ops.convert_to_numpy(part).tolist() for part in parts]
        [[1, 2], [3, 4]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.array_split)
def array_split(x: TensorLike, indices_or_sections: Any, axis: int = 0) -> Tensor:
    """X cut along an axis into parts that may differ in size by one.

    Args:
        x: a tensor of any shape.
        indices_or_sections: how many equal parts, or the positions where to cut.
        axis: the axis to cut.

    Returns:
        A list of tensors of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> parts = ops.array_split([1, 2, 3], 2)
        >>> [ops.convert_to_numpy(part).tolist() for part in parts]
        [[1, 2], [3]]
    """
    if isinstance(indices_or_sections, int):
        size, rest = divmod(x.shape[axis], indices_or_sections)
        indices_or_sections = [i * size + min(i, rest) for i in range(1, indices_or_sections)]
    return split(x, indices_or_sections, axis)


@op(result=dtypes.own, shape=shapes_arrays.unstack)
def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> Tensor:
    """X cut into the slices along an axis, which disappears.

    Args:
        x: a tensor of any shape.
        num: the axis's size; needed where that is not known.
        axis: the axis.

    Returns:
        A list of tensors of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> rows = ops.unstack([[1, 2], [3, 4]])
        >>> [ops.convert_to_numpy(row).tolist() for row in rows]
        [[1, 2], [3, 4]]
    """
    ...


@op(result=dtypes.own, everywhere=True)
def hsplit(x: TensorLike, indices_or_sections: Any) -> Tensor:
    """X cut into parts side by side: along axis 1, a vector along axis 0.

    Args:
        x: a tensor of at least one dimension.
        indices_or_sections: how many equal parts, or the positions where to cut.

    Returns:
        A list of tensors of `x`'s type.

    Raises:
        ShapeError: if the axis cannot be cut into that many equal parts.

    Example:
        >>> from lamina import ops
        >>> parts = ops.hsplit([[1, 2], [3, 4]], 2)
        >>> [ops.convert_to_numpy(part).tolist() for part in parts]
        [[[1], [3]], [[2], [4]]]
    """
    return split(x, indices_or_sections, axis=0 if len(x.shape) == 1 else 1)


@op(result=dtypes.own, everywhere=True)
def vsplit(x: TensorLike, indices_or_sections: Any) -> Tensor:
    """X cut into parts one above the other: along axis 0.

    Args:
        x: a tensor of at least one dimension.
        indices_or_sections: how many equal parts, or the positions where to cut.

    Returns:
        A list of tensors of `x`'s type.

    Raises:
        ShapeError: if the axis cannot be cut into that many equal parts.

    Example:
        >>> from lamina import ops
        >>> parts = ops.vsplit([[1, 2], [3, 4]], 2)
        >>> [ops.convert_to_numpy(part).tolist() for part in parts]
        [[[1, 2]], [[3, 4]]]
    """
    return split(x, indices_or_sections, axis=0)


@op(result=dtypes.own, everywhere=True)
def dsplit(x: TensorLike, indices_or_sections: Any) -> Tensor:
    """X cut into parts one behind the other: along axis 2.

    Args:
        x: a tensor of at least three dimensions.
        indices_or_sections: how many equal parts, or the positions where to cut.

    Returns:
        A list of tensors of `x`'s type.

    Raises:
        ShapeError: if the axis cannot be cut into that many equal parts.

    Example:
        >>> from lamina import ops
        >>> parts = ops.dsplit([[[1, 2]], [[3, 4]]], 2)
        >>> [ops.convert_to_numpy(part).tolist() for part in parts]
        [[[[1]], [[3]]], [[[2]], [[4]]]]
    """
    return split(x, indices_or_sections, axis=2)
