"""The affine map of dense layers in one call."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lamina.backend.torch.alignment import aligned
from lamina.backend.torch.products import by_onednn


def affine_map(x: Tensor, kernel: Tensor, bias: Tensor | None, axes: int = 1) -> Tensor:
    """Affine map x · kernel + bias; PyTorch's own `linear` has the kernel transposed."""
    if axes > 1:
        x, kernel = x.flatten(-axes), kernel.flatten(0, axes - 1)
    if kernel.ndim == 2:
        return _product(x, kernel, bias)
    row = None if bias is None else bias.flatten()
    rows = x.flatten(0, -2) if x.ndim > 2 else x
    return _product(rows, kernel.flatten(1), row).reshape(x.shape[:-1] + kernel.shape[1:])


@aligned
@by_onednn
def _product(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    if x.ndim != 2:
        return functional.linear(x, kernel.t(), bias)
    return torch.mm(x, kernel) if bias is None else torch.addmm(bias, x, kernel)


OWN = {"affine_map": affine_map}
