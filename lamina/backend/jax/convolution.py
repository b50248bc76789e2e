"""Convolutions on JAX."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamina.backend.jax import devices
from lamina.backend.windows import channels_first, pads, spread, transposed_pads

Sizes = int | Sequence[int]

_SPACE = "DHW"


def _dimensions(rank: int, data_format: str | None, kernel: str = "IO") -> tuple[str, str, str]:
    space = _SPACE[-rank:]
    images = f"NC{space}" if channels_first(data_format) else f"N{space}C"
    return images, space + kernel, images


def conv(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> jax.Array:
    rank = inputs.ndim - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    first = channels_first(data_format)
    spatial, channels = inputs.shape[2:], inputs.shape[1]
    if not first:
        spatial, channels = inputs.shape[1:-1], inputs.shape[-1]
    widths = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False)]
    around = tuple(pads(spatial, widths, steps, padding))
    groups = channels // kernel.shape[-2]
    if groups == 1 and not first and _patches_win(inputs, kernel, around, widths, steps):
        product: jax.Array = _patch_product(inputs, kernel, around, steps, rates)
        return product
    layout = _dimensions(rank, data_format)
    native: jax.Array = _native(inputs, kernel, around, steps, (1,) * rank, rates, layout, groups)
    return native


# Compiled as one where it is called outside of compiled code, and part of the trace inside.
@functools.partial(jax.jit, static_argnums=(2, 3, 4, 5, 6, 7), inline=True)
def _native(
    inputs: jax.Array,
    kernel: jax.Array,
    around: tuple[tuple[int, int], ...],
    steps: tuple[int, ...],
    spread_inputs: tuple[int, ...],
    rates: tuple[int, ...],
    layout: tuple[str, str, str],
    groups: int,
) -> jax.Array:
    return lax.conv_general_dilated(
        inputs,
        kernel,
        window_strides=steps,
        padding=around,
        lhs_dilation=spread_inputs,
        rhs_dilation=rates,
        dimension_numbers=layout,
        feature_group_count=groups,
    )


# A convolution as a matrix of patches (a row for each place, a column for each weight of a
# filter) times the filters, where XLA's own convolution is slower on the CPU. Milliseconds of
# forward and both gradients under jit, XLA's convolution against the product, medians of 7 to 9
# alternate runs on 2 cores; batch, size, channels, filters, window:
#   64, 28x28x1,  32, 3x3 valid   3.9  1.8  |  32, 32x32x3,  32, 3x3 same    4.8  1.5
#   32, 28x28x1,   6, 5x5 same    3.6  1.5  |  32, 32x32x3,  64, 5x5 same    9.0  6.1
#   64, 13x13x32, 64, 3x3 valid  10.0  4.4  |  64, 13x13x32, 64, 3x3 same    9.4  8.2
#   64, 28x28x8,  16, 3x3 valid   5.1  6.0  |  32, 8x8x128, 128, 3x3 same   12.2 15.8
#   32, 32x32x16, 32, 3x3 same   11.2 28.8  |  32, 32x32x32, 32, 3x3 same   14.3 48.6
# A filter gradient as a product of patches, image by image in a scan, never won beside these.
_PATCH_MATRIX_BYTES = 12_000_000
_PATCH_COLUMNS = 300


def _patches_win(
    inputs: jax.Array,
    kernel: jax.Array,
    around: Sequence[tuple[int, int]],
    widths: Sequence[int],
    steps: Sequence[int],
) -> bool:
    columns = math.prod(kernel.shape[:-1])
    if (
        columns > _PATCH_COLUMNS
        or inputs.dtype != jnp.float32
        or devices.current().platform != "cpu"
    ):
        return False
    rows = inputs.shape[0]
    for i, (before, after) in enumerate(around):
        rows *= (inputs.shape[1 + i] + before + after - widths[i]) // steps[i] + 1
    return rows * columns * 4 <= _PATCH_MATRIX_BYTES


@functools.partial(jax.jit, static_argnums=(2, 3, 4), inline=True)
def _patch_product(
    inputs: jax.Array,
    kernel: jax.Array,
    around: tuple[tuple[int, int], ...],
    steps: tuple[int, ...],
    rates: tuple[int, ...],
) -> jax.Array:
    """Convolution as one product; channels last."""
    *window, channels, filters = kernel.shape
    x = jnp.pad(inputs, [(0, 0), *around, (0, 0)]) if any(map(any, around)) else inputs
    spans = [
        (size - (width - 1) * rate - 1) // step * step + 1
        for size, width, rate, step in zip(x.shape[1:-1], window, rates, steps, strict=True)
    ]
    pieces = []
    for place in itertools.product(*map(range, window)):
        starts = [i * rate for i, rate in zip(place, rates, strict=True)]
        ends = [start + span for start, span in zip(starts, spans, strict=True)]
        limits = (x.shape[0], *ends, channels)
        pieces.append(lax.slice(x, (0, *starts, 0), limits, (1, *steps, 1)))
    patches = jnp.concatenate(pieces, axis=-1)
    rows = patches.reshape(-1, patches.shape[-1]) @ kernel.reshape(-1, filters)
    return rows.reshape((*patches.shape[:-1], filters))


def depthwise_conv(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> jax.Array:
    *window, channels, multiplier = kernel.shape
    kernel = jnp.reshape(kernel, (*window, 1, channels * multiplier))
    return conv(inputs, kernel, strides, padding, data_format, dilation_rate)


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
    layout = _dimensions(rank, data_format, kernel="OI")
    flipped = jnp.flip(kernel, range(rank))
    result: jax.Array = _native(inputs, flipped, around, (1,) * rank, steps, rates, layout, 1)
    return result


OWN: dict[str, Callable[..., Any]] = {
    # lax.conv takes and means other things.
    "conv": conv,
    "depthwise_conv": depthwise_conv,
    # lax.conv_transpose has no output_padding.
    "conv_transpose": conv_transpose,
}
