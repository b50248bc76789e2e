"""Making, arranging and joining tensors, where PyTorch spells it differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.backend.torch.devices import default
from lamina.backend.torch.dtypes import TYPES

Shape = int | Sequence[int]


# Making -----------------------------------------------------------------------------------


def _made(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def kernel(shape: Shape, dtype: str) -> Tensor:
        size = (shape,) if isinstance(shape, int) else tuple(shape)
        return function(size, dtype=TYPES[dtype], device=default())

    return kernel


def _made_like(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def kernel(x: Tensor, dtype: str) -> Tensor:
        return function(x, dtype=TYPES[dtype])

    return kernel


def full(shape: Shape, fill_value: Tensor, dtype: str) -> Tensor:
    size = (shape,) if isinstance(shape, int) else tuple(shape)
    return fill_value.to(TYPES[dtype]).expand(size).contiguous()


def full_like(x: Tensor, fill_value: Tensor, dtype: str) -> Tensor:
    return full(x.shape, fill_value, dtype)


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Tensor:
    first, limit = (0, start) if stop is None else (start, stop)
    step = 1 if step is None else step
    if (limit - first) * step < 0:  # nothing, which PyTorch refuses
        limit = first
    return torch.arange(first, limit, step, dtype=TYPES[dtype], device=default())


def linspace(
    start: Tensor,
    stop: Tensor,
    num: int,
    endpoint: bool,
    retstep: bool = False,
    dtype: str | None = None,
    axis: int = 0,
) -> Any:
    start, stop = torch.broadcast_tensors(start, stop)  # type: ignore[no-untyped-call]
    step = (stop - start) / max(num - 1 if endpoint else num, 1)
    place = torch.arange(num, dtype=start.dtype, device=start.device)
    place = place.reshape(-1, *(1,) * start.ndim)
    y = start + place * step
    if endpoint and num > 1:  # the last is `stop` exactly
        y = torch.where(place * 2 < num, y, stop - (num - 1 - place) * step)
    if dtype is not None and not TYPES[dtype].is_floating_point:
        y = y.floor()
    y = y.movedim(0, axis)
    return [y, step] if retstep else y


def logspace(
    start: Tensor, stop: Tensor, num: int, endpoint: bool, base: float, dtype: str, axis: int
) -> Tensor:
    powers = torch.pow(base, linspace(start, stop, num, endpoint, axis=axis))
    return powers if TYPES[dtype].is_floating_point else powers.floor()


# Arranging --------------------------------------------------------------------------------


def transpose(x: Tensor, axes: tuple[int, ...] | None) -> Tensor:
    return x.permute(tuple(range(x.ndim - 1, -1, -1)) if axes is None else axes)


def expand_dims(x: Tensor, axis: Any) -> Tensor:
    if isinstance(axis, int):
        return x.unsqueeze(axis)
    rank = x.ndim + len(axis)
    for one in sorted(place % rank for place in axis):
        x = x.unsqueeze(one)
    return x


def squeeze(x: Tensor, axis: Any) -> Tensor:
    if axis is None:
        return x.squeeze()
    for one in (axis,) if isinstance(axis, int) else axis:
        if x.shape[one] != 1:
            raise ValueError(f"squeeze: axis {one} of {tuple(x.shape)} has not size 1.")
    return x.squeeze(axis)


def pad(x: Tensor, pad_width: Any, mode: str, constant_values: Any) -> Tensor:
    pairs = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    if mode == "constant":
        flat = [n for pair in reversed(pairs) for n in pair]
        return torch.constant_pad_nd(x, flat, 0 if constant_values is None else constant_values)
    if constant_values is not None:
        raise ValueError(f"pad takes constant_values in mode 'constant' only, not {mode!r}.")
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ValueError(
            f"On PyTorch, pad's mode is 'constant', 'edge', 'reflect', 'symmetric' or 'wrap', not "
            f"{mode!r}."
        )
    for axis, pair in enumerate(pairs):
        if any(pair):
            places = np.pad(np.arange(x.shape[axis]), pair, mode)  # type: ignore[call-overload]
            x = x.index_select(axis, torch.from_numpy(places).to(x.device))
    return x


def repeat(x: Tensor, repeats: Any, axis: int | None) -> Tensor:
    if isinstance(repeats, (int, Tensor)):
        return torch.repeat_interleave(x, repeats, axis)
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    places = np.repeat(np.arange(x.shape[axis]), repeats)
    return x.index_select(axis, torch.from_numpy(places).to(x.device))


def reshape(x: Tensor, newshape: Any) -> Tensor:
    # The method takes a number too, and half as long again for a tuple.
    return torch.reshape(x, (newshape,) if isinstance(newshape, int) else newshape)


def flip(x: Tensor, axis: Any) -> Tensor:
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return torch.flip(x, tuple(axes))


def roll(x: Tensor, shift: Any, axis: Any) -> Tensor:
    if isinstance(axis, tuple) and isinstance(shift, int):
        shift = (shift,) * len(axis)
    return torch.roll(x, shift, axis)


# Joining ----------------------------------------------------------------------------------


def concatenate(xs: list[Tensor], axis: int | None) -> Tensor:
    if axis is None:
        return torch.cat([x.reshape(-1) for x in xs])
    return torch.cat(xs, axis)


def split(x: Tensor, indices_or_sections: Any, axis: int) -> tuple[Tensor, ...]:
    if isinstance(indices_or_sections, int) and x.shape[axis] % indices_or_sections:
        raise ValueError(f"split: {x.shape[axis]} is no multiple of {indices_or_sections}.")
    if not isinstance(indices_or_sections, int):
        indices_or_sections = [int(place) for place in indices_or_sections]
    return torch.tensor_split(x, indices_or_sections, axis)


def meshgrid(*x: Tensor, indexing: str) -> list[Tensor]:
    order = list(range(len(x)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    sizes = [x[i].numel() for i in order]
    return [
        one.reshape([-1 if i == place else 1 for place in order]).expand(sizes)
        for i, one in enumerate(x)
    ]


OWN: dict[str, Any] = {
    # Types by name, and the default device.
    "arange": arange,
    "empty": _made(torch.empty),
    "empty_like": _made_like(torch.empty_like),
    "eye": None,  # no diagonal but the main one
    "full": full,
    "full_like": full_like,
    "linspace": linspace,
    "logspace": logspace,
    "ones": _made(torch.ones),
    "ones_like": _made_like(torch.ones_like),
    "zeros": _made(torch.zeros),
    "zeros_like": _made_like(torch.zeros_like),
    # Other names of arguments.
    "diag": lambda x, k: torch.diag(x, k),
    "diagflat": lambda x, k: torch.diag(x.reshape(-1), k),  # torch.diagflat under vmap
    "diagonal": lambda x, offset, axis1, axis2: torch.diagonal(x, offset, axis1, axis2),
    "rot90": lambda array, k, axes: torch.rot90(array, k, axes),
    "tril": lambda x, k: torch.tril(x, k),
    "triu": lambda x, k: torch.triu(x, k),
    # One number, or a tuple, or None for all axes.
    "expand_dims": expand_dims,
    "flip": flip,
    "moveaxis": torch.movedim,  # torch.moveaxis under vmap
    "repeat": repeat,  # torch.Tensor.repeat lays copies side by side
    "reshape": reshape,
    "roll": roll,
    "squeeze": squeeze,  # torch.squeeze leaves axes of other sizes
    "tile": torch.Tensor.tile,
    "transpose": transpose,  # torch.transpose swaps two axes
    # Other meanings.
    "concatenate": concatenate,  # no flattening
    "meshgrid": meshgrid,  # one type
    "pad": pad,  # from the last axis backwards; other modes
    "split": split,  # the parts' sizes, not the places to cut
    "unstack": lambda x, num, axis: x.unbind(axis),
}
