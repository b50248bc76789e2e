"""`torch.optim` behind `compile(optimizer=…)`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lamina.backend.frames import Cell
from lamina.backend.torch.devices import to_numpy


def optimizer(value: Any) -> TorchOptimizer | None:
    """What a class of `torch.optim`, a partial of one or an instance stands for."""
    made = value.func if isinstance(value, functools.partial) else value
    if isinstance(value, torch.optim.Optimizer):
        return TorchOptimizer(lambda parameters: value)
    if inspect.isclass(made) and issubclass(made, torch.optim.Optimizer):
        return TorchOptimizer(value)
    return None


class TorchOptimizer:
    """An optimizer of PyTorch's, which changes the parameters in place."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self._optimizer: torch.optim.Optimizer | None = None
        self._cells: list[Cell] = []
        self.handles: list[Cell] = []  # its state is made by its first step

    def build(self, cells: Sequence[Cell]) -> None:
        new = [cell.value for cell in cells[len(self._cells) :]]
        self._cells = list(cells)
        if self._optimizer is None:
            self._optimizer = self._make(new)
        else:
            self._optimizer.add_param_group({"params": new})

    @property
    def learning_rate(self) -> Any:
        if self._optimizer is None:
            return self._make([torch.zeros(1)]).param_groups[0]["lr"]
        return self._optimizer.param_groups[0]["lr"]

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self._optimizer is None:
            self._make = functools.partial(self._make, lr=value)
            return
        for group in self._optimizer.param_groups:
            group["lr"] = value

    def get_state(self) -> Any:
        """What it keeps, tensors as arrays; its `state_dict`."""
        if self._optimizer is None:
            return None
        return _mapped(self._optimizer.state_dict(), _to_array)

    def set_state(self, state: Any) -> None:
        if self._optimizer is not None and state is not None:
            self._optimizer.load_state_dict(_mapped(state, _to_tensor))

    def apply(self, gradients: Sequence[torch.Tensor]) -> None:
        for cell, gradient in zip(self._cells, gradients, strict=True):
            cell.value.grad = gradient
        try:
            self._optimizer.step()  # type: ignore[union-attr]
        finally:
            for cell in self._cells:
                cell.value.grad = None


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(one, change) for one in value)
    return change(value)


def _to_array(value: Any) -> Any:
    return to_numpy(value) if isinstance(value, torch.Tensor) else value


def _to_tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
