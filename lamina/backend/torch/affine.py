"""The affine map of dense layers in one call."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from lamina.backend.torch.alignment import aligned
from lamina.backend.torch.products import by_onednn


def affine_map(x: Tensor, kernel: Tensor, bias: Tensor | None, axes: int = 1) -> Tensor:
    """Affine map x · kernel + bias; PyTorch's own `linear` has the kernel transposed."""
    if kernel.ndim > 2 or axes > 1:
        new = kernel.shape[axes:]
        units = math.prod(new)
        row = None if bias is None else bias.reshape(units)
        y = affine_map(x if axes == 1 else x.flatten(-axes), kernel.reshape(-1, units), row)
        return y if len(new) == 1 else torch.reshape(y, (*y.shape[:-1], *new))
    return _product(x, kernel, bias)


@aligned
@by_onednn
def _product(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    if x.ndim != 2:
        return functional.linear(x, kernel.t(), bias)
    return torch.mm(x, kernel) if bias is None else torch.addmm(bias, x, kernel)


OWN = {"affine_map": affine_map}
