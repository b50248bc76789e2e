"""Element types that TensorFlow has no kernel for, and sizes that a graph does not know yet."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Kernel = Callable[..., Any]
Types = dict[tf.DType, tf.DType]

# The type to compute in instead; what comes out is cast to the type that the op promises.
BOOL: Types = {tf.bool: tf.int32}
UNSIGNED: Types = {
    tf.uint8: tf.int32,
    tf.uint16: tf.int32,
    tf.uint32: tf.int64,
    tf.uint64: tf.int64,
}
SMALL: Types = {tf.int8: tf.int32, tf.int16: tf.int32, **UNSIGNED}
WHOLE: Types = {tf.bool: tf.float64, **dict.fromkeys((*SMALL, tf.int32, tf.int64), tf.float64)}
HALF: Types = {tf.float16: tf.float32, tf.bfloat16: tf.float32}


# By the number of spatial dimensions. Where it is not named, gradients in three fail.
LAYOUTS = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


def widened(kernel: Kernel, *lacking: Types) -> Kernel:
    """`kernel`, with operands of the types that it is lacking cast to wider ones."""
    wider = {narrow: wide for types in lacking for narrow, wide in types.items()}

    @functools.wraps(kernel)
    def call(x: Any, *others: Any, **settings: Any) -> Any:
        wide = wider.get(x.dtype)
        if wide is None:
            return kernel(x, *others, **settings)
        narrow = x.dtype
        return kernel(
            tf.cast(x, wide),
            *[tf.cast(y, wide) if getattr(y, "dtype", None) is narrow else y for y in others],
            **settings,
        )

    # What is run where no cast is needed.
    names = {one.name for one in wider}
    call.of_type = lambda dtype: call if dtype in names else kernel  # type: ignore[attr-defined]
    return call


def sizes(x: tf.Tensor) -> list[Any]:
    """The dimensions of `x`: numbers where they are known, scalar tensors where they are not."""
    known = x.shape.as_list()
    if None not in known:
        return known  # type: ignore[no-any-return]
    found = tf.shape(x)
    return [found[i] if size is None else size for i, size in enumerate(known)]


def known(x: tf.Tensor, shape: Sequence[Any]) -> list[Any]:
    """`shape` with the size that `x` has there in the place of each None."""
    return [sizes(x)[i] if size is None else size for i, size in enumerate(shape)]


def filled(x: tf.Tensor, shape: Any) -> Any:
    """`shape` as TensorFlow takes it: what is None, since the graph does not know it yet, is -1, or
    where there are several, the size that `x` has there.
    """
    if not isinstance(shape, (list, tuple)):
        return (shape,) if isinstance(shape, int) else shape
    unknown = sum(size is None for size in shape)
    if unknown == 1 and not any(isinstance(size, int) and size == -1 for size in shape):
        return [-1 if size is None else size for size in shape]
    return known(x, shape) if unknown else shape


def to_last(x: tf.Tensor, axis: int) -> tf.Tensor:
    """`x` with an axis moved to the end."""
    rank = x.shape.rank
    axis = axis % rank
    if axis == rank - 1:
        return x
    return tf.transpose(x, [*range(axis), *range(axis + 1, rank), axis])


def from_last(x: tf.Tensor, axis: int) -> tf.Tensor:
    """`x` with its last axis moved to `axis`."""
    rank = x.shape.rank
    axis = axis % rank
    if axis == rank - 1:
        return x
    return tf.transpose(x, [*range(axis), rank - 1, *range(axis, rank - 1)])


def channels_last(x: tf.Tensor) -> tf.Tensor:
    """(batch, channels, ...) as (batch, ..., channels)."""
    return tf.transpose(x, [0, *range(2, x.shape.rank), 1])


def channels_second(x: tf.Tensor) -> tf.Tensor:
    """(batch, ..., channels) as (batch, channels, ...)."""
    return tf.transpose(x, [0, x.shape.rank - 1, *range(1, x.shape.rank - 1)])


def flat(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, (-1,))
