"""Fourier transforms, of pairs of real and imaginary parts, and sequences of signals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def _of_stacks(transform: Callable[..., Tensor], axes: int = 1) -> Callable[..., Tensor]:
    """`transform` of the last axes, for stacks of nothing, too."""

    def call(x: Tensor, *options: Any) -> Tensor:
        if x.numel() or 0 in x.shape[-axes:]:
            return transform(x, *options)
        y = transform(x.new_ones(x.shape[-axes:]), *options)
        return y.new_empty((*x.shape[:-axes], *y.shape))

    return call


def _between_pairs(transform: Callable[..., Tensor], axes: int) -> Callable[..., Any]:
    run = _of_stacks(transform, axes)
    return lambda x: _parts(run(torch.complex(*x)))


def _parts(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.real, x.imag


_rfft, _irfft = _of_stacks(torch.fft.rfft), _of_stacks(torch.fft.irfft)

OWN: dict[str, Any] = {
    "fft": _between_pairs(torch.fft.fft, 1),
    "fft2": _between_pairs(torch.fft.fft2, 2),
    "ifft2": _between_pairs(torch.fft.ifft2, 2),
    "rfft": lambda x, fft_length: _parts(_rfft(x, fft_length)),
    "irfft": lambda x, fft_length: _irfft(torch.complex(*x), fft_length),
    "stft": None,  # torch's have other arguments and results
    "istft": None,
}
