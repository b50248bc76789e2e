"""Schedules along half a cosine."""

from __future__ import annotations

import math

from lamina import ops
from lamina.ops.row import Tensor, TensorLike
from lamina.optimizers.schedules.schedule import LearningRateSchedule, real


class CosineDecay(LearningRateSchedule):
    """A straight rise over the warm-up steps, if any, then half a cosine down.

    From the peak: peak * ((1 - alpha) * (1 + cos(π * step / decay_steps)) / 2 + alpha), the
    steps counted from the end of the warm-up.

    Args:
        initial_learning_rate: the rate at step 0, the peak where there is no warm-up.
        decay_steps: the number of steps of the fall, positive.
        alpha: the last rate as a fraction of the peak.
        name: kept in the config.
        warmup_target: the peak, reached after the warm-up; None for no warm-up.
        warmup_steps: the number of steps of the warm-up.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> rate = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=4)
        >>> [round(float(rate(step)), 2) for step in (0, 2, 4, 9, 14)]
        [0.0, 0.5, 1.0, 0.5, 0.0]

    Reference:
        Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        if not decay_steps > 0:
            raise ValueError(f"decay_steps must be positive, and it is {decay_steps!r}.")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: TensorLike) -> Tensor:
        step = real(step)
        if self.warmup_target is None:
            return self.initial_learning_rate * self._fraction(step)
        falling = self.warmup_target * self._fraction(step - self.warmup_steps)
        if not self.warmup_steps:
            return falling
        rise = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        rising = self.initial_learning_rate + rise * step
        return ops.where(step < self.warmup_steps, rising, falling)

    def _fraction(self, step: Tensor) -> Tensor:
        progress = ops.clip(step / self.decay_steps, 0.0, 1.0)
        return (1 - self.alpha) * _half_cosine(progress) + self.alpha


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine down, again and again, each time longer and lower.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: the number of steps of the first fall, positive.
        t_mul: how many times as long each fall is as the one before.
        m_mul: how many times as high.
        alpha: the last rate of a fall as a fraction of `initial_learning_rate`.
        name: kept in the config.

    Example:
        >>> rate = CosineDecayRestarts(1.0, first_decay_steps=10)
        >>> [round(float(rate(step)), 2) for step in (0, 5, 10, 20)]
        [1.0, 0.5, 1.0, 0.5]

    Reference:
        Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        if not first_decay_steps > 0:
            raise ValueError(
                f"first_decay_steps must be positive, and it is {first_decay_steps!r}."
            )
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: TensorLike) -> Tensor:
        falls = real(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            number = ops.floor(falls)
            progress = falls - number
        else:
            # Fall i begins at the sum of a geometric series, (t_mul^i - 1) / (t_mul - 1).
            ratio = 1.0 + falls * (self.t_mul - 1.0)
            number = ops.floor(ops.log(ratio) / math.log(self.t_mul))
            length = ops.power(self.t_mul, number)
            progress = (falls - (length - 1.0) / (self.t_mul - 1.0)) / length
        height = ops.power(self.m_mul, number)
        fraction = (1 - self.alpha) * height * _half_cosine(progress) + self.alpha
        return self.initial_learning_rate * fraction


def _half_cosine(progress: Tensor) -> Tensor:
    """From 1 at 0 down to 0 at 1."""
    return 0.5 * (1.0 + ops.cos(math.pi * progress))
