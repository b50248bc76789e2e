"""Shapes, joining and splitting, and new tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from lamina.backend.tensorflow.widening import (
    UNSIGNED,
    Kernel,
    filled,
    flat,
    sizes,
    widened,
)

Tensor = Any


def reshape(x: Tensor, newshape: Any) -> Tensor:
    return tf.reshape(x, filled(x, newshape))


def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    order = list(range(x.shape.rank))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return tf.transpose(x, order)


def expand_dims(x: Tensor, axis: Any) -> Tensor:
    if isinstance(axis, int):
        return tf.expand_dims(x, axis)
    rank = x.shape.rank + len(axis)
    for place in sorted(one % rank for one in axis):
        x = tf.expand_dims(x, place)
    return x


def pad(x: Tensor, pad_width: Any, mode: str, constant_values: Any) -> Tensor:
    widths = np.broadcast_to(pad_width, (x.shape.rank, 2))
    if mode == "constant":
        padded = tf.pad(x, widths)
        if constant_values is None or (isinstance(constant_values, int) and constant_values == 0):
            return padded
        # Not by PadV2, whose value is lost where it is mapped.
        inside = tf.pad(tf.ones_like(x, tf.bool), widths)
        return tf.where(inside, padded, tf.cast(constant_values, x.dtype))
    if constant_values is not None:
        raise ValueError(f"pad takes constant_values in mode 'constant' only, not {mode!r}.")
    if mode in ("reflect", "symmetric"):
        return tf.pad(x, widths, mode)
    for axis, width in enumerate(widths):
        if width.any():
            # NumPy knows which place comes where, in every mode.
            places = np.pad(np.arange(x.shape[axis]), width, mode=mode)  # type: ignore[call-overload]
            x = tf.gather(x, places, axis=axis)
    return x


def tile(x: Tensor, repeats: Any) -> Tensor:
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    rank = x.shape.rank
    if len(counts) > rank:
        x = tf.reshape(x, [1] * (len(counts) - rank) + sizes(x))
    return tf.tile(x, [1] * (rank - len(counts)) + counts)


def flip(x: Tensor, axis: Any) -> Tensor:
    axes = list(range(x.shape.rank)) if axis is None else np.atleast_1d(axis)
    return tf.reverse(x, axes)


def concatenate(xs: Sequence[Tensor], axis: int | None) -> Tensor:
    return tf.concat([flat(x) for x in xs], 0) if axis is None else tf.concat(xs, axis)


def split(x: Tensor, indices_or_sections: Any, axis: int) -> list[Tensor]:
    if isinstance(indices_or_sections, int):
        return list(tf.split(x, indices_or_sections, axis))
    size = sizes(x)[axis]
    ends = [*indices_or_sections, size]
    starts = [0, *indices_or_sections]
    return list(tf.split(x, [end - start for start, end in zip(starts, ends, strict=True)], axis))


def repeat(x: Tensor, repeats: Any, axis: int | None) -> Tensor:
    if isinstance(repeats, (list, tuple)):  # known sizes, where tf.repeat finds none
        x, axis = (flat(x), 0) if axis is None else (x, axis)
        return tf.gather(x, np.repeat(np.arange(x.shape[axis]), repeats), axis=axis)
    return tf.repeat(x, repeats, axis)


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Tensor:
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if all(isinstance(one, (int, float)) for one in (start, stop, step)):
        stop = start if (stop - start) * step < 0 else stop  # nothing, which TensorFlow refuses
    whole = all(isinstance(one, int) for one in (start, stop, step))
    return tf.range(start, stop, step, tf.int64 if whole else None)


def linspace(
    start: Tensor, stop: Tensor, num: int, endpoint: bool, retstep: bool, dtype: str, axis: int
) -> Any:
    wide = tf.as_dtype(dtype).is_integer  # which is rounded down: no error may matter
    kind = tf.float64 if wide else tf.float32 if start.dtype.size < 4 else start.dtype
    start, stop = tf.cast(start, kind), tf.cast(stop, kind)
    parts = num - 1 if endpoint else num
    step = (stop - start) / tf.cast(max(parts, 1), kind)
    rank = max(start.shape.rank, stop.shape.rank)
    places = tf.reshape(tf.range(num), (num,) + (1,) * rank)
    found = start + step * tf.cast(places, kind)
    if endpoint and num > 1:
        found = tf.where(tf.equal(places, num - 1), stop, found)
    found = tnp.moveaxis(tf.floor(found) if wide else found, 0, axis)
    return [found, step] if retstep else found


def full(shape: Any, fill_value: Tensor, dtype: str) -> Tensor:
    return tf.broadcast_to(tf.cast(fill_value, dtype), shape)


def _like(x: Tensor, fill_value: Tensor, dtype: str) -> Tensor:
    return tf.broadcast_to(tf.cast(fill_value, dtype), tf.shape(x))


def _diagonals(rows: Any, columns: Any) -> Tensor:
    """For each place of a matrix, the number of the diagonal that it is on."""
    return tf.range(columns) - tf.range(rows)[:, None]


def _triangle(inside: Kernel) -> Kernel:
    def kernel(x: Tensor, k: int) -> Tensor:
        return tf.where(inside(_diagonals(*sizes(x)[-2:]), k), x, tf.zeros((), x.dtype))

    return kernel


def meshgrid(*x: Tensor, indexing: str) -> list[Tensor]:
    order = list(range(len(x)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    grid = tf.stack([tf.size(x[i]) for i in order])
    return [
        tf.broadcast_to(tf.reshape(one, [-1 if i == place else 1 for place in order]), grid)
        for i, one in enumerate(x)
    ]


OWN: dict[str, Any] = {
    # Of the same name, with other arguments or meanings in tf.
    "reshape": reshape,
    "broadcast_to": tf.broadcast_to,
    "expand_dims": expand_dims,  # one axis
    "linspace": linspace,
    "eye": None,  # the op's shared definition: no columns are as many as rows
    "meshgrid": meshgrid,  # one type
    "pad": pad,  # fewer modes
    "repeat": widened(repeat, UNSIGNED),  # no uint16
    "split": split,  # takes sizes
    "squeeze": tf.squeeze,
    "stack": tf.stack,
    "tile": widened(tile, UNSIGNED),  # a number for each axis
    "transpose": lambda x, axes: tf.transpose(x, axes),
    "unstack": tf.unstack,
    "zeros": lambda shape, dtype: tf.zeros(shape, dtype),
    "ones": lambda shape, dtype: tf.ones(shape, dtype),
    "zeros_like": tf.zeros_like,
    "ones_like": tf.ones_like,
    # Other names.
    "concatenate": concatenate,
    "empty": lambda shape, dtype: tf.zeros(shape, dtype),
    "empty_like": tf.zeros_like,
    "flip": flip,
    # Not there.
    "arange": arange,
    "full": full,
    "geomspace": None,  # the op's shared definition: tnp's gives other types
    "full_like": _like,
    "ravel": flat,
    "swapaxes": swapaxes,
    "tril": _triangle(tf.less_equal),
    "triu": _triangle(tf.greater_equal),
}
