"""Variables on PyTorch: each is a `torch.nn.Parameter`, whose data an assignment replaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from lamina.backend import frames
from lamina.backend.frames import ABSENT, Cell, Substitution


def variable(value: torch.Tensor, trainable: bool, name: str) -> Cell:
    own = value.detach().clone(memory_format=torch.contiguous_format)
    cell = Cell(torch.nn.Parameter(own, requires_grad=False), name)
    set_trainable(cell, trainable)
    return cell


def set_trainable(handle: Cell, trainable: bool) -> None:
    handle.value.requires_grad_(trainable and handle.value.is_floating_point())


def read(handle: Cell) -> torch.Tensor:
    inside = handle.value if frames.local.frame is None else frames.found(handle)
    return handle.value if inside is ABSENT else inside  # type: ignore[no-any-return]


def assign(handle: Cell, value: torch.Tensor) -> None:
    if frames.kept(handle, value):
        return
    if handle.value.requires_grad:
        with torch.no_grad():
            handle.value.copy_(value)
    else:
        handle.value.copy_(value.detach() if value.requires_grad else value)


def substitute(handles: Sequence[Cell], values: Sequence[Any]) -> Substitution:
    return Substitution(handles, values, read)
