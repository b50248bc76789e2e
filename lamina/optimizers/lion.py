"""Lion."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions, check_number


class Lion(Optimizer):
    """Steps of one size each way, by the sign of a running mean of the gradient.

    w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g), then
    m = beta_2 * m + (1 - beta_2) * g.

    Args:
        learning_rate: a number, a schedule or a function; 3 to 10 times smaller than Adam's.
        beta_1: how much the mean counts for the step, above 0 and at most 1.
        beta_2: how much of the mean each step keeps.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0, 1.0])
        >>> Lion(0.25).apply([lamina.ops.array([7.0, -0.1])], [weight])
        >>> weight.numpy().tolist()
        [0.75, 1.25]

    Reference:
        Chen et al., 2023, https://arxiv.org/abs/2302.06675
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[Options],
    ) -> None:
        check_number("beta_1", beta_1, 1e-30, 1.0)
        check_fractions(beta_2=beta_2)
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum",)]

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        mean = slots["momentum"]
        change = learning_rate * ops.sign(lerp(mean, gradient, 1 - self.beta_1))
        return parameter - change, {"momentum": lerp(mean, gradient, 1 - self.beta_2)}
