"""Modules of PyTorch's own inside of layers."""

from __future__ import annotations

from typing import Any

import torch

from lamina.backend.frames import Cell, local
from lamina.backend.torch.variables import assign, read


def foreign(kind: str, *parts: Any) -> ForeignModule | None:
    """What stands for a `torch.nn.Module`; None for anything else."""
    known = kind == "module" and isinstance(parts[0], torch.nn.Module)
    return ForeignModule(*parts) if known else None


class ForeignModule:
    """A module whose parameters and buffers are read and assigned as variables are."""

    def __init__(self, held: torch.nn.Module) -> None:
        self._module = held
        self._parameters = {name: Cell(one, name) for name, one in held.named_parameters()}
        self._buffers = {name: Cell(one, name) for name, one in held.named_buffers()}

    def handles(self) -> list[tuple[str, Cell, bool]]:
        """The name and handle of each variable, and whether it is learnt."""
        learnt = [(name, cell, cell.value.requires_grad) for name, cell in self._parameters.items()]
        return learnt + [(name, cell, False) for name, cell in self._buffers.items()]

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        self._module.train(torch.is_grad_enabled() if training is None else training)
        if local.frame is None:
            return self._module(*args, **kwargs)
        values = {name: read(cell) for name, cell in self._parameters.items()}
        # A module writes its buffers in place, and inside of a frame that must not be seen outside.
        kept = {name: read(cell).clone() for name, cell in self._buffers.items()}
        output = torch.func.functional_call(self._module, {**values, **kept}, args, kwargs)
        for name, cell in self._buffers.items():
            assign(cell, kept[name])
        return output
