"""Convolutions on the CPU, channels last, by what is faster there than XLA's own."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from lamina.backend.jax import devices
from lamina.backend.jax.bilinear import bilinear
from lamina.backend.jax.depthwise import by_shifts, padded, shifted
from lamina.backend.jax.native_convolution import Pads, Sizes, dimensions, native


def serves(x: jax.Array) -> bool:
    """Whether this file is for `x`."""
    return bool(x.dtype == jnp.float32) and devices.current().platform == "cpu"


def convolution(
    x: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes, rates: Sizes
) -> jax.Array:
    """Convolution, by groups where the kernel has fewer channels than `x`.

    Args:
        x: `(batch, *space, channels)`.
        kernel: `(*window, channels / groups, filters)`.
        around: zeros before and after each axis of the space.
        steps: strides.
        rates: dilation.
    """
    groups = x.shape[-1] // kernel.shape[-2]
    if groups > 1:
        return _by_groups(x, kernel, groups, around, steps, rates)
    if len(steps) == 3:
        return _by_planes(x, kernel, around, steps, rates)
    widths = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False)]
    images = _images_at_once(x, kernel, around, widths, steps)
    if images:
        product: jax.Array = _patch_product(x, kernel, around, steps, rates, images)
        return product
    layout = dimensions(len(steps), "channels_last")
    own: jax.Array = native(x, kernel, around, steps, (1,) * len(steps), rates, layout, 1)
    return own


# XLA's gradient of a convolution by groups takes 46 ms for 2 groups of 32 channels and 16 images of
# 16x16, 148 ms for 8 of 8, 838 ms for 32 of 4; a convolution for each, 3, 2 and 12.
def _by_groups(
    x: jax.Array, kernel: jax.Array, groups: int, around: Pads, steps: Sizes, rates: Sizes
) -> jax.Array:
    *window, channels, filters = kernel.shape
    if channels == 1:
        return depthwise(
            x, kernel.reshape(*window, groups, filters // groups), around, steps, rates
        )
    parts = zip(jnp.split(x, groups, -1), jnp.split(kernel, groups, -1), strict=True)
    return jnp.concatenate([convolution(*part, around, steps, rates) for part in parts], -1)


def depthwise(
    x: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes, rates: Sizes
) -> jax.Array:
    """Convolution of each channel by itself; the kernel is `(*window, channels, multiplier)`."""
    *window, channels, multiplier = kernel.shape
    x = x if multiplier == 1 else jnp.repeat(x, multiplier, axis=-1)
    y: jax.Array = by_shifts(
        x, kernel.reshape(*window, channels * multiplier), around, steps, rates
    )
    return y


# Milliseconds of forward and both gradients of XLA's convolution of volumes, and of one of planes;
# batch, size, channels, filters, window:
#   2, 32x32x16x8,   16, 3x3x3           35    10
#   2, 64x64x32x1,   32, 3x3x3          295    12
#   2, 16x16x16x32,  64, 3x3x3           44    12
#   2, 32x32x32x16,  32, 3x3x3 by 2     299     5
def _by_planes(
    x: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes, rates: Sizes
) -> jax.Array:
    """Volumes as many planes, of which each has its neighbours' channels beside its own."""
    depth, *window, channels, filters = kernel.shape
    x = padded(x, (around[0], (0, 0), (0, 0)))
    seen = shifted(x, (depth, 1, 1), (steps[0], 1, 1), (rates[0], 1, 1))
    planes = jnp.concatenate(seen, axis=-1)
    flat = jnp.moveaxis(kernel, 0, 2).reshape(*window, depth * channels, filters)
    y = convolution(planes.reshape(-1, *planes.shape[2:]), flat, around[1:], steps[1:], rates[1:])
    return y.reshape(*planes.shape[:2], *y.shape[1:])


def _spread_apart(x: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes) -> jax.Array:
    ones = (1,) * len(steps)
    layout = dimensions(len(steps), "channels_last")
    y: jax.Array = native(x, kernel, around, ones, steps, ones, layout, 1)
    return y


def _by_phases(x: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes) -> jax.Array:
    """The same, without the zeros between the places of `x`.

    Of the places of the result, those with one remainder by the step are a convolution of `x` with
    a part of the kernel: all these phases are made by one convolution, as channels, and put beside
    each other.
    """
    rank = len(steps)
    spatial, window = x.shape[1:-1], kernel.shape[:rank]
    sizes, taps, counts, edges, widths = [], [], [], [], []
    for n, size, step, (before, after) in zip(spatial, window, steps, around, strict=True):
        whole, rest = divmod(before, step)
        lead = step - 1 - rest
        tap = -(-(size + lead) // step)
        length = (n - 1) * step + 1 + before + after - size + 1
        count = -(-length // step)
        sizes.append(length)
        taps.append(tap)
        counts.append(count)
        widths.append((lead, tap * step - size - lead))
        edges.append((whole, count + tap - 1 - whole - n))
    channels, filters = kernel.shape[rank:]
    kernel = jnp.pad(kernel, [*widths, (0, 0), (0, 0)])
    pairs = [n for pair in zip(taps, steps, strict=True) for n in pair]
    kernel = jnp.flip(kernel.reshape(*pairs, channels, filters), range(1, 2 * rank, 2))
    evens, odds = range(0, 2 * rank, 2), range(1, 2 * rank, 2)
    kernel = kernel.transpose(*evens, 2 * rank, *odds, 2 * rank + 1)
    cropped = [(min(before, 0), min(after, 0), 0) for before, after in edges]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *cropped, (0, 0, 0)])
    added = tuple((max(before, 0), max(after, 0)) for before, after in edges)
    ones = (1,) * rank
    y = convolution(x, kernel.reshape(*taps, channels, -1), added, ones, ones)
    y = y.reshape(-1, *counts, *steps, filters)
    order = [axis for i in range(rank) for axis in (1 + i, 1 + rank + i)]
    y = y.transpose(0, *order, 1 + 2 * rank)
    y = y.reshape(-1, *(n * step for n, step in zip(counts, steps, strict=True)), filters)
    return lax.slice(y, (0,) * y.ndim, (y.shape[0], *sizes, filters))


# The gradients of XLA's own take very long. Milliseconds of the forward pass, and of it and both
# gradients, of XLA's convolution and of phases; batch, size, channels, filters, window:
#   16, 16x16x64,    32, 2x2 by 2     0.4    17      0.3    1.0
#   16, 16x16x64,    32, 3x3 by 2     0.6    36      0.9    2.6
#   32, 7x7x128,     64, 4x4 by 2     1.2    84      2.5    8.1
#   64, 7x7x256,    128, 5x5 by 2    15     997     20     70
#   32, 100x32,      16, 7 by 2       0.3     5.8    0.1    0.3
_transposed = bilinear(_spread_apart, _by_phases, _by_phases)
# Of volumes the forward pass does too: 2, 8x8x8x16, 8, 3x3x3 by 2, 20 ms and 0.2.
_of_volumes = functools.partial(jax.jit, static_argnums=(2, 3), inline=True)(_by_phases)


def transposed(x: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes) -> jax.Array:
    """Convolution with steps of 1 of `x` spread apart by `steps`.

    Args:
        x: `(batch, *space, channels)`.
        kernel: `(*window, channels, filters)`.
        around: zeros before and after each axis of `x` as it is spread apart; negative ones crop.
        steps: how far apart.
    """
    function = _of_volumes if len(steps) == 3 else _transposed
    y: jax.Array = function(x, kernel, around, steps)
    return y


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
    around: Pads,
    steps: Sizes,
    rates: Sizes,
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
    inputs: jax.Array, kernel: jax.Array, around: Pads, steps: Sizes, rates: Sizes
) -> jax.Array:
    *window, _, filters = kernel.shape
    pieces = shifted(padded(inputs, around), window, steps, rates)
    patches = jnp.concatenate(pieces, axis=-1)
    rows = patches.reshape(-1, patches.shape[-1]) @ kernel.reshape(-1, filters)
    return rows.reshape((*patches.shape[:-1], filters))
