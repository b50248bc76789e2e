"""Schedules that fall, or go by steps."""

from __future__ import annotations

from collections.abc import Sequence

from lamina import ops
from lamina.ops.row import Tensor, TensorLike
from lamina.optimizers.schedules.schedule import LearningRateSchedule, real


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the number of steps in which it falls by `decay_rate`, positive.
        decay_rate: factor.
        staircase: whether the exponent is rounded down to an integer.
        name: kept in the config.

    Example:
        >>> float(ExponentialDecay(1.0, decay_steps=10, decay_rate=0.25)(5))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: TensorLike) -> Tensor:
        return self.initial_learning_rate * ops.power(self.decay_rate, _progress(self, step))


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the steps after which `decay_rate` has been added once, positive.
        decay_rate: how fast it falls.
        staircase: whether step / decay_steps is rounded down to an integer.
        name: kept in the config.

    Example:
        >>> float(InverseTimeDecay(1.0, decay_steps=10, decay_rate=1.0)(10))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: TensorLike) -> Tensor:
        return self.initial_learning_rate / (1 + self.decay_rate * _progress(self, step))


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps)^power + end, and `end` from then on.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the steps until it has fallen to the end, positive.
        end_learning_rate: the rate at the end.
        power: 1 for a straight line.
        cycle: whether, instead of staying at the end, it rises again and falls over the next
            multiple of `decay_steps`.
        name: kept in the config.

    Example:
        >>> float(PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.5)(5))
        0.75
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: TensorLike) -> Tensor:
        progress = real(step) / self.decay_steps
        if self.cycle:
            progress = progress / ops.maximum(ops.ceil(progress), 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        left = 1.0 - ops.minimum(progress, 1.0)
        return span * ops.power(left, self.power) + self.end_learning_rate


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] for the steps up to boundaries[i], values[-1] after the last of them.

    Args:
        boundaries: steps in rising order; each is the last one of its value.
        values: rates, one more than there are boundaries.
        name: kept in the config.

    Raises:
        ValueError: if the numbers of boundaries and values do not fit.

    Example:
        >>> rate = PiecewiseConstantDecay([100], [1.0, 0.5])
        >>> float(rate(100)), float(rate(101))
        (1.0, 0.5)
    """

    def __init__(
        self, boundaries: Sequence[int], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay has {len(boundaries)} boundaries and {len(values)} "
                "values; there must be one value more than boundaries."
            )
        if list(boundaries) != sorted(boundaries):
            raise ValueError(f"boundaries must rise, and they are {list(boundaries)}.")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: TensorLike) -> Tensor:
        passed = ops.greater(step, list(self.boundaries))
        index = ops.sum(ops.cast(passed, "int32"))
        return ops.take(ops.convert_to_tensor(list(self.values), dtype="float32"), index)


def _progress(schedule: ExponentialDecay | InverseTimeDecay, step: TensorLike) -> Tensor:
    progress = real(step) / schedule.decay_steps
    return ops.floor(progress) if schedule.staircase else progress


def _positive(name: str, steps: float) -> None:
    if not steps > 0:
        raise ValueError(f"{name} must be positive, and it is {steps!r}.")
