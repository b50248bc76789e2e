"""Picking elements by position, and putting them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import dtypes, shapes, shapes_arrays
from lamina.ops.arithmetic import floor_divide, mod
from lamina.ops.comparison import where
from lamina.ops.rounding import clip
from lamina.ops.row import Indices, Places, Tensor, TensorLike, op


@op(result=dtypes.own, shape=shapes_arrays.get_item)
def get_item(x: TensorLike, key: Places) -> Tensor:
    """x[key], by the rules of NumPy.

    Args:
        x: a tensor of any shape.
        key: an integer, slice, None, Ellipsis, tensor of integers, or a tuple of these; outside of
            `jit` and of the definition of models also boolean tensors.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.get_item([[1, 2], [3, 4]], (..., 0))).tolist()
        [1, 3]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.take)
def take(x: TensorLike, indices: Indices, axis: int | None = None) -> Tensor:
    """The elements at some positions along an axis.

    Args:
        x: a tensor of any shape.
        indices: integers of any shape; negative ones count from the end.
        axis: the axis, which the shape of `indices` replaces; None for the flattened tensor.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.take([10, 20, 30], [2, 0])).tolist()
        [30, 10]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.take_along_axis)
def take_along_axis(x: TensorLike, indices: Indices, axis: int | None = None) -> Tensor:
    """For each place, the element at the position along an axis that is asked for there.

    Args:
        x: a tensor of any shape.
        indices: integers; but for the axis, of `x`'s shape or one that broadcasts with it.
        axis: the axis; None for the flattened tensor.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1)).tolist()
        [[2], [3]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.slice_)
def slice(inputs: TensorLike, start_indices: Places, shape: Any) -> Tensor:
    """The block of a given shape that begins at a given position.

    Args:
        inputs: a tensor.
        start_indices: a position along each axis, negative ones counted from the end; may be a
            tensor. A block that would stick out is moved inside.
        shape: the block's size along each axis; -1 for all the rest.

    Returns:
        A tensor of `inputs`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.slice([[1, 2], [3, 4]], (0, 1), (2, 1))).tolist()
        [[2], [4]]
    """
    ...


@op(result=dtypes.own, shape=shapes.same)
def slice_update(inputs: TensorLike, start_indices: Places, updates: TensorLike) -> Tensor:
    """A copy of a tensor with a block of it replaced.

    Args:
        inputs: a tensor.
        start_indices: where the block begins along each axis; may be a tensor.
        updates: the block, of as many dimensions as `inputs`.

    Returns:
        A tensor of `inputs`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.slice_update([1, 2, 3], (1,), [8, 9])).tolist()
        [1, 8, 9]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.scatter)
def scatter(indices: Indices, values: TensorLike, shape: Any) -> Tensor:
    """Zeros of a given shape with values added at given positions.

    Args:
        indices: positions: integers of shape (..., n), for the first n axes of `shape`.
        values: of shape (...) + shape[n:].
        shape: the shape of the result.

    Returns:
        A tensor of `values`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.scatter([[0], [2], [0]], [1, 2, 3], (4,))).tolist()
        [4, 0, 2, 0]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.scatter_update)
def scatter_update(
    inputs: TensorLike, indices: Indices, updates: TensorLike, reduction: str | None = None
) -> Tensor:
    """A copy of a tensor with values put at given positions.

    Args:
        inputs: a tensor.
        indices: positions: integers of shape (..., n), for the first n axes of `inputs`.
        updates: of shape (...) + inputs.shape[n:].
        reduction: how a value meets the element there: None replaces it, 'add', 'mul', 'max' or
            'min' combine them.

    Returns:
        A tensor of `inputs`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.scatter_update([1, 2, 3], [[0], [2]], [8, 9])).tolist()
        [8, 2, 9]
    """
    ...


@op(result=dtypes.whatever, shape=shapes_arrays.unknowable)
def nonzero(x: TensorLike) -> Tensor:
    """The positions of the elements that are not 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A tuple of `int32` vectors, one for each dimension. Their length depends on the values, so
        it is computed outside of `jit` only.

    Example:
        >>> from lamina import ops
        >>> rows, columns = ops.nonzero([[1, 0], [0, 2]])
        >>> ops.convert_to_numpy(columns).tolist()
        [0, 1]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.segment)
def segment_sum(
    data: TensorLike, segment_ids: Indices, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Sum of each group of elements along the first axis.

    Args:
        data: a tensor.
        segment_ids: for each element along the first axis, the number of its group.
        num_segments: how many groups there are; needed in compiled code, else counted.
        sorted: whether the numbers of the groups never decrease, which may be faster.

    Returns:
        A tensor of `data`'s type, its first axis of size `num_segments`; an empty group has 0.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.segment_sum([1, 2, 5], [0, 0, 1], num_segments=2)).tolist()
        [3, 5]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.segment)
def segment_prod(
    data: TensorLike, segment_ids: Indices, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Product of each group of elements along the first axis.

    Args:
        data: a tensor.
        segment_ids: for each element along the first axis, the number of its group.
        num_segments: how many groups there are; needed in compiled code, else counted.
        sorted: whether the numbers of the groups never decrease, which may be faster.

    Returns:
        A tensor of `data`'s type, its first axis of size `num_segments`; an empty group has 1.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.segment_prod([1, 2, 5], [0, 0, 1], num_segments=2)).tolist()
        [2, 5]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.segment)
def segment_max(
    data: TensorLike, segment_ids: Indices, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Largest element of each group of elements along the first axis.

    Args:
        data: a tensor.
        segment_ids: for each element along the first axis, the number of its group.
        num_segments: how many groups there are; needed in compiled code, else counted.
        sorted: whether the numbers of the groups never decrease, which may be faster.

    Returns:
        A tensor of `data`'s type, its first axis of size `num_segments`; an empty group has the
        smallest number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.segment_max([1, 2, 5], [0, 0, 1], num_segments=2)).tolist()
        [2, 5]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.segment)
def segment_min(
    data: TensorLike, segment_ids: Indices, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Smallest element of each group of elements along the first axis.

    Args:
        data: a tensor.
        segment_ids: for each element along the first axis, the number of its group.
        num_segments: how many groups there are; needed in compiled code, else counted.
        sorted: whether the numbers of the groups never decrease, which may be faster.

    Returns:
        A tensor of `data`'s type, its first axis of size `num_segments`; an empty group has the
        largest number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.segment_min([1, 2, 5], [0, 0, 1], num_segments=2)).tolist()
        [1, 5]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.unravel_index)
def unravel_index(indices: TensorLike, shape: Sequence[int]) -> Tensor:
    """Positions in a flattened tensor as positions along each axis.

    Args:
        indices: integers.
        shape: the shape of the tensor.

    Returns:
        A list of tensors, one for each axis. Positions out of range are taken as the nearest one.

    Example:
        >>> from lamina import ops
        >>> rows, columns = ops.unravel_index([1, 5], (2, 3))
        >>> ops.convert_to_numpy(columns).tolist()
        [1, 2]
    """
    total = shapes.size(shape)
    indices = clip(indices, -total, total - 1)
    places = []
    for size in reversed(shape):
        places.append(mod(indices, size))
        indices = floor_divide(indices, size)
    return places[::-1]


def select(
    condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0
) -> Tensor:
    """The element of the first choice whose condition holds, else the default.

    Args:
        condlist: boolean tensors.
        choicelist: as many tensors; all shapes broadcast together.
        default: what stands where no condition holds.

    Returns:
        A tensor of the broadcast shape and the choices' common type.

    Raises:
        ValueError: if there are not as many conditions as choices.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.select([[True, False]], [[1, 2]], default=9)).tolist()
        [1, 9]
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"select takes as many choices as conditions, not {len(choicelist)} choices and "
            f"{len(condlist)} conditions."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result
