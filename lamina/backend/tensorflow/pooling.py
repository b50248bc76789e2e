"""Pooling on TensorFlow, whose kernels on the CPU want the channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.widening import (
    HALF,
    LAYOUTS,
    WHOLE,
    Kernel,
    channels_last,
    channels_second,
    widened,
)
from lamina.backend.windows import channels_first, check_fit, spread

Sizes = int | Sequence[int]


def _pool(kernel: Kernel) -> Kernel:
    def pool(
        inputs: tf.Tensor,
        pool_size: Sizes,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
    ) -> tf.Tensor:
        first = channels_first(data_format)
        x = channels_last(inputs) if first else inputs
        windows = spread(pool_size, x.shape.rank - 2)
        steps = windows if strides is None else spread(strides, x.shape.rank - 2)
        if padding.lower() == "valid":
            check_fit(x.shape[1:-1], windows)
        y = kernel(x, windows, steps, padding.upper(), LAYOUTS[x.shape.rank - 2])
        return channels_second(y) if first else y

    wide = widened(pool, WHOLE)
    deep = widened(pool, _NOT_IN_3D)

    def call(inputs: tf.Tensor, *args: Any, **settings: Any) -> tf.Tensor:
        return (wide if inputs.shape.rank < 5 else deep)(inputs, *args, **settings)

    return call


_NOT_IN_3D = {**HALF, **dict.fromkeys((*WHOLE, tf.float64), tf.float32)}

OWN: dict[str, Any] = {
    # One kernel for each rank and type in tf.nn.
    "max_pool": _pool(tf.nn.max_pool),
    "average_pool": _pool(tf.nn.avg_pool),
}
