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


def _gathered(x: Tensor, axis: Axes) -> tuple[Tensor, list[int]]:
    """`x` with the axes to reduce flattened to one at the end, and which they are."""
    axes = _dims(x) if axis is None else [axis] if isinstance(axis, int) else axis
    reduced = sorted(one % x.shape.rank for one in axes)
    kept = [i for i in _dims(x) if i not in reduced]
    x = tf.transpose(x, [*kept, *reduced])
    shape = tf.concat([tf.shape(x)[: len(kept)], [-1]], 0)
    gathered = tf.reshape(x, shape)
    gathered.set_shape([*x.shape[: len(kept)], None])
    return gathered, reduced


def quantile(x: Tensor, q: Tensor, axis: Axes, method: str, keepdims: bool) -> Tensor:
    """NumPy's quantiles: the sorted elements at the place q (n - 1), or between two of them."""
    gathered, reduced = _gathered(x, axis)
    ordered = tf.sort(gathered, axis=-1)
    count = tf.shape(ordered)[-1]
    place = tf.cast(q, x.dtype) * tf.cast(count - 1, x.dtype)
    below, above = tf.floor(place), tf.math.ceil(place)
    part = place - below
    if method == "nearest":
        below = above = tf.round(place)
    elif method == "lower":
        above = below
    elif method == "higher":
        below = above
    elif method == "midpoint":
        part = tf.where(tf.equal(part, 0), part, tf.constant(0.5, x.dtype))
    elif method != "linear":
        raise ValueError(
            "method is 'linear', 'lower', 'higher', 'midpoint' or 'nearest', not " + repr(method)
        )
    low = tf.gather(ordered, tf.cast(below, tf.int32), axis=-1)
    high = tf.gather(ordered, tf.cast(above, tf.int32), axis=-1)
    found = low + (high - low) * part
    missing = tf.reduce_any(tf.math.is_nan(gathered), axis=-1)
    missing = tf.reshape(missing, tf.concat([tf.shape(missing), tf.ones_like(tf.shape(q))], 0))
    found = tf.where(missing, tf.constant(math.nan, x.dtype), found)
    places, rank = q.shape.rank, found.shape.rank
    # The quantiles come first.
    found = tf.transpose(found, [*range(rank - places, rank), *range(rank - places)])
    for i in reduced if keepdims else ():
        found = tf.expand_dims(found, i + places)
    return found


def sort(x: Tensor, axis: int | None) -> Tensor:
    return tf.sort(flat(x)) if axis is None else tf.sort(x, axis)


def argsort(x: Tensor, axis: int | None) -> Tensor:
    return tf.argsort(flat(x), stable=True) if axis is None else tf.argsort(x, axis, stable=True)


def searchsorted(sequence: Tensor, values: Tensor, side: str) -> Tensor:
    places = tf.searchsorted(sequence, flat(values), side)
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
    # Not there.
    "quantile": quantile,
}
