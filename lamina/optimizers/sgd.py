"""Gradient descent."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions


class SGD(Optimizer):
    """Gradient descent, with momentum where asked.

    Without momentum: w - learning_rate * g. With it: v = momentum * v - learning_rate * g, and
    w + v, or with nesterov w + momentum * v - learning_rate * g.

    Args:
        learning_rate: a number, a schedule or a function.
        momentum: how much of the last step goes on, from 0 to 1.
        nesterov: whether the gradient is taken as that of the point ahead.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> SGD(0.25).apply([lamina.ops.ones(1)], [weight])
        >>> weight.numpy().tolist()
        [0.75]

    Reference:
        Sutskever et al., 2013, https://proceedings.mlr.press/v28/sutskever13.html
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[Options],
    ) -> None:
        check_fractions(momentum=momentum)
        super().__init__(learning_rate, **options)
        self.momentum = momentum
        self.nesterov = nesterov

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum",)] if self.momentum else []

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        change = learning_rate * gradient
        if not self.momentum:
            return parameter - change, {}
        velocity = self.momentum * slots["momentum"] - change
        ahead = self.momentum * velocity - change if self.nesterov else velocity
        return parameter + ahead, {"momentum": velocity}
