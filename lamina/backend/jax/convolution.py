"""Convolutions on JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamina.backend.jax import cpu_convolution
from lamina.backend.jax.native_convolution import dimensions, native
from lamina.backend.windows import channels_first, pads, spread, transposed_pads

Sizes = int | Sequence[int]


def conv(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> jax.Array:
    rank, first = inputs.ndim - 2, channels_first(data_format)
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    spatial = inputs.shape[2:] if first else inputs.shape[1:-1]
    around = _around(spatial, kernel.shape[:rank], steps, rates, padding)
    groups = inputs.shape[1 if first else -1] // kernel.shape[-2]
    if cpu_convolution.serves(inputs) and (groups > 1 or rank == 3 or not first):
        return _last(cpu_convolution.convolution, first, inputs, kernel, around, steps, rates)
    layout = dimensions(rank, data_format)
    own: jax.Array = native(inputs, kernel, around, steps, (1,) * rank, rates, layout, groups)
    return own


def _around(
    spatial: Sequence[int],
    window: Sequence[int],
    steps: Sequence[int],
    rates: Sequence[int],
    padding: str,
) -> tuple[tuple[int, int], ...]:
    widths = [(size - 1) * rate + 1 for size, rate in zip(window, rates, strict=True)]
    return tuple(pads(spatial, widths, steps, padding))


def _last(
    function: Callable[..., jax.Array], first: bool, inputs: jax.Array, *given: Any
) -> jax.Array:
    """A function of images whose channels are last, of images where they may be first."""
    if not first:
        return function(inputs, *given)
    return jnp.moveaxis(function(jnp.moveaxis(inputs, 1, -1), *given), -1, 1)


def depthwise_conv(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> jax.Array:
    *window, channels, multiplier = kernel.shape
    if not cpu_convolution.serves(inputs):
        kernel = jnp.reshape(kernel, (*window, 1, channels * multiplier))
        return conv(inputs, kernel, strides, padding, data_format, dilation_rate)
    first, rank = channels_first(data_format), len(window)
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    spatial = inputs.shape[2:] if first else inputs.shape[1:-1]
    around = _around(spatial, window, steps, rates, padding)
    return _last(cpu_convolution.depthwise, first, inputs, kernel, around, steps, rates)


def conv_transpose(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> jax.Array:
    rank = inputs.ndim - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    extra = None if output_padding is None else spread(output_padding, rank)
    around = tuple(transposed_pads(kernel.shape[:-2], steps, padding, extra, rates))
    flipped = jnp.flip(kernel, range(rank))
    if cpu_convolution.serves(inputs) and max(rates) == 1 < max(steps):
        turned, first = jnp.swapaxes(flipped, -1, -2), channels_first(data_format)
        return _last(cpu_convolution.transposed, first, inputs, turned, around, steps)
    layout = dimensions(rank, data_format, kernel="OI")
    result: jax.Array = native(inputs, flipped, around, (1,) * rank, steps, rates, layout, 1)
    return result


OWN: dict[str, Callable[..., Any]] = {
    # lax.conv takes and means other things.
    "conv": conv,
    "depthwise_conv": depthwise_conv,
    # lax.conv_transpose has no output_padding.
    "conv_transpose": conv_transpose,
}
