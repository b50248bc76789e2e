"""Pooling on PyTorch; channels last as in `convolution`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lamina.backend.torch.convolution import FIRST, LAST
from lamina.backend.windows import channels_first, pads, spread

Sizes = int | Sequence[int]
Numbers = Any  # one for each spatial dimension


def _pooled(
    inputs: Tensor,
    pool_size: Sizes,
    strides: Sizes | None,
    padding: str,
    data_format: str | None,
    native: Callable[..., Tensor],
) -> Tensor:
    rank = inputs.ndim - 2
    first = channels_first(data_format)
    x = inputs if first else inputs.permute(FIRST[rank])
    sizes = spread(pool_size, rank)
    steps = sizes if strides is None else spread(strides, rank)
    if padding == "valid":
        y = native(x, sizes, steps, (0,) * rank)
        return y if first else y.permute(LAST[rank])
    both = pads(x.shape[2:], sizes, steps, padding)
    # PyTorch pads both sides alike. One place more at the end is reached by windows that stick
    # out (`ceil_mode`), or where each place begins a window, by one window too many in front.
    cut = [step == 1 and after > before for step, (before, after) in zip(steps, both, strict=True)]
    around = [pair[one] for pair, one in zip(both, cut, strict=True)]
    y = native(x, sizes, steps, around, True)
    if any(cut):
        for axis, one in enumerate(cut, 2):
            y = y.narrow(axis, 1, y.shape[axis] - 1) if one else y
    return y if first else y.permute(LAST[rank])


def _maximum(
    x: Tensor, sizes: Numbers, steps: Numbers, around: Numbers, ceil: bool = False
) -> Tensor:
    if len(sizes) == 3:
        return torch.max_pool3d(x, sizes, steps, around, 1, ceil)
    if len(sizes) == 2:
        return torch.max_pool2d(x, sizes, steps, around, 1, ceil)
    # As a row of an image: max_pool1d takes no integers.
    row = torch.max_pool2d(x.unsqueeze(2), (1, *sizes), (1, *steps), (0, *around), 1, ceil)
    return row.squeeze(2)


_MEANS = (None, torch.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)


def _mean(x: Tensor, sizes: Numbers, steps: Numbers, around: Numbers, ceil: bool = False) -> Tensor:
    native: Any = _MEANS[len(sizes)]
    # avg_pool3d takes no floats of 16 bits.
    wide = x.to(torch.float32) if len(sizes) == 3 and x.itemsize == 2 else x
    mean: Tensor = native(wide, sizes, steps, around, ceil, False)
    return mean.to(x.dtype)


def max_pool(
    inputs: Tensor,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    return _pooled(inputs, pool_size, strides, padding, data_format, _maximum)


def average_pool(
    inputs: Tensor,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    return _pooled(inputs, pool_size, strides, padding, data_format, _mean)


def _adaptive(*natives: Callable[..., Any]) -> Callable[..., Tensor]:
    """A kernel of one function for each rank."""

    def kernel(inputs: Tensor, output_size: Sizes, data_format: str | None = None) -> Tensor:
        rank = inputs.ndim - 2
        first = channels_first(data_format)
        x = inputs if first else inputs.permute(FIRST[rank])
        y: Tensor = natives[rank - 1](x, spread(output_size, rank))
        return y if first else y.permute(LAST[rank])

    return kernel


OWN: dict[str, Callable[..., Any]] = {
    # PyTorch has a function for each rank, channels first.
    "max_pool": max_pool,
    "average_pool": average_pool,
    "adaptive_average_pool": _adaptive(
        functional.adaptive_avg_pool1d,
        functional.adaptive_avg_pool2d,
        functional.adaptive_avg_pool3d,
    ),
}
