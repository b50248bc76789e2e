"""Products of half-width floats on a GPU, of sizes that its matrix units take.

Where a row is no multiple of 16 bytes, cuBLAS falls back to kernels several times as slow: on an
H100 the three products of a vocabulary of 50,257 words and 16,384 tokens of width 768 took 30.5 ms
of a step's 83. So these are made on padded matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.backend.contract import of_type

# Numbers of 2 bytes in 16 bytes; and the multiply-adds from which on it pays to copy a matrix.
MULTIPLE = 8
LARGE = 2**26
_HALF = (torch.float16, torch.bfloat16)
_pad: Any = torch.constant_pad_nd


def aligned(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`product(x, kernel)` or `product(x, kernel, bias)`, padded where that is faster."""

    def kernel(x: Tensor, kernel: Tensor, *bias: Tensor | None) -> Tensor:
        served = not x.is_cuda or x.dtype not in _HALF or kernel.ndim != 2 or is_aligned(kernel)
        if served or x.numel() * kernel.shape[1] < LARGE:
            return product(x, kernel, *bias)
        return padded(product, x, kernel, *bias)

    halves = ("float16", "bfloat16")
    kernel.of_type = lambda dtype: kernel if dtype in halves else of_type(product, dtype)  # type: ignore[attr-defined]
    return kernel


def is_aligned(kernel: Tensor) -> bool:
    return not (kernel.shape[0] % MULTIPLE or kernel.shape[1] % MULTIPLE)


def padded(
    product: Callable[..., Tensor], x: Tensor, kernel: Tensor, *bias: Tensor | None
) -> Tensor:
    """The same as `product(x, kernel, *bias)`, of matrices with more rows and columns of zeros."""
    rows, columns = kernel.shape
    below, beside = -rows % MULTIPLE, -columns % MULTIPLE
    wide = [one if one is None else _pad(one, [0, beside]) for one in bias]
    x = _pad(x, [0, below]) if below else x
    return product(x, _pad(kernel, [0, beside, 0, below]), *wide)[..., :columns]
