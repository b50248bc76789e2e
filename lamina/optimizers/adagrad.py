"""Adagrad."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import initializers, ops
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_number


class Adagrad(Optimizer):
    """Divides each gradient by the root of the sum of all its squares so far.

    a = a + g², and w - learning_rate * g / sqrt(a + epsilon).

    Args:
        learning_rate: a number, a schedule or a function.
        initial_accumulator_value: the sum before the first step, at least 0.
        epsilon: keeps the divisor from 0.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> Adagrad(0.5, initial_accumulator_value=0.0).apply([lamina.ops.ones(1)], [weight])
        >>> round(float(weight[0]), 3)
        0.5

    Reference:
        Duchi et al., 2011, https://jmlr.org/papers/v12/duchi11a.html
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        check_number("initial_accumulator_value", initial_accumulator_value)
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("accumulator",)]

    def make_slot(self, variable: Variable, name: str) -> Variable:
        first = initializers.Constant(self.initial_accumulator_value)
        return self.add_variable_from_reference(variable, name, first)

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        total = slots["accumulator"] + ops.square(gradient)
        change = learning_rate * gradient / ops.sqrt(total + self.epsilon)
        return parameter - change, {"accumulator": total}
