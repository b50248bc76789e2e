"""The affine map of dense layers in one call."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def affine_map(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Affine map x · kernel + bias; PyTorch's own `linear` has the kernel transposed."""
    if x.ndim != 2:
        return functional.linear(x, kernel.t(), bias)
    return torch.mm(x, kernel) if bias is None else torch.addmm(bias, x, kernel)


OWN = {"affine_map": affine_map}
