"""What weights are held to: functions applied to a variable after each update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import ops
from lamina.backend import epsilon
from lamina.core import registry
from lamina.core.named import Named
from lamina.ops.row import Tensor, TensorLike

Axis = int | Sequence[int]


class Constraint(Named):
    """A function from a weight to the nearest allowed one, of the same shape.

    Example:
        >>> class AtMostOne(Constraint):
        ...     def __call__(self, w):
        ...         return lamina.ops.minimum(w, 1.0)
        >>> import lamina
        >>> float(AtMostOne()(3.0))
        1.0
    """

    slot: ClassVar[str] = "constraints"

    def __call__(self, w: TensorLike) -> Tensor:
        """The weight `w` made to fit."""
        raise TypeError(f"{type(self).__name__} needs a method `__call__(self, w)`.")


class MaxNorm(Constraint):
    """Shortens vectors that are longer than max_value: w * min(‖w‖, max_value) / ‖w‖.

    Args:
        max_value: the greatest length.
        axis: the axis or axes along which lengths are taken: 0 for each unit's weights in a
            dense layer, `[0, 1, 2]` for each filter of a 2D convolution.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(MaxNorm(1.0)([[3.0], [4.0]])).round(3).tolist()
        [[0.6000000238418579], [0.800000011920929]]
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: TensorLike) -> Tensor:
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (epsilon() + norms))


class NonNeg(Constraint):
    """Makes negative weights zero: max(w, 0).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(NonNeg()([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: TensorLike) -> Tensor:
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """Gives vectors the length 1: w / ‖w‖.

    Args:
        axis: the axis or axes along which lengths are taken.

    Example:
        >>> float(ops.sum(ops.square(UnitNorm()([3.0, 4.0])))) > 0.999
        True
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: TensorLike) -> Tensor:
        w = ops.convert_to_tensor(w)
        return w / (epsilon() + _norms(w, self.axis))


class MinMaxNorm(Constraint):
    """Brings vectors' lengths towards a range: w * (rate * clip(‖w‖) + (1 - rate) * ‖w‖) / ‖w‖.

    Args:
        min_value: the least length.
        max_value: the greatest length.
        rate: 1 to enforce the range at each update, less to come nearer to it.
        axis: the axis or axes along which lengths are taken.

    Example:
        >>> norm = MinMaxNorm(2.0, 4.0)([0.0, 1.0])
        >>> round(float(norm[1]), 3)
        2.0
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: TensorLike) -> Tensor:
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        allowed = ops.clip(norms, self.min_value, self.max_value)
        desired = self.rate * allowed + (1 - self.rate) * norms
        return w * (desired / (epsilon() + norms))


def _norms(w: TensorLike, axis: Axis) -> Tensor:
    axes = axis if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axis=axes, keepdims=True))


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm


def get(identifier: Any) -> Any:
    """The constraint that a name, config, class, instance or function stands for.

    Raises:
        ValueError: if there is no such constraint.

    Example:
        >>> get("non_neg")
        NonNeg()
    """
    return registry.identify("constraints", identifier)


def serialize(constraint: Any) -> Any:
    """The config of a constraint, with its class's name."""
    return registry.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint that `serialize` described; names in `custom_objects` are known."""
    with registry.CustomObjectScope(custom_objects):
        return get(config)
