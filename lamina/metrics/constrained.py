"""The best that one ratio can be at a threshold where another is good enough."""

from __future__ import annotations

from typing import Any, ClassVar

from lamina import ops
from lamina.metrics.confusion import FourCounts, confusion, prepared, thresholds_between

Tensor = Any


class _BestAt(FourCounts):
    """The largest `_best` at the thresholds where `_kept` is at least a value."""

    _best: ClassVar[str]
    _kept: ClassVar[str]

    def __init__(
        self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(
                f"{type(self).__name__} holds a ratio at a number from 0 to 1, and was given "
                f"{value!r}."
            )
        if num_thresholds < 1:
            raise ValueError(f"num_thresholds is an integer above 0, not {num_thresholds!r}.")
        super().__init__(name=name, dtype=dtype)
        self.value, self.class_id = value, class_id
        self.num_thresholds = num_thresholds
        self.thresholds = [0.0, *thresholds_between(num_thresholds), 1.0]
        if num_thresholds == 1:
            self.thresholds = [0.5]
        self._make_counts(len(self.thresholds))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, 0 or 1.
            y_pred: predictions of the same shape, from 0 to 1.
            sample_weight: a weight for each sample or each prediction.

        Raises:
            ValueError: if the shapes do not fit each other.
        """
        data = prepared(y_true, y_pred, sample_weight, self.dtype, class_id=self.class_id)
        self._add(confusion(*data[:2], self.thresholds, data[2]))

    def result(self) -> Tensor:
        """The best ratio; 0 where no threshold is good enough."""
        found = self._found
        enough = getattr(found, self._kept) >= self.value
        return ops.max(ops.where(enough, getattr(found, self._best), 0.0))


class SensitivityAtSpecificity(_BestAt):
    """The best sensitivity at a threshold where the specificity is large enough.

    Sensitivity is true positives / (true positives + false negatives), specificity true negatives
    / (true negatives + false positives).

    Args:
        specificity: what is large enough, from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1; 0.5 where 1.
        class_id: look at this class alone.
        name: its name.
        dtype: the type of the result.

    Raises:
        ValueError: if `specificity` is not from 0 to 1, or `num_thresholds` below 1.

    Example:
        >>> metric = SensitivityAtSpecificity(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5

    Reference:
        https://en.wikipedia.org/wiki/Sensitivity_and_specificity
    """

    _best, _kept = "recall", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(_BestAt):
    """The best specificity at a threshold where the sensitivity is large enough.

    Specificity is true negatives / (true negatives + false positives), sensitivity true positives
    / (true positives + false negatives).

    Args:
        sensitivity: what is large enough, from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1; 0.5 where 1.
        class_id: look at this class alone.
        name: its name.
        dtype: the type of the result.

    Raises:
        ValueError: if `sensitivity` is not from 0 to 1, or `num_thresholds` below 1.

    Example:
        >>> metric = SpecificityAtSensitivity(0.5)
        >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667

    Reference:
        https://en.wikipedia.org/wiki/Sensitivity_and_specificity
    """

    _best, _kept = "specificity", "recall"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(_BestAt):
    """The best precision at a threshold where the recall is large enough.

    Precision is true positives / (true + false positives), recall true positives / (true positives
    + false negatives).

    Args:
        recall: what is large enough, from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1; 0.5 where 1.
        class_id: look at this class alone.
        name: its name.
        dtype: the type of the result.

    Raises:
        ValueError: if `recall` is not from 0 to 1, or `num_thresholds` below 1.

    Example:
        >>> metric = PrecisionAtRecall(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5

    Reference:
        https://en.wikipedia.org/wiki/Precision_and_recall
    """

    _best, _kept = "precision", "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(_BestAt):
    """The best recall at a threshold where the precision is large enough.

    Recall is true positives / (true positives + false negatives), precision true positives / (true
    + false positives).

    Args:
        precision: what is large enough, from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1; 0.5 where 1.
        class_id: look at this class alone.
        name: its name.
        dtype: the type of the result.

    Raises:
        ValueError: if `precision` is not from 0 to 1, or `num_thresholds` below 1.

    Example:
        >>> metric = RecallAtPrecision(0.8)
        >>> float(metric([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.5

    Reference:
        https://en.wikipedia.org/wiki/Precision_and_recall
    """

    _best, _kept = "recall", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision
