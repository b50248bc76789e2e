"""The affine map of dense layers in one call."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from lamina.backend.contract import of_type
from lamina.backend.torch.alignment import aligned
from lamina.backend.torch.products import by_onednn


@aligned
@by_onednn
def _product(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    if x.ndim != 2:
        return functional.linear(x, kernel.t(), bias)
    return torch.mm(x, kernel) if bias is None else torch.addmm(bias, x, kernel)


def _by(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The affine map x · kernel + bias; PyTorch's own `linear` has the kernel transposed."""

    def affine_map(x: Tensor, kernel: Tensor, bias: Tensor | None, axes: int = 1) -> Tensor:
        if axes > 1:
            x, kernel = x.flatten(-axes), kernel.flatten(0, axes - 1)
        if kernel.ndim == 2:
            return product(x, kernel, bias)
        row = None if bias is None else bias.flatten()
        rows = product(x.flatten(0, -2) if x.ndim > 2 else x, kernel.flatten(1), row)
        return rows.view(*x.shape[:-1], *kernel.shape[1:])

    return affine_map


affine_map = _by(_product)
affine_map.of_type = lambda dtype: _by(of_type(_product, dtype))  # type: ignore[attr-defined]

OWN = {"affine_map": affine_map}
