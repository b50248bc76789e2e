"""Adam without a schedule."""

from __future__ import annotations

from typing import Any, Unpack

from lamina import ops
from lamina.core.variable import Variable
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_fractions, check_number


class ScheduleFreeAdamW(Optimizer):
    """Adam whose learning rate need not fall, because it averages the points it comes through.

    v = beta_2 * v + (1 - beta_2) * g², z = z - learning_rate * g / (sqrt(v / (1 - beta_2^t)) +
    epsilon), x = x + (z - x) / t, and the new value is w = beta_1 * x + (1 - beta_1) * z. Slot
    `momentum` is z, and begins at w; x, the mean of all z, is found from w and z.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_1: how much the mean counts for the point that gradients are taken at, above 0 and at
            most 1.
        beta_2: how much of the mean square each step keeps.
        epsilon: keeps the divisor from 0.
        warmup_steps: the number of steps in which the learning rate rises from 0.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([1.0])
        >>> ScheduleFreeAdamW(0.1).apply([lamina.ops.full((1,), 7.0)], [weight])
        >>> round(float(weight[0]), 3)
        0.9

    Reference:
        Defazio et al., 2024, https://arxiv.org/abs/2405.15682; there the model is evaluated at x,
        here, as in Keras, at w.
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **options: Unpack[Options],
    ) -> None:
        check_number("beta_1", beta_1, 1e-30, 1.0)
        check_fractions(beta_2=beta_2)
        check_number("warmup_steps", warmup_steps)
        super().__init__(learning_rate, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def make_slot(self, variable: Variable, name: str) -> Variable:
        if name == "velocity":
            return self.add_variable_from_reference(variable, name)
        return self.add_variable_from_reference(
            variable, name, lambda shape, dtype: ops.copy(variable.value)
        )

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        if self.warmup_steps:
            learning_rate = learning_rate * ops.minimum(step / self.warmup_steps, 1.0)
        velocity = lerp(slots["velocity"], ops.square(gradient), 1 - self.beta_2)
        divisor = ops.sqrt(velocity / (1 - ops.power(self.beta_2, step))) + self.epsilon
        point = slots["momentum"]
        mean = (parameter - (1 - self.beta_1) * point) / self.beta_1
        point = point - learning_rate * gradient / divisor
        mean = mean + (point - mean) / step
        return lerp(point, mean, self.beta_1), {"momentum": point, "velocity": velocity}
