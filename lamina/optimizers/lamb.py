"""Lamb."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.ops.row import Tensor
from lamina.optimizers.moments import moments
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions


class Lamb(Optimizer):
    """Adam whose step for each variable is as long as the variable, for large batches.

    With m and v as in `Adam`, both corrected for their beginning at 0, d = m / (sqrt(v) + epsilon),
    and w - learning_rate * norm(w) / norm(d) * d; where a norm is 0, their ratio counts as 1.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: how much of the mean each step keeps.
        beta_2: how much of the mean square each step keeps.
        epsilon: keeps the divisor from 0.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([3.0, 4.0])
        >>> Lamb(0.1).apply([lamina.ops.full((2,), 7.0)], [weight])
        >>> [round(float(one), 3) for one in weight.numpy()]
        [2.646, 3.646]

    Reference:
        You et al., 2020, https://arxiv.org/abs/1904.00962
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
        return [("momentum", "velocity")]

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        new = moments(gradient, slots, self.beta_1, self.beta_2)
        mean = new["momentum"] / (1 - ops.power(self.beta_1, step))
        square = new["velocity"] / (1 - ops.power(self.beta_2, step))
        change = mean / (ops.sqrt(square) + self.epsilon)
        own, other = _norm(parameter), _norm(change)
        known = ops.logical_and(own > 0, other > 0)
        ratio = ops.where(known, own / ops.where(known, other, 1.0), 1.0)
        return parameter - learning_rate * ratio * change, new


def _norm(tensor: Tensor) -> Tensor:
    return ops.sqrt(ops.sum(ops.square(tensor)))
