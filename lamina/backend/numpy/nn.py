"""Neural-network kernels in NumPy: convolutions and pooling as views of all windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lamina.backend.windows import channels_first, pads, spread, transposed_pads

Array = np.ndarray[Any, Any]
Sizes = int | Sequence[int]
Pads = Sequence[tuple[int, int]]


def _last(x: Array, data_format: str | None) -> Array:
    """`x` with its channels last."""
    return np.moveaxis(x, 1, -1) if channels_first(data_format) else x


def _back(x: Array, data_format: str | None) -> Array:
    return np.moveaxis(x, -1, 1) if channels_first(data_format) else x


def _padded(x: Array, around: Pads, value: Any = 0) -> Array:
    """`x` (channels last) with places around its spatial dimensions; negative ones are cut off."""
    x = np.pad(
        x,
        [(0, 0), *[(max(a, 0), max(b, 0)) for a, b in around], (0, 0)],
        constant_values=value,
    )
    cut = [
        slice(max(-a, 0), size - max(-b, 0))
        for size, (a, b) in zip(x.shape[1:], around, strict=False)
    ]
    return x[(slice(None), *cut)]


def _windows(x: Array, widths: Sequence[int], steps: Sequence[int], rates: Sequence[int]) -> Array:
    """(batch, *places, channels, *window) of `x` (channels last)."""
    rank = len(widths)
    views = sliding_window_view(x, tuple(widths), axis=tuple(range(1, rank + 1)))
    places = tuple(slice(None, None, step) for step in steps)
    inside = tuple(slice(None, None, rate) for rate in rates)
    return views[(slice(None), *places, slice(None), *inside)]


def _correlate(
    x: Array, kernel: Array, steps: Sequence[int], rates: Sequence[int], groups: int
) -> Array:
    """Correlation without padding; `x` has its channels last."""
    rank = kernel.ndim - 2
    widths = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False)]
    windows = _windows(x, widths, steps, rates)
    split = windows.shape[: rank + 1]
    windows = windows.reshape(*split, groups, -1, *windows.shape[rank + 2 :])
    grouped = kernel.reshape(*kernel.shape[:-1], groups, -1)
    space = "xyz"[:rank]
    result: Array = np.einsum(f"...gi{space},{space}igo->...go", windows, grouped, optimize=True)
    joined: Array = result.reshape(*split, -1)
    return joined


def conv(
    inputs: Array,
    kernel: Array,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    rank = inputs.ndim - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    x = _last(inputs, data_format)
    widths = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False)]
    x = _padded(x, pads(x.shape[1:-1], widths, steps, padding))
    groups = x.shape[-1] // kernel.shape[-2]
    return _back(_correlate(x, kernel, steps, rates, groups), data_format)


def depthwise_conv(
    inputs: Array,
    kernel: Array,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    *window, channels, multiplier = kernel.shape
    kernel = kernel.reshape(*window, 1, channels * multiplier)
    return conv(inputs, kernel, strides, padding, data_format, dilation_rate)


def conv_transpose(
    inputs: Array,
    kernel: Array,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Array:
    rank = inputs.ndim - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    extra = None if output_padding is None else spread(output_padding, rank)
    x = _last(inputs, data_format)
    sizes = [(size - 1) * step + 1 for size, step in zip(x.shape[1:-1], steps, strict=True)]
    apart = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
    apart[(slice(None), *[slice(None, None, step) for step in steps])] = x
    apart = _padded(apart, transposed_pads(kernel.shape[:-2], steps, padding, extra, rates))
    flipped = np.swapaxes(np.flip(kernel, tuple(range(rank))), -1, -2)
    return _back(_correlate(apart, flipped, (1,) * rank, rates, 1), data_format)


def _pooled(
    inputs: Array,
    pool_size: Sizes,
    strides: Sizes | None,
    padding: str,
    data_format: str | None,
    fill: Any,
    reducer: Callable[..., Array],
) -> Array:
    rank = inputs.ndim - 2
    sizes = spread(pool_size, rank)
    steps = sizes if strides is None else spread(strides, rank)
    x = _last(inputs, data_format)
    x = _padded(x, pads(x.shape[1:-1], sizes, steps, padding), fill)
    windows = _windows(x, sizes, steps, (1,) * rank)
    return _back(reducer(windows, axis=tuple(range(-rank, 0))), data_format)


def max_pool(
    inputs: Array,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    kind = inputs.dtype.kind
    least = False if kind == "b" else np.iinfo(inputs.dtype).min if kind in "iu" else -np.inf
    return _pooled(inputs, pool_size, strides, padding, data_format, least, np.max)


def average_pool(
    inputs: Array,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    inside = np.ones((1, *inputs.shape[1:]), inputs.dtype)
    settings = (pool_size, strides, padding, data_format, 0, np.sum)
    return np.asarray(_pooled(inputs, *settings) / _pooled(inside, *settings))


OWN: dict[str, Callable[..., Any]] = {
    "conv": conv,
    "depthwise_conv": depthwise_conv,
    "conv_transpose": conv_transpose,
    "max_pool": max_pool,
    "average_pool": average_pool,
}
