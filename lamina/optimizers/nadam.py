"""Nadam."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.moments import moments
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions


class Nadam(Optimizer):
    """Adam with the momentum of Nesterov: the gradient is taken as that of the point ahead.

    With m and v as in `Adam`, u_t = beta_1 * (1 - 0.96^t / 2) and p_t = u_1 * … * u_t, at step t
    w - learning_rate * (u_{t+1} * m / (1 - p_{t+1}) + (1 - u_t) * g / (1 - p_t))
    / (sqrt(v / (1 - beta_2^t)) + epsilon).

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: how much of the mean each step keeps, in the end.
        beta_2: how much of the mean square each step keeps.
        epsilon: keeps the divisor from 0.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> Nadam(0.1).apply([lamina.ops.full((1,), 7.0)], [weight])
        >>> round(float(weight[0]), 3)
        0.894

    Reference:
        Dozat, 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
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
        self._product: Variable | None = None

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def _extend(self, variables: list[Variable]) -> None:
        super()._extend(variables)
        if self._product is None:
            self._product = self.add_variable((), "ones", "float32")

    def _share(self, step: Tensor) -> Tensor:
        """u_t: how much the mean counts for step t."""
        return self.beta_1 * (1 - 0.5 * ops.power(0.96, step))

    def _update_together(self, pairs: list[tuple[Tensor, Variable]], rate: Tensor) -> None:
        assert self._product is not None  # made with the slots
        step = ops.cast(self.iterations + 1, "float32")
        product = self._product * self._share(step)
        self._update_by(self._update_with, pairs, rate, product)
        self._product.assign(product)

    def _update_with(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
        product: Tensor,
    ) -> tuple[Tensor, Slots]:
        new = moments(gradient, slots, self.beta_1, self.beta_2)
        now, ahead = self._share(step), self._share(step + 1)
        mean = ahead / (1 - product * ahead) * new["momentum"]
        mean = mean + (1 - now) / (1 - product) * gradient
        square = new["velocity"] / (1 - ops.power(self.beta_2, step))
        return parameter - learning_rate * mean / (ops.sqrt(square) + self.epsilon), new
