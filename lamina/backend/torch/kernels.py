"""What PyTorch lacks, or spells differently from the op of that name: elementwise, reductions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Axes = Any  # an integer, a tuple of them, or None for all


def allclose(x1: Tensor, x2: Tensor, **tolerances: Any) -> Tensor:
    return torch.isclose(x1, x2, **tolerances).all()


def isin(x1: Tensor, x2: Tensor, assume_unique: bool, invert: bool) -> Tensor:
    if x1.dtype is torch.bool:
        x1, x2 = x1.to(torch.uint8), x2.to(torch.uint8)
    return torch.isin(x1, x2, assume_unique=assume_unique, invert=invert)


def heaviside(x1: Tensor, x2: Tensor) -> Tensor:
    return torch.where(torch.isnan(x1), x1, torch.heaviside(x1, x2))


def _not_of(kind: Callable[[torch.dtype], bool], function: Callable[..., Tensor]) -> Any:
    """`function`, which leaves tensors of some types as they are."""

    def kernel(x: Tensor, **options: Any) -> Tensor:
        return x if kind(x.dtype) else function(x, **options)

    return kernel


def _is_bool(dtype: torch.dtype) -> bool:
    return dtype is torch.bool


def round_(x: Tensor, decimals: int) -> Tensor:
    if x.is_floating_point() or x.is_complex():
        return torch.round(x, decimals=decimals)
    if decimals >= 0:
        return x
    return torch.round(x.to(torch.float64), decimals=decimals).to(x.dtype)


def where(condition: Tensor, x1: Tensor | None, x2: Tensor | None) -> Any:
    if condition.dtype is not torch.bool:
        condition = condition != 0
    if x1 is None or x2 is None:
        return nonzero(condition)
    return torch.where(condition, x1, x2)


def nonzero(x: Tensor) -> tuple[Tensor, ...]:
    return tuple(places.to(torch.int32) for places in torch.nonzero(x, as_tuple=True))


# Reductions -------------------------------------------------------------------------------


def _extreme(
    reduce: Callable[..., Tensor], combine: Callable[[Tensor, Tensor], Tensor]
) -> Callable[..., Tensor]:
    def kernel(x: Tensor, axis: Axes, keepdims: bool, initial: float | None) -> Tensor:
        if initial is None:
            return reduce(x, () if axis is None else axis, keepdims)
        least = torch.scalar_tensor(initial, dtype=x.dtype, device=x.device)
        if x.numel() == 0:
            return least.expand(torch.sum(x, axis, keepdim=keepdims).shape)
        return combine(reduce(x, () if axis is None else axis, keepdims), least)

    return kernel


def _position(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def kernel(x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
        return function(x.to(torch.uint8) if x.dtype is torch.bool else x, axis, keepdims)

    return kernel


def prod(x: Tensor, axis: Axes, keepdims: bool, dtype: str | None) -> Tensor:
    if isinstance(axis, int):
        return torch.prod(x, axis, keepdims, dtype=x.dtype)
    flat, shape = _flattened(x, axis)
    y = torch.prod(flat, -1, dtype=x.dtype)
    return y.reshape(shape) if keepdims else y


def _flattened(x: Tensor, axis: Axes) -> tuple[Tensor, list[int]]:
    """`x` with the axes as one, the last; and the shape that keeps them, of size 1 each."""
    rank = x.ndim
    axes = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
    places = {one % rank for one in axes} if rank else set()
    shape = [1 if i in places else size for i, size in enumerate(x.shape)]
    kept = [i for i in range(rank) if i not in places]
    moved = x.permute([*kept, *sorted(places)])
    size = math.prod(x.shape[i] for i in places)
    return moved.reshape([*(x.shape[i] for i in kept), size]), shape


def _spread(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def kernel(x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
        if x.numel() == 0:  # it warns whether or not there are elements along the axis
            return torch.mean(x, axis, keepdim=keepdims)
        return function(x, axis, correction=0, keepdim=keepdims)

    return kernel


def _cumulative(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def kernel(x: Tensor, axis: int | None, dtype: str) -> Tensor:
        wide = torch.int32 if x.dtype is torch.bool else x.dtype
        x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
        return function(x, axis, dtype=wide)

    return kernel


# Bits and complex numbers -----------------------------------------------------------------


def imag(x: Tensor) -> Tensor:
    return x.imag if x.is_complex() else torch.zeros_like(x)


def view(x: Tensor, dtype: str) -> Tensor:
    if x.numel() == 0:  # of which the strides may be any
        x = x.new_zeros(x.shape)
    return x.contiguous().view(getattr(torch, dtype))


# Order ------------------------------------------------------------------------------------


def sort(x: Tensor, axis: int | None) -> Tensor:
    return torch.sort(x.reshape(-1) if axis is None else x, -1 if axis is None else axis).values


def argsort(x: Tensor, axis: int | None) -> Tensor:
    flat, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return torch.argsort(flat, dim=axis, stable=True)


def top_k(x: Tensor, k: int, sorted: bool) -> tuple[Tensor, Tensor]:
    if k > x.shape[-1]:
        raise ValueError(f"top_k: {k} of {x.shape[-1]} elements.")
    values, places = torch.sort(x, dim=-1, descending=True, stable=True)
    return values[..., :k], places[..., :k]


def searchsorted(sorted_sequence: Tensor, values: Tensor, side: str) -> Tensor:
    if values.dtype is torch.bool:
        sorted_sequence, values = sorted_sequence.to(torch.uint8), values.to(torch.uint8)
    return torch.searchsorted(
        sorted_sequence.contiguous(), values.contiguous(), side=side, out_int32=True
    )


OWN: dict[str, Any] = {
    # Other names.
    "equal": torch.eq,  # torch.equal compares whole tensors
    "fabs": torch.abs,
    "left_shift": torch.bitwise_left_shift,
    "mod": torch.remainder,
    "power": torch.pow,
    "right_shift": torch.bitwise_right_shift,
    # No booleans.
    "absolute": _not_of(_is_bool, torch.abs),
    "isin": isin,
    "trunc": _not_of(_is_bool, torch.trunc),
    "top_k": top_k,  # torch.topk ranks equal elements in any order
    # Other meanings or results.
    "floor_divide": lambda x, y: torch.div(x, y, rounding_mode="floor"),  # with a gradient
    "heaviside": heaviside,  # 0 where x1 is NaN
    "allclose": allclose,  # a Python boolean
    "argsort": argsort,  # stable, and of the flattened tensor
    "corrcoef": None,  # looks at its values, which cannot be traced
    "cumprod": _cumulative(torch.cumprod),  # of the flattened tensor
    "cumsum": _cumulative(torch.cumsum),
    "logdet": None,  # NaN where the determinant is negative
    "max": _extreme(torch.amax, torch.maximum),  # pairs with positions, one axis
    "median": None,  # the lower of the two in the middle
    "nanmedian": None,
    "nanquantile": None,  # as quantile
    "min": _extreme(torch.amin, torch.minimum),
    "nonzero": nonzero,  # a matrix
    "prod": prod,  # one axis
    "quantile": None,  # one axis, few elements, no half-width floats
    "round": round_,  # no integers
    "searchsorted": searchsorted,  # no booleans; warns of views
    "threshold": None,  # keeps NaN
    "sort": sort,  # pairs with positions
    "std": _spread(torch.std),  # divided by n - 1
    "var": _spread(torch.var),
    "conj": torch.conj_physical,  # torch.conj leaves it to those who read the result
    "imag": imag,  # complex numbers only
    "trapezoid": None,  # no axis
    "vander": None,  # takes matrices
    "view": view,  # a method
    "view_as_real": None,  # complex numbers only
    "view_as_complex": lambda x: torch.view_as_complex(x.contiguous()),
    "where": where,  # conditions that are numbers, and 64-bit positions
    "argmax": _position(torch.argmax),  # no booleans
    "argmin": _position(torch.argmin),
    "hypot": None,  # the op's shared definition: slopes at 0
    "logsumexp": None,  # the op's shared definition: slopes where nothing is added up
}
