"""Reductions over axes, cumulative ones, and order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.widening import (
    BOOL,
    SMALL,
    UNSIGNED,
    Kernel,
    flat,
    widened,
)

Tensor = Any
Axes = int | Sequence[int] | None


def _extreme(reduce: Kernel, combine: Kernel) -> Kernel:
    def kernel(x: Tensor, axis: Axes, keepdims: bool, initial: float | None) -> Tensor:
        if initial is None and 0 in x.shape:
            axes = _dims(x) if axis is None else (axis,) if isinstance(axis, int) else axis
            if any(x.shape[one] == 0 for one in axes):
                raise ValueError("There is no largest or smallest of no element.")
        reduced = reduce(x, axis=axis, keepdims=keepdims)
        return reduced if initial is None else combine(reduced, tf.cast(initial, x.dtype))

    return widened(kernel, BOOL)


def _place(find: Kernel) -> Kernel:
    def kernel(x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
        if axis is None:
            place = find(flat(x), axis=0, output_type=tf.int32)
            return tf.reshape(place, (1,) * x.shape.rank) if keepdims else place
        place = find(x, axis=axis, output_type=tf.int32)
        return tf.expand_dims(place, axis) if keepdims else place

    return kernel


def _along(accumulate: Kernel) -> Kernel:
    def kernel(x: Tensor, axis: int | None, dtype: str) -> Tensor:
        return accumulate(flat(x), 0) if axis is None else accumulate(x, axis)

    return kernel


def _dims(x: Tensor) -> range:
    return range(x.shape.rank)


def sort(x: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        x, axis = flat(x), 0
    if not x.dtype.is_floating:
        return tf.sort(x, axis)
    # TensorFlow has no place for NaN, which belongs at the end.
    missing = tf.math.is_nan(x)
    ordered = tf.sort(tf.where(missing, tf.constant(math.inf, x.dtype), x), axis)
    behind = tf.sort(tf.cast(missing, tf.int32), axis)
    return tf.where(behind > 0, tf.constant(math.nan, x.dtype), ordered)


def argsort(x: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        x, axis = flat(x), 0
    return tf.argsort(_whole(x), axis, stable=True)


def _whole(x: Tensor) -> Tensor:
    """Integers in the order of the elements of `x`, NaN the largest."""
    if not x.dtype.is_floating:
        return x
    wide, whole = (tf.float64, tf.int64) if x.dtype is tf.float64 else (tf.float32, tf.int32)
    # -0 becomes 0, and NaN the one without a sign.
    x = tf.where(tf.math.is_nan(x), tf.constant(math.nan, wide), tf.cast(x, wide) + 0)
    bits = tf.bitcast(x, whole)
    return tf.where(bits < 0, bits ^ whole.max, bits)


def searchsorted(sequence: Tensor, values: Tensor, side: str) -> Tensor:
    places = tf.searchsorted(_whole(sequence), _whole(flat(values)), side)
    return tf.reshape(places, tf.shape(values))


def top_k(x: Tensor, k: int, sorted: bool) -> Any:
    return tf.math.top_k(x, k, sorted)


OWN: dict[str, Any] = {
    # Other names.
    "all": tf.reduce_all,
    "any": tf.reduce_any,
    "logsumexp": tf.reduce_logsumexp,
    "mean": tf.reduce_mean,
    "prod": lambda x, axis, keepdims, dtype: tf.reduce_prod(x, axis, keepdims),
    "std": tf.math.reduce_std,
    "sum": widened(tf.reduce_sum, BOOL),
    "var": tf.math.reduce_variance,
    # No `initial`, no booleans.
    "max": _extreme(tf.reduce_max, tf.maximum),
    "min": _extreme(tf.reduce_min, tf.minimum),
    # No `keepdims`, and axis 0 where None.
    "argmax": _place(tf.argmax),
    "argmin": _place(tf.argmin),
    # No axis None.
    "argsort": widened(argsort, BOOL, UNSIGNED),
    "cumprod": widened(_along(tf.math.cumprod), SMALL),  # under XLA
    "cumsum": widened(_along(tf.cumsum), SMALL),
    "sort": widened(sort, BOOL, UNSIGNED),
    # Ranks each row of equal shapes only.
    "searchsorted": widened(searchsorted, BOOL),
    "in_top_k": None,  # the op's shared definition: other types, and what is not finite
    "top_k": widened(top_k, BOOL, UNSIGNED),
    # The ops' shared definitions: fewer types, other arguments.
    "average": None,
    "ptp": None,
    "nanmean": None,
    "nanprod": None,
    "nansum": None,
    # Not there.
}
