"""Adadelta."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions


class Adadelta(Optimizer):
    """Makes steps of the size of its last ones, from the ratio of two running mean squares.

    a = rho * a + (1 - rho) * g², d = sqrt(b + epsilon) / sqrt(a + epsilon) * g,
    b = rho * b + (1 - rho) * d², and w - learning_rate * d.

    Args:
        learning_rate: a number, a schedule or a function; 1 in the paper.
        rho: how much of the mean squares each step keeps.
        epsilon: keeps the divisor from 0, and makes the first steps.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> Adadelta(1.0, rho=0.0, epsilon=0.25).apply([lamina.ops.zeros(1) + 0.5**0.5], [weight])
        >>> round(float(weight[0]), 3)
        0.592

    Reference:
        Zeiler, 2012, https://arxiv.org/abs/1212.5701
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        check_fractions(rho=rho)
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.epsilon = epsilon

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("accumulated_grad", "accumulated_delta_var")]

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        squares = lerp(slots["accumulated_grad"], ops.square(gradient), 1 - self.rho)
        last = slots["accumulated_delta_var"]
        change = ops.sqrt((last + self.epsilon) / (squares + self.epsilon)) * gradient
        changes = lerp(last, ops.square(change), 1 - self.rho)
        new = {"accumulated_grad": squares, "accumulated_delta_var": changes}
        return parameter - learning_rate * change, new
