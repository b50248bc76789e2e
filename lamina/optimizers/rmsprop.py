"""RMSprop."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions


class RMSprop(Optimizer):
    """Divides each gradient by a running root of its mean square.

    v = rho * v + (1 - rho) * g², and w - learning_rate * g / sqrt(v + epsilon).

    Args:
        learning_rate: a number, a schedule or a function.
        rho: how much of the mean square each step keeps.
        momentum: how much of the last step goes on.
        epsilon: keeps the divisor from 0.
        centered: whether the square of the mean gradient is taken off: v is then the variance.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> RMSprop(0.1, rho=0.0).apply([lamina.ops.full((1,), 7.0)], [weight])
        >>> round(float(weight[0]), 3)
        0.9

    Reference:
        Tieleman and Hinton, 2012, lecture 6e of Neural Networks for Machine Learning.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ) -> None:
        check_fractions(rho=rho, momentum=momentum)
        super().__init__(learning_rate, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def slot_groups(self) -> list[tuple[str, ...]]:
        groups: list[tuple[str, ...]] = [("velocity",)]
        groups += [("momentum",)] if self.momentum > 0 else []
        return groups + ([("average_gradient",)] if self.centered else [])

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        velocity = lerp(slots["velocity"], ops.square(gradient), 1 - self.rho)
        new = {"velocity": velocity}
        if self.centered:
            mean = lerp(slots["average_gradient"], gradient, 1 - self.rho)
            new["average_gradient"] = mean
            velocity = velocity - ops.square(mean)
        change = learning_rate * gradient / ops.sqrt(velocity + self.epsilon)
        if self.momentum > 0:
            change = new["momentum"] = self.momentum * slots["momentum"] + change
        return parameter - change, new
