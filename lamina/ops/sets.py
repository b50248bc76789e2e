"""Tensors as sets: their distinct elements."""

from __future__ import annotations

from typing import Any

from lamina.backend.dtypes import is_integer
from lamina.ops import dtypes, shapes, shapes_counting
from lamina.ops.arithmetic import add, subtract
from lamina.ops.comparison import less, not_equal, where
from lamina.ops.conversion import cast, convert_to_tensor, dtype
from lamina.ops.creation import arange, full, ones_like, zeros_like
from lamina.ops.elementwise import isnan
from lamina.ops.indexing import get_item, segment_min, segment_sum, take
from lamina.ops.reductions import any, cumsum, max
from lamina.ops.row import ShapeError, Tensor, TensorLike, op
from lamina.ops.shaping import moveaxis, ravel, reshape, roll
from lamina.ops.sorting import argsort


def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Tensor:
    """The distinct elements of a tensor, or its distinct slices along an axis.

    Args:
        x: a tensor of any shape.
        sorted: whether they come in ascending order, which they always do here.
        return_index: whether to tell where each is first.
        return_inverse: whether to tell for each element of `x` which one it is.
        return_counts: whether to tell how often each is there.
        axis: the axis whose slices are compared; None for the elements of the flattened tensor.
        size: how many to return, needed in compiled code: the first ones; where there are fewer,
            `fill_value` stands for the rest, with the count 0 and the position of the first.
        fill_value: the first of the distinct elements where None.

    Returns:
        A tensor of `x`'s type, or a tuple of it and of the `int32` tensors that were asked for, in
        the order of the arguments. Every NaN is distinct from every other.

    Raises:
        ShapeError: if there is no element, `size` is not 0 and no `fill_value` is given.

    Example:
        >>> from lamina import ops
        >>> values, counts = ops.unique([3, 1, 3], return_counts=True)
        >>> ops.convert_to_numpy(values).tolist(), ops.convert_to_numpy(counts).tolist()
        ([1, 3], [1, 2])
    """
    asked = (True, return_index, return_inverse, return_counts)
    found = distinct(x, axis, size, fill_value)
    chosen = tuple(one for one, wanted in zip(found, asked, strict=True) if wanted)
    return chosen if len(chosen) > 1 else chosen[0]


@op(result=dtypes.distinct, shape=shapes_counting.distinct)
def distinct(
    x: TensorLike, axis: int | None = None, size: int | None = None, fill_value: Any = None
) -> Tensor:
    """All that `unique` can tell: the elements, where each is first, which of them each element of
    `x` is, and how often each is there.

    Args:
        x, axis, size, fill_value: as for `unique`.

    Returns:
        A tuple of four tensors.
    """
    slices = ravel(x) if axis is None else moveaxis(x, axis, 0)
    if fill_value is None and size and slices.shape[0] == 0:
        raise ShapeError("unique: there is no element to stand for the rest; give fill_value.")
    rows = reshape(slices, (-1, 1)) if axis is None else _rows(slices)
    order = _order(rows)
    ordered = take(rows, order, axis=0)
    changed = cumsum(cast(any(not_equal(ordered, roll(ordered, 1, axis=0)), axis=1), "int32"))
    number = subtract(changed, get_item(changed, slice(None, 1)))  # of each, in ascending order
    count = add(max(number, initial=-1), 1)
    groups = count if size is None else size
    first = segment_min(order, number, groups)
    counts = segment_sum(ones_like(order), number, groups)
    inverse = take(number, argsort(order), axis=0)
    if axis is None:
        inverse = reshape(inverse, x.shape)
    if size is None:
        values = take(slices, first, axis=0)
    else:
        values, first = _filled(slices, first, less(arange(size), count), fill_value)
    return values if axis is None else moveaxis(values, 0, axis), first, inverse, counts


def _rows(slices: Tensor) -> Tensor:
    """The slices along the first axis as rows; a column of zeros where they hold nothing."""
    width = shapes.size(slices.shape[1:])
    if width == 0:
        return zeros_like(reshape(arange(slices.shape[0]), (-1, 1)))
    return reshape(slices, (slices.shape[0], width))


def _order(rows: Tensor) -> Tensor:
    """The positions of the rows in ascending order: by their last element, then by the one before
    it, …, and by the first; equal rows as they stand, NaN last.
    """
    keys = []
    for column in range(rows.shape[1] - 1, -1, -1):
        key = get_item(rows, (slice(None), column))
        if is_integer(dtype(key)) or dtype(key) == "bool":
            keys.append(key)
        else:  # each backend has a place of its own for NaN
            keys += [where(isnan(key), 0, key), cast(isnan(key), "int32")]
    order = argsort(keys[0])
    for key in keys[1:]:
        order = take(order, argsort(take(key, order, axis=0)), axis=0)
    return order


def _filled(slices: Tensor, first: Tensor, there: Tensor, fill_value: Any) -> tuple[Tensor, Tensor]:
    """The slices at the positions `first` where they are there, others in the places of the rest;
    and their positions.
    """
    if slices.shape[0] == 0:
        slices, first = (
            full((1, *slices.shape[1:]), fill_value or 0, dtype(slices)),
            zeros_like(first),
        )
    first = where(there, first, get_item(first, slice(None, 1)))
    values = take(slices, first, axis=0)
    if fill_value is not None:
        there = reshape(there, (-1, *(1,) * (len(slices.shape) - 1)))
        values = where(there, values, convert_to_tensor(fill_value, dtype(slices)))
    return values, first
