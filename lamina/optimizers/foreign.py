"""An optimizer of the framework's own in the place of one of ours."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina import ops
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer


class ForeignOptimizer(Optimizer):
    """What `compile(optimizer=…)` makes of an Optax transformation or a `torch.optim` class.

    Updates are the foreign optimizer's alone: clipping, decay and averaging are set on it. What it
    keeps is found in `variables` once it has been built, as far as it lies in tensors by then.

    Args:
        foreign: what the backend made of it: `build(handles)`, `apply(gradients)`, `handles`,
            `learning_rate`, None where it is not to be told, and `get_state()` and
            `set_state(state)` of what lies elsewhere than in the handles.
        name: the first part of the variables' paths.
    """

    bookkeeping: ClassVar[frozenset[str]] = Optimizer.bookkeeping | {"_kept"}

    def __init__(self, foreign: Any, name: str | None = None) -> None:
        super().__init__(lambda: self._foreign_rate(), name=name)
        self._foreign = foreign
        self._kept: list[Variable] = []

    def _foreign_rate(self) -> float:
        rate = self._foreign.learning_rate
        if rate is None:
            raise ValueError(
                f"Optimizer {self.name!r} does not tell its learning rate: it is part of the "
                "function that it was made of. Make it with a schedule of its own instead."
            )
        return float(rate)

    @property
    def learning_rate(self) -> Any:
        """The learning rate, where the foreign optimizer tells it."""
        return self._foreign_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._foreign_rate()
        self._foreign.learning_rate = float(value)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *self._kept]

    def _extend(self, variables: list[Variable]) -> None:
        self._trained += variables
        self._foreign.build([variable.handle for variable in self._trained])
        self._kept = [
            Variable.around(handle, f"{self.name}/state_{i}")
            for i, handle in enumerate(self._foreign.handles)
        ]

    def _update(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        gradients = {id(variable): gradient for gradient, variable in pairs}
        self._foreign.apply(
            [
                gradients[id(one)] if id(one) in gradients else ops.zeros_like(one.value)
                for one in self._trained
            ]
        )

    def get_own_state(self) -> Any:
        return self._foreign.get_state()

    def set_own_state(self, state: Any) -> None:
        self._foreign.set_state(state)

    def get_config(self) -> dict[str, Any]:
        raise ValueError(
            f"Optimizer {self.name!r} is the framework's own, and has no config to make another "
            "of. Save the weights alone, or use one of lamina.optimizers."
        )
