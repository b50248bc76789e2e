"""Neural-network kernels that TensorFlow has under another name or signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backend.config import epsilon
from lamina.backend.tensorflow import convolution, pooling
from lamina.backend.tensorflow.widening import Kernel, from_last, to_last

Tensor = Any
raw = tf.raw_ops


def _over_last(kernel: Kernel) -> Kernel:
    """A kernel over the last axis as one over any axis or axes."""

    def call(x: Tensor, axis: int | Sequence[int] | None) -> Tensor:
        rank = x.shape.rank
        if axis == -1 and rank:
            return kernel(logits=x)
        if isinstance(axis, int) and rank:
            return from_last(kernel(logits=to_last(x, axis)), axis)
        chosen = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = sorted(i % rank for i in chosen)
        order = [*(i for i in range(rank) if i not in axes), *axes]
        moved = tf.transpose(x, order)
        shape = tf.shape(moved)
        rows = tf.reshape(moved, tf.concat([shape[: rank - len(axes)], [-1]], 0))
        back = sorted(range(rank), key=order.__getitem__)
        return tf.transpose(tf.reshape(kernel(logits=rows), shape), back)

    return call


def elu(x: Tensor, alpha: float) -> Tensor:
    found = raw.Elu(features=x)
    return found if alpha == 1 else tf.where(x > 0, x, found * tf.constant(alpha, x.dtype))


def one_hot(x: Tensor, num_classes: int, axis: int, dtype: str, sparse: bool) -> Tensor:
    if x.dtype not in (tf.int32, tf.int64):
        x = tf.cast(x, tf.int32)
    axis = axis if axis == -1 else axis % (x.shape.rank + 1)
    ends = (True, False) if dtype == "bool" else (1, 0)
    return tf.one_hot(x, num_classes, *ends, axis=axis, dtype=dtype)


def sparse_categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: bool, axis: int
) -> Tensor:
    rank = output.shape.rank
    if target.shape.rank == rank and target.shape[-1] == 1:
        target = tf.squeeze(target, -1)
    output = to_last(output, axis)
    if not from_logits:
        output = output / tf.reduce_sum(output, -1, keepdims=True)
        output = tf.math.log(tf.clip_by_value(output, epsilon(), 1 - epsilon()))
    target = tf.cast(target, tf.int32)
    # A class that there is not costs nothing; the kernels refuse it.
    known = (target >= 0) & (target < output.shape[-1])
    target = tf.where(known, target, 0)
    if from_logits:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(target, output)
    else:
        loss = -tf.gather(output, target, batch_dims=rank - 1)
    return tf.where(known, loss, tf.zeros((), loss.dtype))


OWN: dict[str, Any] = {
    **convolution.OWN,
    **pooling.OWN,
    # Only in tf.nn, where other ops have the names of ours.
    "elu": elu,
    "gelu": tf.nn.gelu,
    "leaky_relu": lambda x, negative_slope: raw.LeakyRelu(features=x, alpha=negative_slope),
    "relu": lambda x: raw.Relu(features=x),
    "relu6": lambda x: raw.Relu6(features=x),
    "selu": lambda x: raw.Selu(features=x),
    "sigmoid": lambda x: raw.Sigmoid(x=x),
    "silu": lambda x: x * raw.Sigmoid(x=x),
    # One axis at a time.
    "log_softmax": _over_last(raw.LogSoftmax),
    "softmax": _over_last(raw.Softmax),
    # Without the one-hot array of the op's shared definition.
    "one_hot": one_hot,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}
