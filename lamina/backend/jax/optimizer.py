"""Optax, https://optax.readthedocs.io, behind `compile(optimizer=…)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from lamina.backend.jax.variables import Cell, assign, read


def optimizer(value: Any) -> OptaxOptimizer | None:
    """What a gradient transformation stands for: a pair of functions, `init` and `update`."""
    if isinstance(value, tuple) and getattr(value, "_fields", None) == ("init", "update"):
        return OptaxOptimizer(value)
    return None


class OptaxOptimizer:
    """A gradient transformation, its state kept in variables."""

    learning_rate = None  # inside of the transformation's functions

    def __init__(self, transformation: Any) -> None:
        self._init, self._update = transformation
        self._cells: list[Cell] = []
        self.handles: list[Cell] = []

    def build(self, cells: Sequence[Cell]) -> None:
        if self._cells:
            raise ValueError(
                "The model has new variables to train, and the state of an Optax transformation "
                "is of those that it began with. Compile the model again after unfreezing layers."
            )
        self._cells = list(cells)
        state = self._init([read(cell) for cell in cells])
        leaves, self._structure = jax.tree.flatten(state)
        self.handles = [Cell(jax.numpy.asarray(leaf), "optimizer state") for leaf in leaves]

    def get_state(self) -> None:
        """All that it keeps is in `handles`."""

    def set_state(self, state: None) -> None:
        """Nothing more to take."""

    def apply(self, gradients: Sequence[jax.Array]) -> None:
        parameters = [read(cell) for cell in self._cells]
        state = jax.tree.unflatten(self._structure, [read(cell) for cell in self.handles])
        changes, state = self._update(list(gradients), state, parameters)
        for cell, value in zip(self.handles, jax.tree.leaves(state), strict=True):
            assign(cell, value)
        for cell, parameter, change in zip(self._cells, parameters, changes, strict=True):
            assign(cell, (parameter + change).astype(parameter.dtype))
