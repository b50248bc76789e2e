"""The coefficient of determination."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend import current
from lamina.losses.formula import as_float
from lamina.losses.shaping import check_same_shape, fit_weights
from lamina.metrics.metric import Metric, columns_of

Tensor = Any
SUMS = ("squared_sum", "sum", "residual", "count")
AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """How much of the targets' variance the predictions explain.

    1 - sum((y_true - y_pred)²) / sum((y_true - mean(y_true))²), of each column. 1 where they are
    equal, 0 for predictions as good as the mean, below 0 for worse ones.

    Args:
        class_aggregation: `"uniform_average"` gives the mean over columns,
            `"variance_weighted_average"` their mean by variance, None the score of each.
        num_regressors: how many inputs the predictions are made of, p; above 0 the score is
            adjusted for them: 1 - (1 - R²) (n - 1) / (n - p - 1), where n is the number of targets,
            samples times columns, as Keras counts them.
        name: its name.
        dtype: the type of the result.

    Raises:
        ValueError: if `class_aggregation` is none of these, or `num_regressors` below 0.

    Example:
        >>> round(float(R2Score()([[1], [4], [3]], [[2], [4], [4]])), 4)
        0.5714

    Reference:
        https://en.wikipedia.org/wiki/Coefficient_of_determination
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                f"class_aggregation is one of {AGGREGATIONS}, not {class_aggregation!r}."
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors is 0 or more, not {num_regressors!r}.")
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), None, name="num_samples")
        self._columns: int | None = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, of shape `(batch, columns)`.
            y_pred: predictions of the same shape.
            sample_weight: a weight for each sample or each value.

        Raises:
            ValueError: if they have other shapes, or another number of columns than before.
        """
        y_true, y_pred = (ops.cast(as_float(y), self.dtype) for y in (y_true, y_pred))
        check_same_shape(self.name, y_true, y_pred)
        columns = columns_of(self, y_pred, self._columns)
        weights = ops.ones_like(y_true)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            weights = weights * fit_weights(given, y_true)
        if self._columns is None:
            self._make(columns)
        found = (ops.square(y_true), y_true, ops.square(y_true - y_pred), ops.ones_like(y_true))
        for name, values in zip(SUMS, found, strict=True):
            getattr(self, name).assign_add(ops.sum(values * weights, axis=0))
        self.num_samples.assign_add(y_true.shape[0] * y_true.shape[1])

    def _make(self, columns: int) -> None:
        self._columns = columns
        for name in SUMS:
            setattr(self, name, self.add_variable((columns,), None, name=name))

    def result(self) -> Tensor:
        """The score; of each column where `class_aggregation` is None.

        NaN without data, or where the targets of a column are all the same and predicted so; 0
        where they are all the same and predicted otherwise.
        """
        if self._columns is None:
            return ops.convert_to_tensor(float("nan"), dtype=self.dtype)
        squares, total, errors, count = (getattr(self, name).value for name in SUMS)
        spread = squares - total * (total / count)
        scores = 1.0 - errors / spread
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(scores * spread) / ops.sum(spread)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Tensor) -> Tensor:
        """The score less what so many regressors explain by chance."""
        samples = self.num_samples.value
        current().check_values(self._check_samples, samples)
        free = samples - self.num_regressors - 1
        adjusted = 1.0 - (1.0 - scores) * (samples - 1) / free
        return ops.where(free > 0, adjusted, scores)

    def _check_samples(self, samples: np.ndarray) -> None:
        if 0 < samples <= self.num_regressors + 1:
            warnings.warn(
                f"Metric {self.name!r} has {int(samples)} targets, too few to adjust its score for "
                f"{self.num_regressors} regressors; it is not adjusted.",
                stacklevel=2,
            )
