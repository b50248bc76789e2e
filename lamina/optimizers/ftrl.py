"""Follow the regularized leader."""

from __future__ import annotations

import math
from typing import Any, Unpack

from lamina import initializers, ops
from lamina.core.variable import Variable
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_number


class Ftrl(Optimizer):
    """Follow The Regularized Leader, for wide and sparse linear models.

    With g' = g + 2 * l2_shrinkage * w and p = learning_rate_power, n' = n + g²,
    z = z + g' - (n'^-p - n^-p) / learning_rate * w, and the new value is 0 where |z| ≤ l1, else
    (sign(z) * l1 - z) / ((n'^-p + beta) / learning_rate + 2 * l2).

    Args:
        learning_rate: a number, a schedule or a function; not 0.
        learning_rate_power: how the steps shrink with the gradients so far, at most 0, where 0 is
            for steps that stay.
        initial_accumulator_value: n before the first step, at least 0.
        l1_regularization_strength: l1, which makes small weights 0; at least 0.
        l2_regularization_strength: l2, at least 0.
        l2_shrinkage_regularization_strength: l2 as an addition to the loss, at least 0.
        beta: of the paper, at least 0.
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([0.0, 0.0])
        >>> optimizer = Ftrl(0.5, initial_accumulator_value=0.0, l1_regularization_strength=1.0)
        >>> optimizer.apply([lamina.ops.array([2.0, 0.5])], [weight])
        >>> weight.numpy().tolist()
        [-0.25, 0.0]

    Reference:
        McMahan et al., 2013, https://research.google.com/pubs/archive/41159.pdf
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        check_number("learning_rate_power", learning_rate_power, -math.inf, 0.0)
        for name, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
            ("beta", beta),
        ):
            check_number(name, value)
        super().__init__(learning_rate, **options)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("accumulator", "linear")]

    def make_slot(self, variable: Variable, name: str) -> Variable:
        first = self.initial_accumulator_value if name == "accumulator" else 0.0
        return self.add_variable_from_reference(variable, name, initializers.Constant(first))

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        total = slots["accumulator"] + ops.square(gradient)
        before = ops.power(slots["accumulator"], -self.learning_rate_power)
        after = ops.power(total, -self.learning_rate_power)
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * parameter
        linear = slots["linear"] + shrunk - (after - before) / learning_rate * parameter
        threshold = self.l1_regularization_strength
        beyond = ops.clip(linear, -threshold, threshold) - linear
        scale = (after + self.beta) / learning_rate + 2 * self.l2_regularization_strength
        # The scale is 0 only where no gradient has come yet: there the weight is 0, and not 0 / 0.
        new = {"accumulator": total, "linear": linear}
        return beyond / ops.maximum(scale, 1e-30), new
