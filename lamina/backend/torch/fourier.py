"""Fourier transforms, of pairs of real and imaginary parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Pair = list[Tensor]


def _parts(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.real, x.imag


OWN: dict[str, Any] = {
    "fft": lambda x: _parts(torch.fft.fft(torch.complex(*x))),
    "fft2": lambda x: _parts(torch.fft.fft2(torch.complex(*x))),
    "ifft2": lambda x: _parts(torch.fft.ifft2(torch.complex(*x))),
    "rfft": lambda x, fft_length: _parts(torch.fft.rfft(x, fft_length)),
    "irfft": lambda x, fft_length: torch.fft.irfft(torch.complex(*x), fft_length),
    "stft": None,  # torch's have other arguments and results
    "istft": None,
}
