"""Penalties on weights and outputs, added to the loss."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from lamina import ops
from lamina.core import registry
from lamina.core.named import Named
from lamina.ops.row import Tensor, TensorLike


class Regularizer(Named):
    """A penalty: a function from a tensor to a scalar that is added to the loss.

    Example:
        >>> class Spread(Regularizer):
        ...     def __call__(self, x):
        ...         return 0.1 * lamina.ops.var(x)
        >>> import lamina
        >>> float(Spread()([1.0, 1.0]))
        0.0
    """

    slot: ClassVar[str] = "regularizers"

    def __call__(self, x: TensorLike) -> Tensor:
        """The penalty of `x`, a scalar."""
        raise TypeError(f"{type(self).__name__} needs a method `__call__(self, x)`.")


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x²).

    Args:
        l1: factor of the sum of absolute values, not negative.
        l2: factor of the sum of squares, not negative.

    Raises:
        ValueError: if a factor is negative, infinite or not a number.

    Example:
        >>> float(L1L2(l1=1.0, l2=0.5)([1.0, -2.0]))
        5.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: TensorLike) -> Tensor:
        x = ops.convert_to_tensor(x)
        penalty = ops.zeros((), dtype=x.dtype)
        if self.l1:
            penalty = penalty + self.l1 * ops.sum(ops.absolute(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty


class L1(Regularizer):
    """l1 * sum(|x|): drives weights to zero.

    Args:
        l1: factor, not negative.

    Example:
        >>> float(L1(0.5)([1.0, -3.0]))
        2.0
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: TensorLike) -> Tensor:
        return self.l1 * ops.sum(ops.absolute(x))


class L2(Regularizer):
    """l2 * sum(x²): keeps weights small.

    Args:
        l2: factor, not negative.

    Example:
        >>> float(L2(0.5)([1.0, -3.0]))
        5.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: TensorLike) -> Tensor:
        return self.l2 * ops.sum(ops.square(x))


class OrthogonalRegularizer(Regularizer):
    """factor * the mean |cosine| between different rows (or columns) of a matrix.

    Args:
        factor: factor, not negative.
        mode: `"rows"` or `"columns"`, which of the two should be orthogonal.

    Raises:
        ValueError: if `mode` is another word, or if the tensor is not a matrix.

    Example:
        >>> float(OrthogonalRegularizer(0.5)([[1.0, 0.0], [0.0, 3.0]]))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode is 'rows' or 'columns', not {mode!r}.")
        self.factor = _factor("factor", factor)
        self.mode = mode

    def __call__(self, inputs: TensorLike) -> Tensor:
        x = ops.convert_to_tensor(inputs)
        if len(x.shape) != 2:
            raise ValueError(
                f"OrthogonalRegularizer takes a matrix, not a tensor of shape {tuple(x.shape)}."
            )
        vectors = x if self.mode == "rows" else ops.transpose(x)
        count = vectors.shape[0]
        vectors = ops.normalize(vectors, axis=1)
        cosines = ops.matmul(vectors, ops.transpose(vectors))
        different = cosines * (1.0 - ops.eye(count, dtype=x.dtype))
        pairs = max(count * (count - 1) / 2, 1)
        return self.factor * 0.5 * ops.sum(ops.absolute(different)) / pairs


def _factor(name: str, value: Any) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is a factor of at least 0, not {value!r}.")
    return float(value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer
registry.enter("regularizers", L1L2, "l1_l2")


def get(identifier: Any) -> Any:
    """The regularizer that a name, config, class, instance or function stands for.

    Raises:
        ValueError: if there is no such regularizer.

    Example:
        >>> get("l2")
        L2()
    """
    return registry.identify("regularizers", identifier)


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer, with its class's name."""
    return registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer that `serialize` described; names in `custom_objects` are known."""
    with registry.CustomObjectScope(custom_objects):
        return get(config)
