"""Sums and means over batches, of values or of a function of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina import ops
from lamina.core.context import get_mask
from lamina.losses.formula import constructor, find_function
from lamina.losses.shaping import fit_weights
from lamina.metrics.metric import Metric
from lamina.symbolic.graph import to_snake_case

Tensor = Any


class Sum(Metric):
    """The sum of all values: sum(values * sample_weight).

    Args:
        name: its name.
        dtype: the type of the sum; `floatx` where None.

    Example:
        >>> metric = Sum()
        >>> metric.update_state([1.0, 2.0])
        >>> float(metric([3.0]))
        6.0
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), None, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = ops.convert_to_tensor(values, dtype=self.dtype)
        if sample_weight is not None:
            weights = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            values = values * fit_weights(weights, values)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Tensor:
        return self.total.value


class Mean(Metric):
    """The mean of all values: sum(values * sample_weight) / sum(sample_weight).

    Each sample, a step along the first axis, counts once: by the mean of its values. Where
    weights are given, a mask on the values (of classes to be ignored) leaves values out.

    Args:
        name: its name.
        dtype: the type of the mean; `floatx` where None.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 2.0])
        >>> float(metric([6.0]))
        3.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), None, name="total")
        self.count = self.add_variable((), None, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self._add(values, sample_weight)

    def add_mean(self, mean: Any, count: Any) -> None:
        """Take in `count` values whose mean is known, a scalar."""
        self.total.assign_add(ops.multiply(mean, count))
        self.count.assign_add(count)

    def _add(self, values: Any, sample_weight: Any) -> None:
        mask = get_mask(values)
        values = ops.convert_to_tensor(values, dtype=self.dtype)
        if sample_weight is None:
            values = _by_sample(values)
            count: Any = values.shape[0] if len(values.shape) else 1
        else:
            weights = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            if mask is not None:
                weights = _masked(weights, mask)
            values, weights = _without_further_axes(values, weights)
            values, count = _by_sample(values * weights), ops.sum(_by_sample(weights))
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(count)

    def result(self) -> Tensor:
        return ops.divide_no_nan(self.total, self.count)


def _masked(weights: Tensor, mask: Tensor) -> Tensor:
    """Weights in the shape of `mask`, 0 where it leaves out."""
    mask = ops.cast(mask, weights.dtype)
    return mask * fit_weights(weights, mask)


def _without_further_axes(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The values averaged over the axes that the weights do not have, and weights to fit."""
    fitted = fit_weights(weights, values)
    further = tuple(range(len(weights.shape), len(values.shape)))
    return (ops.mean(values, axis=further), weights) if further else (values, fitted)


def _by_sample(values: Tensor) -> Tensor:
    """The mean of each sample's values, shape `(batch,)`."""
    axes = tuple(range(1, len(values.shape)))
    return ops.mean(values, axis=axes) if axes else values


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions.

    Args:
        fn: a function of `y_true`, `y_pred` and `kwargs`, or the name of one of ours, that
            returns a value for each sample.
        name: its name; made from the class's name where None.
        dtype: the type of the mean; `floatx` where None.
        **kwargs: handed to `fn`.

    Example:
        >>> metric = MeanMetricWrapper(lambda y_true, y_pred: ops.absolute(y_true - y_pred))
        >>> float(metric(ops.convert_to_tensor([1.0, 2.0]), ops.convert_to_tensor([1.0, 4.0])))
        1.0
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self.fn: Callable[..., Any] = find_function(fn)
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add a batch; a mask that a layer attached to `y_pred` leaves values out.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: a weight for each sample or each value.
        """
        mask = get_mask(y_pred)
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        if mask is not None:
            given = 1.0 if sample_weight is None else sample_weight
            sample_weight = _masked(ops.convert_to_tensor(given, dtype=self.dtype), mask)
        self._add(values, sample_weight)


class _FormulaMetric(MeanMetricWrapper):
    """A mean whose formula is named in the class statement."""

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init_subclass__(
        cls,
        formula: Callable[..., Any] | None = None,
        order: str = "name dtype ...",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if formula is not None:
            cls.__init__ = constructor(  # type: ignore[method-assign]
                MeanMetricWrapper.__init__, formula, order, name or to_snake_case(cls.__name__)
            )
