"""Adamax."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions


class Adamax(Optimizer):
    """Adam with the greatest gradient of late in the place of the root of the mean square.

    m = beta_1 * m + (1 - beta_1) * g, u = max(beta_2 * u, |g|), and at step t
    w - learning_rate / (1 - beta_1^t) * m / (u + epsilon).

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: how much of the mean each step keeps.
        beta_2: how much of the greatest value each step keeps.
        epsilon: keeps the divisor from 0.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> Adamax(0.1).apply([lamina.ops.full((1,), 7.0)], [weight])
        >>> round(float(weight[0]), 3)
        0.9

    Reference:
        Kingma and Ba, 2015, section 7.1, https://arxiv.org/abs/1412.6980
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        check_fractions(beta_1=beta_1, beta_2=beta_2)
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "norm")]

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        momentum = lerp(slots["momentum"], gradient, 1 - self.beta_1)
        norm = ops.maximum(self.beta_2 * slots["norm"], ops.abs(gradient))
        rate = learning_rate / (1 - ops.power(self.beta_1, step))
        new = {"momentum": momentum, "norm": norm}
        return parameter - rate * momentum / (norm + self.epsilon), new
