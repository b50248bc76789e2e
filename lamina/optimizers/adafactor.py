"""Adafactor."""

from __future__ import annotations

import math
from typing import Any, Unpack

from lamina import ops
from lamina.core.variable import Variable
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Optimizer, Slots
from lamina.optimizers.stages import Options, check_number


class Adafactor(Optimizer):
    """Divides each gradient by the root of a mean square that is kept by rows and columns.

    With β = 1 - t^beta_2_decay, each slot becomes β * slot + (1 - β) * s, where s is g² +
    epsilon_1, or for a matrix its mean over the columns (r) and over the rows (c), and then
    v = r * c / mean(r). d = g / sqrt(v) is divided by max(1, rms(d) / clip_threshold), and
    w - max(epsilon_2, rms(w)) * min(learning_rate, 1 / sqrt(t)) * d.

    Args:
        learning_rate: a number, a schedule or a function.
        beta_2_decay: how fast the means forget less, at most 0.
        epsilon_1: added to the squares, keeps the divisor from 0.
        epsilon_2: the least size of weights that the step is measured by.
        clip_threshold: the greatest root mean square of d, above 0.
        relative_step: whether the learning rate is at most 1 / sqrt(t).
        **options: the options of every `Optimizer`.

    Example:
        >>> import lamina
        >>> weight = lamina.Variable([[2.0, 2.0], [2.0, 2.0]])
        >>> Adafactor(0.25).apply([lamina.ops.full((2, 2), 7.0)], [weight])
        >>> weight.numpy().round(3).tolist()
        [[1.5, 1.5], [1.5, 1.5]]

    Reference:
        Shazeer and Stern, 2018, https://arxiv.org/abs/1804.04235. Keras 3.15 does not look at
        `relative_step`, and takes it as True; here False is honoured. As in its files, slot
        `velocity` holds v of matrices too.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[Options],
    ) -> None:
        check_number("beta_2_decay", beta_2_decay, -math.inf, 0.0)
        check_number("clip_threshold", clip_threshold, 1e-30)
        super().__init__(learning_rate, **options)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("row", "column", "velocity")]

    def make_slot(self, variable: Variable, name: str) -> Variable:
        if name == "velocity":
            return self.add_variable_from_reference(variable, name)
        shape = variable.shape
        if len(shape) < 2:
            # Never read: files of Keras have an integer in this place.
            return self.add_variable((), dtype="int32", name=variable.name)
        shape = shape[:-1] if name == "row" else (*shape[:-2], shape[-1])
        return self.add_variable(shape, dtype=variable.dtype, name=variable.name)

    def update(
        self,
        gradient: Tensor,
        parameter: Tensor,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, Slots]:
        squares = ops.square(gradient) + self.epsilon_1
        weight = ops.power(step, self.beta_2_decay)  # 1 - β
        if len(parameter.shape) < 2:
            new = {"velocity": lerp(slots["velocity"], squares, weight)}
        else:
            row = lerp(slots["row"], ops.mean(squares, axis=-1), weight)
            column = lerp(slots["column"], ops.mean(squares, axis=-2), weight)
            relative = row / ops.mean(row, axis=-1, keepdims=True)
            velocity = ops.expand_dims(relative, -1) * ops.expand_dims(column, -2)
            new = {"row": row, "column": column, "velocity": velocity}
        change = gradient / ops.sqrt(new["velocity"])
        change = change / ops.maximum(_rms(change) / self.clip_threshold, 1.0)
        if self.relative_step:
            learning_rate = ops.minimum(learning_rate, ops.rsqrt(step))
        size = ops.maximum(_rms(parameter), self.epsilon_2)
        return parameter - learning_rate * size * change, new


def _rms(tensor: Tensor) -> Tensor:
    return ops.sqrt(ops.mean(ops.square(tensor)))
