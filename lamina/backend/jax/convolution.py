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
from lamina.backend.jax.depthwise import by_shifts
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
    if groups > 1 and _on_cpu(inputs):
        return _by_groups(inputs, kernel, groups, strides, padding, data_format, dilation_rate)
    if groups == 1 and not first:
        images = _images_at_once(inputs, kernel, around, widths, steps)
        if images:
            product: jax.Array = _patch_product(inputs, kernel, around, steps, rates, images)
            return product
    layout = _dimensions(rank, data_format)
    native: jax.Array = _native(inputs, kernel, around, steps, (1,) * rank, rates, layout, groups)
    return native


def _on_cpu(x: jax.Array) -> bool:
    """Whether XLA's slow kernels of the CPU would serve."""
    return bool(x.dtype == jnp.float32) and devices.current().platform == "cpu"


# XLA's gradient of a convolution by groups takes the CPU 46 ms for 2 groups of 32 channels and
# 16 images of 16x16, 148 ms for 8 of 8, 838 ms for 32 of 4; a convolution for each, 3, 2 and 12.
def _by_groups(
    inputs: jax.Array,
    kernel: jax.Array,
    groups: int,
    strides: Sizes,
    padding: str,
    data_format: str | None,
    dilation_rate: Sizes,
) -> jax.Array:
    settings: Any = (strides, padding, data_format, dilation_rate)
    if kernel.shape[-2] == 1:
        window = kernel.shape[:-2]
        return depthwise_conv(inputs, kernel.reshape(*window, groups, -1), *settings)
    axis = 1 if channels_first(data_format) else inputs.ndim - 1
    parts = zip(jnp.split(inputs, groups, axis), jnp.split(kernel, groups, -1), strict=True)
    return jnp.concatenate([conv(*part, *settings) for part in parts], axis)


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
# filter) times the filters, where XLA's own convolution is slower on the CPU. A large matrix is
# made for some images at a time, so that it stays in the cache. Milliseconds of forward and both
# gradients under jit, medians of 9 alternate runs on 2 cores, of XLA's convolution, the product,
# and the product with some 3 MB of patches at a time; batch, size, channels, filters, window:
#   128, 28x28x1,    32, 3x3 valid    3 MB    9.5    5.7
#    32, 8x8x64,     64, 3x3 same     5 MB    4.9    3.5
#   256, 28x28x1,    32, 3x3 valid    6 MB   18.1    9.2
#    32, 32x32x64,  128, 1x1          8 MB   40.0   16.5
#   128, 32x32x3,    16, 3x3 same    14 MB   12.3    9.8   10.0
#   128, 13x13x32,   64, 3x3 valid   18 MB   29.6   19.3   17.6
#    64, 16x16x64,   64, 3x3 same    38 MB   43.2   36.5   36.4
#    64, 30x30x32,   64, 3x3 valid   58 MB   73.8   62.3   61.1
#    32, 16x16x16,   32, 3x3 by 2     1 MB    2.0    1.6
# It loses with many channels, large images, and few filters after several channels:
#    16, 16x16x16,   16, 3x3 same     2 MB    1.4    1.5
#    16, 8x8x32,     32, 3x3 same     1 MB    0.7    1.2
#    32, 16x16x32,   32, 3x3 same     9 MB    6.2   10.1
#    32, 32x32x16,   16, 3x3 same    19 MB    7.3   13.4
#    16, 128x128x3,  16, 3x3 same    28 MB   18.1   21.5   26.4
#    32, 8x8x128,   128, 3x3 same     9 MB    9.6   11.1   12.2
#    16, 28x28x128, 128, 3x3 same    58 MB   63.5   99.1   81.7
#    32, 32x32x64,   64, 3x3 same    75 MB   75.9   89.2   73.5
#    16, 56x56x64,   64, 3x3 same   116 MB  130.5  135.0
# and takes longer to compile, so that it has to win something: along one axis the two are alike.
#    32, 100x64,     64, 5 valid      4 MB    2.95   2.92
#    32, 500x16,     32, 5 same       5 MB    2.4    2.7
_MOST_COLUMNS = 600
_FEW_COLUMNS, _FEW_FILTERS = 72, 32
_WHOLE_BYTES = 7_000_000
_PART_BYTES = 3_000_000
_IMAGE_BYTES = 1_500_000


def _images_at_once(
    inputs: jax.Array,
    kernel: jax.Array,
    around: Sequence[tuple[int, int]],
    widths: Sequence[int],
    steps: Sequence[int],
) -> int:
    """How many images to make patches of at a time; 0 where XLA's own convolution is faster."""
    if not _on_cpu(inputs):
        return 0
    batch, columns = inputs.shape[0], math.prod(kernel.shape[:-1])
    places = [
        (size + before + after - width) // step + 1
        for size, (before, after), width, step in zip(
            inputs.shape[1:-1], around, widths, steps, strict=True
        )
    ]
    image = 4 * columns * math.prod(places)
    if math.prod(kernel.shape[:-2]) == 1:
        return batch
    few = kernel.shape[-1] <= _FEW_FILTERS and max(steps) == 1
    if columns > _MOST_COLUMNS or ((few or len(steps) == 1) and columns >= _FEW_COLUMNS):
        return 0
    if batch * image <= _WHOLE_BYTES:
        return batch
    if image > _IMAGE_BYTES:
        return 0
    return max(n for n in range(1, batch + 1) if batch % n == 0 and n * image <= _PART_BYTES)


@functools.partial(jax.jit, static_argnums=(2, 3, 4, 5), inline=True)
def _patch_product(
    inputs: jax.Array,
    kernel: jax.Array,
    around: tuple[tuple[int, int], ...],
    steps: tuple[int, ...],
    rates: tuple[int, ...],
    images: int,
) -> jax.Array:
    """Convolution as products, each of some of the images; channels last."""
    batch = inputs.shape[0]
    if images == batch:
        return _product(inputs, kernel, around, steps, rates)
    # Patches are made once more for the gradients: kept, they would leave the cache after all.
    part = jax.checkpoint(lambda x: _product(x, kernel, around, steps, rates))
    parts: jax.Array = lax.map(part, inputs.reshape(batch // images, images, *inputs.shape[1:]))
    return parts.reshape(batch, *parts.shape[2:])


def _product(
    inputs: jax.Array,
    kernel: jax.Array,
    around: tuple[tuple[int, int], ...],
    steps: tuple[int, ...],
    rates: tuple[int, ...],
) -> jax.Array:
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
    if not _on_cpu(inputs):
        kernel = jnp.reshape(kernel, (*window, 1, channels * multiplier))
        return conv(inputs, kernel, strides, padding, data_format, dilation_rate)
    first = channels_first(data_format)
    x = jnp.moveaxis(inputs, 1, -1) if first else inputs
    x = x if multiplier == 1 else jnp.repeat(x, multiplier, axis=-1)
    steps, rates = spread(strides, len(window)), spread(dilation_rate, len(window))
    widths = [(size - 1) * rate + 1 for size, rate in zip(window, rates, strict=True)]
    around = tuple(pads(x.shape[1:-1], widths, steps, padding))
    y: jax.Array = by_shifts(x, kernel.reshape(*window, -1), around, steps, rates)
    return jnp.moveaxis(y, -1, 1) if first else y


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
