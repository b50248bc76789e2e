"""F-scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.backend import epsilon
from lamina.losses.formula import as_float
from lamina.losses.shaping import check_same_shape, fit_weights
from lamina.metrics.metric import Metric, columns_of

Tensor = Any
AVERAGES = (None, "micro", "macro", "weighted")
COUNTS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall, from 0 to 1.

    (1 + beta²) precision recall / (beta² precision + recall), of each class.

    Args:
        average: `None` gives the score of each class; `"macro"` their mean, `"weighted"` their
            mean with each class as often as it is true, `"micro"` one score of all counts together.
        beta: how many times as much recall counts as precision.
        threshold: what a prediction of 1 must be above; where None, the largest of each sample is
            the prediction, and all of those as large.
        name: its name.
        dtype: the type of the result.

    Raises:
        ValueError: if `average` is none of these, `beta` not above 0, or `threshold` not in (0, 1].

    Example:
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> scores = ops.convert_to_numpy(metric(y_true, y_pred)).tolist()
        >>> [round(score, 2) for score in scores]
        [0.38, 0.91, 0.83]

    Reference:
        van Rijsbergen, Information Retrieval, 1979.
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        if average not in AVERAGES:
            raise ValueError(f"average is one of {AVERAGES}, not {average!r}.")
        if not beta > 0:
            raise ValueError(f"beta is a number above 0, not {beta!r}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"threshold is a number above 0 and at most 1, not {threshold!r}.")
        super().__init__(name=name, dtype=dtype)
        self.average, self.beta, self.threshold = average, beta, threshold
        self._classes: int | None = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, 0 or 1, of shape `(batch, classes)`.
            y_pred: predictions of the same shape.
            sample_weight: a weight for each sample or each prediction.

        Raises:
            ValueError: if they have other shapes, or another number of classes than before.
        """
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = as_float(y_pred)
        check_same_shape(self.name, y_true, y_pred)
        columns = columns_of(self, y_pred, self._classes)
        if self._classes is None:
            self._make(columns)
        chosen = ops.cast(self._chosen(y_pred), self.dtype)
        weights = ops.ones_like(chosen)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            weights = weights * fit_weights(given, chosen)
        axis = None if self.average == "micro" else 0
        found = (chosen * y_true, chosen * (1.0 - y_true), (1.0 - chosen) * y_true, y_true)
        for name, values in zip(COUNTS, found, strict=True):
            getattr(self, name).assign_add(ops.sum(values * weights, axis=axis))

    def _make(self, classes: int) -> None:
        self._classes = classes
        shape = () if self.average == "micro" else (classes,)
        for name in COUNTS:
            setattr(self, name, self.add_variable(shape, None, name=name))

    def _chosen(self, y_pred: Tensor) -> Tensor:
        """Which classes each sample is predicted to be of."""
        if self.threshold is not None:
            return y_pred > self.threshold
        largest = ops.equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
        # A row of zeros predicts no class, not all of them.
        return ops.logical_and(largest, ops.absolute(y_pred) > epsilon())

    def result(self) -> Tensor:
        """The score; of each class where `average` is None."""
        if self._classes is None:
            return ops.convert_to_tensor(0.0, dtype=self.dtype)
        right, wrong, missed, true = (getattr(self, name).value for name in COUNTS)
        # The formula with both ratios put in: it needs no case for those that are 0 / 0.
        square = self.beta**2
        right = (1.0 + square) * right
        scores = ops.divide_no_nan(right, right + square * missed + wrong)
        if self.average == "weighted":
            return ops.sum(scores * ops.divide_no_nan(true, ops.sum(true)))
        return ops.mean(scores) if self.average == "macro" else scores


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: 2 precision recall / (precision + recall).

    `FBetaScore` with `beta` 1.

    Args:
        average: see `FBetaScore`.
        threshold: see `FBetaScore`.
        name: its name.
        dtype: the type of the result.

    Example:
        >>> metric = F1Score(threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> scores = ops.convert_to_numpy(metric(y_true, y_pred)).tolist()
        >>> [round(score, 2) for score in scores]
        [0.5, 0.8, 0.67]

    Reference:
        van Rijsbergen, Information Retrieval, 1979.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)
