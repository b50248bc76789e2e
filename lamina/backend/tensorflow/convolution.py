"""Convolutions on TensorFlow, whose kernels on the CPU want the channels last."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.widening import (
    LAYOUTS,
    WHOLE,
    Kernel,
    channels_last,
    channels_second,
    sizes,
    widened,
)
from lamina.backend.windows import channels_first, pads, spread, transposed_pads

Tensor = Any
Sizes = int | Sequence[int]


def conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    if channels_first(data_format):
        x = channels_last(inputs)
        y = conv(x, kernel, strides, padding, "channels_last", dilation_rate)
        return channels_second(y)
    rank = inputs.shape.rank - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    apart = max(steps) > 1 and max(rates) > 1
    if padding == "causal" or apart:
        widths = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False)]
        around = pads(inputs.shape[1:-1], widths, steps, padding)
        inputs, padding = tf.pad(inputs, [(0, 0), *around, (0, 0)]), "valid"
    if apart:  # TensorFlow has either: skip the places between
        y = _convolution(inputs, kernel, (1,) * rank, padding, rates)
        return y[(slice(None), *(slice(None, None, step) for step in steps))]
    return _convolution(inputs, kernel, steps, padding, rates)


def _convolution(
    x: Tensor, kernel: Tensor, steps: Sequence[int], padding: str, rates: Sequence[int]
) -> Tensor:
    groups, rank = x.shape[-1] // kernel.shape[-2], len(steps)

    def one(x: Tensor, kernel: Tensor) -> Tensor:
        return tf.nn.convolution(x, kernel, steps, padding.upper(), LAYOUTS[rank], rates)

    if groups == 1 or (rank < 3 and _has_groups()):
        return one(x, kernel)
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([one(x, kernel) for x, kernel in parts], -1)


@functools.cache
def _has_groups() -> bool:
    """Whether this build of TensorFlow convolves in groups outside of XLA: with oneDNN it does."""
    with tf.init_scope(), tf.GradientTape() as tape:
        x, kernel = tf.ones((1, 1, 1, 2)), tf.ones((1, 1, 1, 2))
        tape.watch((x, kernel))
        try:
            tape.gradient(tf.nn.conv2d(x, kernel, 1, "VALID"), (x, kernel))
        except tf.errors.OpError:
            return False
    return True


def depthwise_conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    *window, channels, multiplier = kernel.shape
    rank = len(window)
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    if rank == 3 or padding == "causal" or (max(steps) > 1 and max(rates) > 1):
        grouped = tf.reshape(kernel, (*window, 1, channels * multiplier))
        return conv(inputs, grouped, strides, padding, data_format, dilation_rate)
    first = channels_first(data_format)
    x = channels_last(inputs) if first else inputs
    if rank == 1:  # as an image of one row
        x, kernel, steps, rates = x[:, None], kernel[None], steps * 2, (1, *rates)
    y = tf.nn.depthwise_conv2d(x, kernel, (1, *steps, 1), padding.upper(), dilations=rates)
    y = y[:, 0] if rank == 1 else y
    return channels_second(y) if first else y


def conv_transpose(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    first = channels_first(data_format)
    x = channels_last(inputs) if first else inputs
    rank = x.shape.rank - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    extra = None if output_padding is None else spread(output_padding, rank)
    around = transposed_pads(kernel.shape[:-2], steps, padding, extra, rates)
    kernel = _apart(kernel, rates)
    batch, *spatial, _ = sizes(x)
    lengths = kernel.shape[:-2]
    # All that any place of the input reaches, and what is cut from its ends, or added there.
    full = [(n - 1) * step + k for n, step, k in zip(spatial, steps, lengths, strict=True)]
    cut = [(k - 1 - a, k - 1 - b) for (a, b), k in zip(around, lengths, strict=True)]
    same = all(map(_cut_as_same, cut, lengths, steps))
    if same:
        full = [n - sum(ends) for n, ends in zip(full, cut, strict=True)]
    shape = tf.stack([batch, *full, kernel.shape[-2]])
    y = tf.nn.conv_transpose(x, kernel, shape, steps, "SAME" if same else "VALID", LAYOUTS[rank])
    y.set_shape([x.shape[0], *(n if isinstance(n, int) else None for n in full), kernel.shape[-2]])
    if not same:
        if any(b < 0 for _, b in cut):
            y = tf.pad(y, [(0, 0), *((0, max(-b, 0)) for _, b in cut), (0, 0)])
        y = y[(slice(None), *(slice(a or None, -max(b, 0) or None) for a, b in cut))]
    return channels_second(y) if first else y


def _cut_as_same(ends: tuple[int, int], length: int, step: int) -> bool:
    """Whether TensorFlow's padding "SAME" cuts so many places from both ends by itself.

    Cutting them afterwards took 9 of the 20 ms of a small decoder's step.
    """
    before, after = ends
    return 0 <= before == (before + after) // 2 and 0 < length - before - after <= step


def _apart(kernel: Tensor, rates: Sequence[int]) -> Tensor:
    """`kernel` with its weights apart by the dilation, zeros between."""
    for axis, rate in enumerate(rates):
        if rate > 1:
            around = [(0, 0)] * (kernel.shape.rank + 1)
            around[axis + 1] = (0, rate - 1)
            shape = list(kernel.shape)
            shape[axis] *= rate
            kernel = tf.reshape(tf.pad(tf.expand_dims(kernel, axis + 1), around), shape)
            kernel = kernel[(slice(None),) * axis + (slice(None, 1 - rate),)]
    return kernel


def _of_any_batch(kernel: Kernel) -> Kernel:
    """`kernel`, right for a batch of no rows too: with oneDNN it has the channels of its input."""

    def call(inputs: Tensor, *args: Any, **settings: Any) -> Tensor:
        if inputs.shape[0] != 0:
            return kernel(inputs, *args, **settings)
        one_row = tf.pad(inputs, [(0, 1), *[(0, 0)] * (inputs.shape.rank - 1)])
        return kernel(one_row, *args, **settings)[:0]

    return widened(call, WHOLE)


OWN: dict[str, Any] = {
    # tf.nn has a function for each rank and layout, and no groups in three dimensions.
    "conv": _of_any_batch(conv),
    "depthwise_conv": _of_any_batch(depthwise_conv),
    # No output_padding.
    "conv_transpose": _of_any_batch(conv_transpose),
}
