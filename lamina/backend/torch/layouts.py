"""How variables lie in memory.

A convolution's kernel has the shape that Keras gives it, with the filters last, and lies in memory
filter by filter with the channels of a place side by side: PyTorch's `channels_last`, which its
kernels read as it is. In the order of the shape it would be turned over in every call. A single
image, medians in microseconds of `conv2d` on 2 cores of an AMD EPYC (Zen 5), kernel in the order of
its shape and as here; window, channels, filters:
   3 × 3,   32,   64       41    30
   3 × 3,  128,  128      196   134
   3 × 3,  512,  512     6385   637
   1 × 1,  512, 2048     1397   445
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.backend.frames import Cell


def lay_out_filters(handle: Cell) -> None:
    """Put the kernel of a convolution into the order in which convolutions read it."""
    kernel = handle.value.detach()
    *window, channels, filters = range(kernel.ndim)
    # Of one channel both memory formats look alike, and oneDNN takes 4 times as long to tell
    # unless it is the one with channels first.
    single = kernel.shape[channels] == 1
    order = (filters, channels, *window) if single else (filters, *window, channels)
    back = [order.index(axis) for axis in range(kernel.ndim)]
    handle.value.data = kernel.permute(order).contiguous().permute(back)


def is_dense(x: Tensor) -> bool:
    """Whether the elements lie side by side, in whatever order of the axes."""
    if x.is_contiguous():
        return True
    span = 1
    for stride, size in sorted(zip(x.stride(), x.shape, strict=True)):
        if size != 1:
            if stride != span:
                return False
            span *= size
    return True


def in_memory(x: Tensor) -> Tensor:
    """The elements of a dense tensor in a row, in the order in which they lie in memory."""
    if x.is_contiguous():
        return x.view(-1)
    return x.as_strided((x.numel(),), (1,))


def in_memory_of(x: Tensor, other: Tensor) -> Tensor:
    """The elements of `x` in a row, in the order of a dense `other` of the same shape."""
    if x.stride() == other.stride():
        return in_memory(x)
    if other.is_contiguous():
        return x.reshape(-1)
    if is_dense(x) and _steps(x) == _steps(other):
        return in_memory(x)
    return in_memory(torch.empty_like(other, dtype=x.dtype).copy_(x))


def _steps(x: Tensor) -> list[int]:
    """The strides that matter: along an axis of size 1 there is no step."""
    return [stride for stride, size in zip(x.stride(), x.shape, strict=True) if size != 1]


def laid_out_as(row: Tensor, other: Tensor) -> Tensor:
    """A tensor of the shape and strides of a dense `other` whose elements are those of `row`."""
    return row.as_strided(other.shape, other.stride())
