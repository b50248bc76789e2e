"""An optimizer's formula on all parameters at once.

The formula is a function of one array. Where it works element by element, it may as well be given
the elements of many parameters in one row: one call for each of its steps, on as much as stays in
the cache. What it asks PyTorch to do is recorded the first time (`recording.py`) and repeated from
then on, and the slots of many parameters lie in one tensor, so that a step neither gathers them
nor runs the formula's Python: for a small network that was three quarters of the update's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lamina.backend.contract import Row
from lamina.backend.frames import Cell, local
from lamina.backend.torch.fused_updates import fused
from lamina.backend.torch.layouts import in_memory, in_memory_of, is_dense, laid_out_as
from lamina.backend.torch.recording import ElementProgram, NotRecordable

Function = Callable[..., Any]

# Elements that an update takes at a time on the CPU: what it keeps of them fits into a core's
# cache, and two cores share the work. Adam's formula on 670,000 weights takes 1.7 ms so, where each
# step of it on all elements takes 8.
_CHUNK = 65_536


def update_together(
    update: Function, rows: Sequence[Row], memo: dict[str, Any], shared: Sequence[Any]
) -> Sequence[Row]:
    """Update as many rows together as can be; the others are returned, as they were."""
    if local.frame is not None:
        return rows
    if fused(update, rows, shared):
        return ()
    plan = memo.get("plan")
    if plan is None or not plan.fits(rows):
        plan = memo["plan"] = _Plan(update, rows, shared)
    if plan.program is not None:
        computed = plan.program.head(*shared)
        for chunk in plan.chunks:
            chunk.update(plan.program, computed, rows)
    return [rows[i] for i in plan.alone]


class _Plan:
    """How some rows are updated: which of them together, in which chunks, by which program.

    Attributes:
        program: what the formula does, or None where it does not work element by element.
        alone: the rows updated by themselves.
    """

    def __init__(self, update: Function, rows: Sequence[Row], shared: Any) -> None:
        self.given = [(parameter, gradient is None) for gradient, parameter, _ in rows]
        self.program = _recorded(update, rows[0], shared)
        self.alone: list[int] = []
        self.chunks: list[_Chunk] = []
        together: dict[Any, list[int]] = {}
        for i, (_, parameter, slots) in enumerate(rows):
            held = [parameter.value, *(slot.value for slot in slots.values())]
            if self.program is not None and all(map(is_dense, held)):
                kind = (parameter.value.device, *(one.dtype for one in held))
                together.setdefault(kind, []).append(i)
            else:
                self.alone.append(i)
        for places in together.values():
            self.chunks += _chunks(rows, places)
        cells = [cell for _, parameter, slots in rows for cell in (parameter, *slots.values())]
        self.places = [(cell, cell.value.data_ptr()) for cell in cells]

    def fits(self, rows: Sequence[Row]) -> bool:
        """Whether `rows` are those that the plan was made for, and still where they were."""
        given = [(parameter, gradient is None) for gradient, parameter, _ in rows]
        if given != self.given:
            return False
        return all(cell.value.data_ptr() == place for cell, place in self.places)


def _recorded(update: Function, row: Row, shared: Any) -> ElementProgram | None:
    gradient, parameter, slots = row

    def element(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach().reshape(-1)[:1]

    values = {name: element(slot.value) for name, slot in slots.items()}
    given = None if gradient is None else element(gradient)
    try:
        return ElementProgram(update, given, element(parameter.value), values, shared)
    except NotRecordable:
        return None


@dataclass
class _Chunk:
    """Elements updated together.

    Attributes:
        parameters: pieces of parameters in a row each, which writing changes.
        slots: by name, the elements of each slot.
        gradients: of each piece the row that its gradient stands in, and which elements it has.
    """

    parameters: list[torch.Tensor]
    slots: dict[str, torch.Tensor]
    gradients: list[tuple[int, int, int]]

    def update(self, program: ElementProgram, computed: Any, rows: Sequence[Row]) -> None:
        joined = None
        if program.takes_gradient:
            pieces = []
            for place, start, stop in self.gradients:
                gradient, parameter, _ = rows[place]
                flat = in_memory_of(gradient, parameter.value)
                pieces.append(flat if stop - start == flat.numel() else flat[start:stop])
            joined = _joined(pieces)
        values = _joined(self.parameters)
        new, *changed = program.body(computed, joined, values, *self.slots.values())
        for name, value in zip(program.changed, changed, strict=True):
            self.slots[name].copy_(value)
        if len(self.parameters) == 1:
            values.copy_(new)
        else:
            sizes = [piece.numel() for piece in self.parameters]
            torch._foreach_copy_(self.parameters, torch.split_with_sizes(new, sizes))


def _joined(pieces: list[torch.Tensor]) -> torch.Tensor:
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _chunks(rows: Sequence[Row], places: Sequence[int]) -> list[_Chunk]:
    """The rows at `places`, which are of one kind, cut into chunks; their slots come to lie in one
    tensor for each name.
    """
    whole = [rows[i][1].value.detach() for i in places]
    slots = {
        name: _gathered([rows[i][2][name] for i in places], whole) for name in rows[places[0]][2]
    }
    flat = [in_memory(one) for one in whole]
    # Off the CPU a chunk is a parameter or more.
    limit = _CHUNK if flat[0].is_cpu else max(_CHUNK, *(one.numel() for one in flat))
    found: list[_Chunk] = []
    begin = end = 0
    parameters: list[torch.Tensor] = []
    gradients: list[tuple[int, int, int]] = []

    def close() -> None:
        nonlocal begin, parameters, gradients
        if parameters:
            own = {name: slot[begin:end] for name, slot in slots.items()}
            found.append(_Chunk(parameters, own, gradients))
        begin, parameters, gradients = end, [], []

    for place, row in zip(places, flat, strict=True):
        for start in range(0, row.numel(), limit):
            stop = min(start + limit, row.numel())
            if end - begin + stop - start > limit:
                close()
            parameters.append(row[start:stop])
            gradients.append((place, start, stop))
            end += stop - start
    close()
    return found


def _gathered(cells: Sequence[Cell], parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """The elements of some slots, in the orders of their parameters, in one tensor, which from
    now on holds them.
    """
    pairs = list(zip(cells, parameters, strict=True))
    flat = torch.cat([in_memory_of(cell.value.detach(), one) for cell, one in pairs])
    pieces = torch.split_with_sizes(flat, [one.numel() for one in parameters])
    for (cell, parameter), piece in zip(pairs, pieces, strict=True):
        cell.value.data = laid_out_as(piece, parameter)
    return flat
