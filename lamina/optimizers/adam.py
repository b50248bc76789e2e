"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.ops.row import Tensor
from lamina.optimizers.moments import bias_correction, moments
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import CommonOptions, Options, check_fractions


class Adam(Optimizer):
    """Divides a running mean of each gradient by the root of one of its squares.

    m = beta_1 * m + (1 - beta_1) * g, v = beta_2 * v + (1 - beta_2) * g², and at step t
    w - learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon).

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: how much of the mean each step keeps.
        beta_2: how much of the mean square each step keeps.
        epsilon: keeps the divisor from 0; the ε̂ of the paper.
        amsgrad: whether the greatest v so far stands in the place of v.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> Adam(0.1).apply([lamina.ops.full((1,), 7.0)], [weight])
        >>> round(float(weight[0]), 3)
        0.9

    Reference:
        Kingma and Ba, 2015, https://arxiv.org/abs/1412.6980; amsgrad: Reddi et al., 2018,
        https://openreview.net/forum?id=ryQu7f-RZ
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        check_fractions(beta_1=beta_1, beta_2=beta_2)
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def slot_groups(self) -> list[tuple[str, ...]]:
        groups: list[tuple[str, ...]] = [("momentum", "velocity")]
        return groups + ([("velocity_hat",)] if self.amsgrad else [])

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        new = moments(gradient, slots, self.beta_1, self.beta_2)
        velocity = new["velocity"]
        if self.amsgrad:
            velocity = new["velocity_hat"] = ops.maximum(slots["velocity_hat"], velocity)
        rate = self.corrected_rate(learning_rate, step)
        change = rate * new["momentum"] / (ops.sqrt(velocity) + self.epsilon)
        return parameter - change, new

    update.kernel = "adam"  # type: ignore[attr-defined]

    def corrected_rate(self, learning_rate: Tensor, step: Tensor) -> Tensor:
        """The learning rate, and what the running means are short of because they began at 0."""
        return learning_rate * bias_correction(self.beta_1, self.beta_2, step)


class AdamW(Adam):
    """Adam that takes learning_rate * weight_decay * w off each weight before the step.

    Args:
        learning_rate: a number, a schedule or a function.
        weight_decay: how much is taken off.
        beta_1: see `Adam`.
        beta_2: see `Adam`.
        epsilon: see `Adam`.
        amsgrad: see `Adam`.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> AdamW(0.1, weight_decay=0.5).apply([lamina.ops.zeros(1)], [weight])
        >>> round(float(weight[0]), 3)
        0.95

    Reference:
        Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[CommonOptions],
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW needs a number as weight_decay; without decay it is Adam.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )
