"""The base of schedules: learning rates that are functions of the step."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina import ops
from lamina.core.named import Named
from lamina.ops.row import Tensor, TensorLike


class LearningRateSchedule(Named):
    """A learning rate that is a function of the number of steps made so far.

    Subclasses define `__call__(self, step)` in ops, so that compiled steps follow it.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5**step
        >>> Halving()(2)
        0.025
    """

    slot: ClassVar[str] = "optimizers.schedules"

    def __call__(self, step: TensorLike) -> Tensor:
        """The learning rate of step number `step`, which counts from 0."""
        raise TypeError(f"{type(self).__name__} needs a method `__call__(self, step)`.")


def real(value: Any) -> Tensor:
    """A step or a rate as a float32 tensor."""
    return ops.cast(ops.convert_to_tensor(value), "float32")
