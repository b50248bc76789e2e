"""Picking elements by position, and putting them there, by the rules of NumPy.

Positions out of range raise IndexError on the CPU, where the other backends give NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_index: Any = torch.ops.aten.index
_POSITIONS = (torch.int64, torch.int32, torch.bool)
_ARRAYS = (Tensor, np.ndarray)


def get_item(x: Tensor, key: Any) -> Tensor:
    if isinstance(key, tuple):
        for one in key:
            if isinstance(one, _ARRAYS):
                return _gathered(x, key)
    elif isinstance(key, _ARRAYS):
        return _gathered(x, (key,))
    try:
        return x[key]
    except ValueError:  # a slice backwards
        return _gathered(x, key if isinstance(key, tuple) else (key,))


def _gathered(x: Tensor, key: tuple[Any, ...]) -> Tensor:
    """`x[key]` with tensors in the key, and slices backwards.

    An integer beside tensors counts as one of them, as in NumPy; and a tensor of one number is
    not read, so that it may be traced.
    """
    tensors = any(isinstance(one, _ARRAYS) for one in key)
    rest = x.ndim - sum(map(_width, key))
    places: list[Tensor | None] = []
    axis = 0
    for one in key:
        if one is Ellipsis:
            places += [None] * rest
            axis += rest
        elif one is None or isinstance(one, slice):
            x = x.unsqueeze(axis) if one is None else _sliced(x, axis, one)
            places.append(None)
            axis += 1
        elif tensors:
            places.append(_positions(one, x.device))
            axis += _width(one)
        else:
            x = x.select(axis, one)
    if not tensors:
        return x
    if any(one is not None and one.ndim for one in places):
        # Beside others a vector: traced, PyTorch 2.13 mistakes the shape else.
        places = [one.unsqueeze(0) if one is not None and not one.ndim else one for one in places]
    return _index(x, places)  # type: ignore[no-any-return]


def _width(one: Any) -> int:
    """How many axes a part of a key is for."""
    if isinstance(one, _ARRAYS):
        return one.ndim if one.dtype in (torch.bool, np.dtype(bool)) else 1
    return 0 if one is None or one is Ellipsis else 1


def _positions(one: Any, device: torch.device) -> Tensor:
    if isinstance(one, np.ndarray) and one.dtype.kind == "u":
        one = one.astype(np.int64)
    index = torch.as_tensor(one, device=device)
    return index if index.dtype in _POSITIONS else index.to(torch.int64)


def _sliced(x: Tensor, axis: int, part: slice) -> Tensor:
    start, stop, step = part.indices(x.shape[axis])
    if step > 0:
        return x[(slice(None),) * axis + (part,)]
    count = len(range(start, stop, step))
    least = start + (count - 1) * step
    forward = slice(least, start + 1, -step) if count else slice(0, 0)
    return x[(slice(None),) * axis + (forward,)].flip(axis)


def take(x: Tensor, indices: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        x, axis = x.reshape(-1), 0
    elif not -x.ndim <= axis < x.ndim:
        raise IndexError(f"there is no axis {axis} of {x.ndim}.")
    if indices.dtype not in _POSITIONS:
        indices = indices.to(torch.int64)
    if x.ndim == 2 and axis in (0, -2) and x.is_floating_point() and x.is_cpu:
        try:  # its gradient takes a tenth of the time
            return torch.embedding(x, indices)
        except IndexError:  # a position counted from the end
            pass
    return _index(x, [None] * (axis % x.ndim) + [indices])  # type: ignore[no-any-return]


def take_along_axis(x: Tensor, indices: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        x, indices, axis = x.reshape(-1), indices.reshape(-1), 0
    axis = axis % x.ndim
    indices = indices.to(torch.int64)
    indices = torch.where(indices < 0, indices + x.shape[axis], indices)
    # torch.take_along_dim takes another where a position is out of range.
    return torch.gather(_spread(x, indices, axis), axis, _spread(indices, x, axis))


def _spread(x: Tensor, other: Tensor, axis: int) -> Tensor:
    """`x` broadcast with the other, but for the axis."""
    shape = [max(pair) if 0 not in pair else 0 for pair in zip(x.shape, other.shape, strict=True)]
    shape[axis] = x.shape[axis]
    return x.expand(shape)


# Blocks -----------------------------------------------------------------------------------


def _start(start: Any, length: int, size: int) -> Any:
    """Where a block begins, moved inside where it would stick out: an integer or a tensor.

    A negative number counts from the end.
    """
    if isinstance(start, Tensor):
        return torch.where(start < 0, start + length, start).clamp(0, length - size)
    start = int(start)
    return min(max(start + length if start < 0 else start, 0), length - size)


def slice_block(inputs: Tensor, start_indices: Any, shape: Sequence[int]) -> Tensor:
    if len(shape) != inputs.ndim:
        raise ValueError(f"{len(shape)} sizes do not fit {inputs.ndim} dimensions.")
    for axis, size in enumerate(shape):
        length = inputs.shape[axis]
        if size == -1:
            size = length - int(start_indices[axis])
        start = _start(start_indices[axis], length, size)
        if isinstance(start, Tensor):
            places = start + torch.arange(size, device=inputs.device)
            inputs = inputs.index_select(axis, places)
        elif size != length:
            inputs = inputs.narrow(axis, start, size)
    return inputs


def slice_update(inputs: Tensor, start_indices: Any, updates: Tensor) -> Tensor:
    return _updated(inputs, start_indices, updates.to(inputs.dtype), 0)


def _updated(inputs: Tensor, starts: Any, updates: Tensor, axis: int) -> Tensor:
    """From one axis on: the block's rows are replaced by what its further axes make of them."""
    if axis == inputs.ndim:
        return updates
    length, size = inputs.shape[axis], updates.shape[axis]
    start = _start(starts[axis], length, size)
    if isinstance(start, Tensor):
        places = start + torch.arange(size, device=inputs.device)
        rows = _updated(inputs.index_select(axis, places), starts, updates, axis + 1)
        return inputs.index_copy(axis, places, rows)
    if size == length:
        return _updated(inputs, starts, updates, axis + 1)
    rows = _updated(inputs.narrow(axis, start, size), starts, updates, axis + 1)
    return torch.slice_scatter(inputs, rows, axis, start, start + size)


# Scattering -------------------------------------------------------------------------------


def scatter(indices: Tensor, values: Tensor, shape: Sequence[int]) -> Tensor:
    zeros = values.new_zeros(tuple(shape))
    return zeros.index_put(indices.unbind(-1), values, accumulate=True)


_REDUCTIONS = {"mul": "prod", "max": "amax", "min": "amin"}


def scatter_update(
    inputs: Tensor, indices: Tensor, updates: Tensor, reduction: str | None
) -> Tensor:
    updates = updates.to(inputs.dtype)
    if reduction in (None, "add"):
        return inputs.index_put(indices.unbind(-1), updates, accumulate=reduction == "add")
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction is None, 'add', 'mul', 'max' or 'min', not {reduction!r}.")
    count = indices.shape[-1]
    places = indices.new_zeros(indices.shape[:-1])
    for index, length in zip(indices.unbind(-1), inputs.shape, strict=False):
        places = places * length + torch.where(index < 0, index + length, index)
    rows = inputs.reshape(-1, *inputs.shape[count:])
    block = updates.expand(*indices.shape[:-1], *rows.shape[1:]).reshape(-1, *rows.shape[1:])
    return _reduced(rows, places.reshape(-1), block, reduction).reshape(inputs.shape)


def _reduced(rows: Tensor, places: Tensor, values: Tensor, reduction: str) -> Tensor:
    """`rows` with each value brought into the row at its place."""
    places = places.to(torch.int64).reshape(-1, *(1,) * (rows.ndim - 1)).expand(values.shape)
    return rows.scatter_reduce(0, places, values, _REDUCTIONS[reduction])


def _segment(reduction: str, start: Callable[[torch.dtype], Any]) -> Callable[..., Tensor]:
    def kernel(data: Tensor, segment_ids: Tensor, num_segments: Any, sorted: bool) -> Tensor:
        count = int(segment_ids.max()) + 1 if num_segments is None else num_segments
        # One row more, for what is in no segment.
        inside = (segment_ids >= 0) & (segment_ids < count)
        places = torch.where(inside, segment_ids, count)
        shape = (count + 1, *data.shape[1:])
        if reduction == "add":
            return data.new_zeros(shape).index_add(0, places, data)[:count]
        rows = data.new_full(shape, start(data.dtype))
        return _reduced(rows, places, data, reduction)[:count]

    return kernel


def _lowest(dtype: torch.dtype) -> Any:
    if dtype is torch.bool:
        return False
    return -float("inf") if dtype.is_floating_point else torch.iinfo(dtype).min


def _highest(dtype: torch.dtype) -> Any:
    if dtype is torch.bool:
        return True
    return float("inf") if dtype.is_floating_point else torch.iinfo(dtype).max


OWN: dict[str, Any] = {
    "get_item": get_item,  # keys as in NumPy
    "scatter": scatter,
    "scatter_update": scatter_update,
    "segment_max": _segment("max", _lowest),
    "segment_min": _segment("min", _highest),
    "segment_prod": _segment("mul", lambda dtype: 1),
    "segment_sum": _segment("add", lambda dtype: 0),
    "slice": slice_block,
    "slice_update": slice_update,
    "take": take,  # torch.take knows no axis
    "take_along_axis": take_along_axis,
    "unravel_index": None,  # wide positions only
}
