"""Convolutions on PyTorch.

Images with their channels last are handed on as views: the memory format that PyTorch calls
`channels_last`, which its kernels take as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lamina.backend.windows import channels_first, pads, spread, transposed_pads

Sizes = int | Sequence[int]

_TRANSPOSED = (None, torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d)
# By rank, the orders of axes: channels moved to the front and back, and PyTorch's of a kernel.
FIRST = ((), (0, 2, 1), (0, 3, 1, 2), (0, 4, 1, 2, 3))
LAST = ((), (0, 2, 1), (0, 2, 3, 1), (0, 2, 3, 4, 1))
_KERNEL = ((), (2, 1, 0), (3, 2, 0, 1), (4, 3, 0, 1, 2))


def padded(x: Tensor, around: Sequence[tuple[int, int]]) -> Tensor:
    """`x` with zeros around its last dimensions; negative numbers crop."""
    return torch.constant_pad_nd(x, [n for pair in reversed(around) for n in pair])


def affine_conv(
    inputs: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    rank = inputs.ndim - 2
    first = channels_first(data_format)
    x = inputs if first else inputs.permute(FIRST[rank])
    groups = x.shape[1] // kernel.shape[-2]
    around: Sizes = 0
    if padding != "valid":
        steps, rates = spread(strides, rank), spread(dilation_rate, rank)
        widths = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False)]
        both = pads(x.shape[2:], widths, steps, padding)
        if all(before == after for before, after in both):
            around = [before for before, _ in both]
        else:
            x = padded(x, both)
    weights = kernel.permute(_KERNEL[rank])
    if weights.shape[1] == 1:
        # Of one channel both memory formats look alike, and oneDNN takes 4 times as long to tell.
        weights = weights.contiguous()
    if rank == 1:
        y = _row(x, weights, bias, strides, around, dilation_rate, groups)
    else:
        native: Any = torch.conv2d if rank == 2 else torch.conv3d
        y = native(x, weights, bias, strides, around, dilation_rate, groups)
    return y if first else y.permute(LAST[rank])


def conv(inputs: Tensor, kernel: Tensor, *steps: Any, **settings: Any) -> Tensor:
    return affine_conv(inputs, kernel, None, *steps, **settings)


def _row(
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None,
    strides: Sizes,
    around: Sizes,
    rates: Sizes,
    groups: int,
) -> Tensor:
    """Signals as images of one row: torch.conv1d copies those whose channels are last.

    Batch 32, 100 places, 64 channels, 128 filters of 5: 2.4 ms against 6.3.
    """
    step, side, rate = (
        (start, *spread(n, 1)) for start, n in ((1, strides), (0, around), (1, rates))
    )
    y = torch.conv2d(x.unsqueeze(2), weights.unsqueeze(2), bias, step, side, rate, groups)
    return y.squeeze(2)


def depthwise_conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    *window, channels, multiplier = kernel.shape
    kernel = kernel.reshape(*window, 1, channels * multiplier)
    return affine_conv(inputs, kernel, None, strides, padding, data_format, dilation_rate)


def conv_transpose(
    inputs: Tensor,
    kernel: Tensor,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    rank = inputs.ndim - 2
    steps, rates = spread(strides, rank), spread(dilation_rate, rank)
    extra = None if output_padding is None else spread(output_padding, rank)
    first = channels_first(data_format)
    x = inputs if first else inputs.permute(FIRST[rank])
    both = transposed_pads(kernel.shape[:rank], steps, padding, extra, rates)
    reach = [(size - 1) * rate for size, rate in zip(kernel.shape, rates, strict=False)]
    # PyTorch counts what is cut off of the whole result: so much on both sides, less at the end.
    cut = [whole - before for whole, (before, _) in zip(reach, both, strict=True)]
    more = [after - before for before, after in both]
    limits = map(max, steps, rates)
    fits = all(0 <= n < limit for n, limit in zip(more, limits, strict=True))
    native: Any = _TRANSPOSED[rank]
    weights = kernel.permute(_KERNEL[rank])
    if fits:
        y: Tensor = native(x, weights, None, steps, cut, more, 1, rates)
    else:
        y = native(x, weights, None, steps, 0, 0, 1, rates)
        sides = [(-n, m - n) for n, m in zip(cut, more, strict=True)]
        y = padded(y, sides)
    return y if first else y.permute(LAST[rank])


OWN: dict[str, Callable[..., Any]] = {
    # PyTorch has a function for each rank, channels first.
    "conv": conv,
    "affine_conv": affine_conv,  # which add a bias themselves
    "depthwise_conv": depthwise_conv,
    "conv_transpose": conv_transpose,
}
