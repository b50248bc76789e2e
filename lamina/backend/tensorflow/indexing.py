"""Picking elements by position, and putting them there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lamina.backend.tensorflow.elementwise import nonzero
from lamina.backend.tensorflow.widening import (
    Kernel,
    flat,
    from_last,
    sizes,
    to_last,
)

Tensor = Any


def _counted(places: Any, size: Any) -> Tensor:
    """Positions, negative ones counted from the end."""
    places = tf.convert_to_tensor(places)
    if places.dtype not in (tf.int32, tf.int64):
        places = tf.cast(places, tf.int32)
    return tf.where(places < 0, places + tf.cast(size, places.dtype), places)


def _is_array(key: Any) -> bool:
    return isinstance(key, (tf.Tensor, np.ndarray, list))


def get_item(x: Tensor, key: Any) -> Tensor:
    keys = list(key) if isinstance(key, tuple) else [key]
    if not any(_is_array(one) for one in keys):
        return x[key]
    x, keys = _only_arrays(x, keys)
    axes = [i for i, one in enumerate(keys) if one is not None]
    if len(axes) == 1:
        axis = axes[0]
        return tf.gather(x, _counted(keys[axis], sizes(x)[axis]), axis=axis)
    # All arrays first, as one array of positions; then their dimensions go to the first one's
    # place, where no other key stands between them.
    rest = [i for i in range(x.shape.rank) if i not in axes]
    known = sizes(x)
    places = [_counted(keys[i], known[i]) for i in axes]
    shape = tf.shape(places[0])
    for one in places[1:]:
        shape = tf.broadcast_dynamic_shape(shape, tf.shape(one))
    rank = max(one.shape.rank for one in places)
    together = tf.stack([tf.broadcast_to(tf.cast(one, tf.int32), shape) for one in places], -1)
    found = tf.gather_nd(tf.transpose(x, [*axes, *rest]), together)
    if axes != list(range(axes[0], axes[-1] + 1)):
        return found
    before = range(rank, rank + axes[0])
    return tf.transpose(found, [*before, *range(rank), *range(rank + axes[0], found.shape.rank)])


def _only_arrays(x: Tensor, keys: list[Any]) -> tuple[Tensor, list[Any]]:
    """`x` with its slices and new axes done, and for each axis an array of positions or None."""
    keys = [part for one in keys for part in _positions(one)]
    taken = sum(one is not None and one is not Ellipsis for one in keys)
    every = [slice(None)] * (x.shape.rank - taken)
    at = next((i for i, one in enumerate(keys) if one is Ellipsis), len(keys))
    keys = [*keys[:at], *every, *keys[at + 1 :]]
    basic = [one if one is None or isinstance(one, slice) else slice(None) for one in keys]
    if any(one is None or one != slice(None) for one in basic):
        x = x[tuple(basic)]
    # Among arrays a number is an array too.
    return x, [None if one is None or isinstance(one, slice) else one for one in keys]


def _positions(key: Any) -> tuple[Any, ...]:
    """A key, a mask as the positions where it holds."""
    if not _is_array(key):
        return (key,)
    key = tf.convert_to_tensor(key)
    return nonzero(key) if key.dtype is tf.bool else (key,)


def take(x: Tensor, indices: Tensor, axis: int | None) -> Tensor:
    """As `numpy.take`, but positions out of range give NaN, the smallest or largest number."""
    if axis is None:
        x, axis = flat(x), 0
    size = sizes(x)[axis]
    axis = axis % x.shape.rank
    places = _counted(indices, size)
    outside = (places < 0) | (places >= tf.cast(size, places.dtype))
    found = tf.gather(x, tf.where(outside, tf.zeros_like(places), places), axis=axis)
    for _ in range(x.shape.rank - 1 - axis):
        outside = outside[..., None]
    return tf.where(outside, tf.constant(_missing(x.dtype), x.dtype), found)


def _missing(dtype: tf.DType) -> Any:
    if dtype is tf.bool:
        return True
    if dtype.is_integer:
        return dtype.max if dtype.is_unsigned else dtype.min
    return math.nan


def take_along_axis(x: Tensor, indices: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        x, indices, axis = flat(x), flat(indices), 0
    x, places = to_last(x, axis), to_last(_counted(indices, sizes(x)[axis]), axis)
    shape = tf.broadcast_dynamic_shape(tf.shape(x)[:-1], tf.shape(places)[:-1])
    if x.shape[:-1] != places.shape[:-1]:
        x = tf.broadcast_to(x, tf.concat([shape, tf.shape(x)[-1:]], 0))
        places = tf.broadcast_to(places, tf.concat([shape, tf.shape(places)[-1:]], 0))
    return from_last(tf.gather(x, places, batch_dims=x.shape.rank - 1), axis)


def slice_block(inputs: Tensor, start_indices: Any, shape: Sequence[int]) -> Tensor:
    known = sizes(inputs)
    counts = [known[i] - start_indices[i] if size == -1 else size for i, size in enumerate(shape)]
    return tf.slice(inputs, _starts(start_indices, known, counts), counts)


def _starts(start_indices: Any, known: Sequence[Any], counts: Sequence[Any]) -> Tensor:
    """Where the block begins, moved inside where it would stick out."""
    last = tf.stack(known) - tf.stack(counts)
    starts = [tf.cast(start_indices[i], tf.int32) for i in range(len(known))]
    return tf.clip_by_value(_counted(tf.stack(starts), tf.stack(known)), 0, last)


def slice_update(inputs: Tensor, start_indices: Any, updates: Tensor) -> Tensor:
    known, counts = sizes(inputs), sizes(updates)
    starts = _starts(start_indices, known, counts)
    after = tf.stack(known) - starts - tf.stack(counts)
    around = tf.stack([starts, after], axis=1)
    block = tf.pad(tf.cast(updates, inputs.dtype), around)
    inside = tf.pad(tf.ones(counts, tf.bool), around)
    return tf.where(inside, block, inputs)


def _places(indices: Tensor, shape: Sequence[Any]) -> Tensor:
    return _counted(indices, tf.stack(shape[: indices.shape[-1]]))


def scatter(indices: Tensor, values: Tensor, shape: Sequence[int]) -> Tensor:
    places = _places(indices, shape)
    return tf.scatter_nd(places, values, tf.cast(tf.stack(shape), places.dtype))


def scatter_update(
    inputs: Tensor, indices: Tensor, updates: Tensor, reduction: str | None
) -> Tensor:
    places, updates = _places(indices, sizes(inputs)), tf.cast(updates, inputs.dtype)
    if reduction == "mul":
        return inputs * _products(places, updates, sizes(inputs))
    combine: dict[str | None, Kernel] = {
        None: tf.tensor_scatter_nd_update,
        "add": tf.tensor_scatter_nd_add,
        "max": tf.tensor_scatter_nd_max,
        "min": tf.tensor_scatter_nd_min,
    }
    if reduction not in combine:
        raise ValueError(f"reduction is None, 'add', 'mul', 'max' or 'min', not {reduction!r}.")
    return combine[reduction](inputs, places, updates)


def _products(places: Tensor, updates: Tensor, shape: Sequence[Any]) -> Tensor:
    """The product of the updates for each place, 1 where there are none."""
    depth = places.shape[-1]
    number = tf.zeros_like(places[..., 0])
    for i in range(depth):
        number = number * tf.cast(shape[i], number.dtype) + places[..., i]
    count = tf.reduce_prod(tf.stack(shape[:depth]))
    return tf.reshape(tf.math.unsorted_segment_prod(updates, number, count), tf.stack(shape))


def _segment(reduce: Kernel, nothing: Any = None) -> Kernel:
    def kernel(data: Tensor, segment_ids: Tensor, num_segments: Any, sorted: bool) -> Tensor:
        if data.dtype is tf.bool:  # which is a number from 0 to 1
            found = kernel(tf.cast(data, tf.int32), segment_ids, num_segments, sorted)
            return tf.cast(tf.clip_by_value(found, 0, 1), tf.bool)
        if segment_ids.shape.rank != 1:
            raise ValueError("The numbers of the groups are no vector.")
        numbers = tf.cast(segment_ids, tf.int32)
        count = tf.reduce_max(numbers) + 1 if num_segments is None else num_segments
        # Negative numbers are left out, and so shall be those too large.
        found = reduce(data, tf.where(numbers < count, numbers, -1), count)
        if nothing is None or not data.dtype.is_floating:
            return found
        limit = data.dtype.min if nothing < 0 else data.dtype.max  # of empty groups
        empty = tf.equal(found, tf.constant(limit, data.dtype))
        return tf.where(empty, tf.constant(nothing, data.dtype), found)

    return kernel


OWN: dict[str, Any] = {
    "get_item": get_item,  # x[key] takes numbers and slices only
    "scatter": scatter,  # tf.scatter_nd counts from the front
    "scatter_update": scatter_update,
    # tf.math.segment_sum and its likes want sorted numbers.
    "segment_max": _segment(tf.math.unsorted_segment_max, -math.inf),
    "segment_min": _segment(tf.math.unsorted_segment_min, math.inf),
    "segment_prod": _segment(tf.math.unsorted_segment_prod),
    "segment_sum": _segment(tf.math.unsorted_segment_sum),
    "slice": slice_block,  # tf.slice refuses blocks that stick out
    "slice_update": slice_update,
    "take": take,
    "take_along_axis": take_along_axis,
}
