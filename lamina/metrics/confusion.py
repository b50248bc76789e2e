"""True and false positives and negatives at thresholds, and the ratios made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lamina import ops
from lamina.losses.formula import as_float
from lamina.losses.shaping import align, check_same_shape, fit_weights
from lamina.metrics.metric import Metric

Tensor = Any
# Below any prediction: the threshold, and the score of classes not among the `top_k`.
LOWEST = -1e10


class Confusion(NamedTuple):
    """Weighted counts at each threshold, shape `(thresholds,)` or `(thresholds, labels)`."""

    true_positives: Tensor
    false_positives: Tensor
    true_negatives: Tensor
    false_negatives: Tensor

    @property
    def precision(self) -> Tensor:
        """The share of the predicted that are right."""
        return _share(self.true_positives, self.false_positives)

    @property
    def recall(self) -> Tensor:
        """The share of the true that are predicted, also called sensitivity."""
        return _share(self.true_positives, self.false_negatives)

    @property
    def specificity(self) -> Tensor:
        """The share of the false that are not predicted."""
        return _share(self.true_negatives, self.false_positives)


def _share(part: Tensor, rest: Tensor) -> Tensor:
    return ops.divide_no_nan(part, part + rest)


def confusion(
    y_true: Tensor,
    y_pred: Tensor,
    thresholds: Sequence[float],
    weights: Tensor,
    by_label: bool = False,
) -> Confusion:
    """Count where predictions are above thresholds and where targets are true.

    One pass whatever the number of thresholds: each prediction goes into the bin between two of
    them, and the counts are sums over bins.

    Args:
        y_true: targets; all but 0 are true.
        y_pred: predictions of the same shape.
        thresholds: numbers in any order.
        weights: the weight of each prediction, of the same shape.
        by_label: whether to count each column apart.
    """
    labels = y_pred.shape[-1] if by_label else 1
    order = np.argsort(thresholds, kind="stable")
    edges = ops.convert_to_tensor(np.asarray(thresholds, "float32")[order])
    scores = ops.cast(ops.reshape(y_pred, (-1, labels)), "float32")
    bins = len(thresholds) + 1
    places = ops.cast(ops.searchsorted(edges, ops.reshape(scores, (-1,))), "int32")
    columns = bins * np.arange(labels, dtype="int32")
    places = ops.add(ops.reshape(places, (-1, labels)), columns)
    back = np.argsort(order)

    def counts(chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The weights of the chosen predictions above and not above each threshold."""
        mass = ops.where(chosen, weights, 0.0)
        mass = ops.segment_sum(
            ops.reshape(mass, (-1,)), ops.reshape(places, (-1,)), num_segments=labels * bins
        )
        mass = ops.transpose(ops.reshape(mass, (labels, bins)))
        above = ops.flip(ops.cumsum(ops.flip(mass, axis=0), axis=0), axis=0)[1:]
        found = [ops.take(one, back, axis=0) for one in (above, ops.cumsum(mass, axis=0)[:-1])]
        return (found[0], found[1]) if by_label else (found[0][:, 0], found[1][:, 0])

    true = ops.not_equal(y_true, 0)
    true_positives, false_negatives = counts(true)
    false_positives, true_negatives = counts(ops.logical_not(true))
    return Confusion(true_positives, false_positives, true_negatives, false_negatives)


def prepared(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    dtype: str,
    top_k: int | None = None,
    class_id: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Targets, predictions and weights as `confusion` takes them.

    Args:
        y_true: targets.
        y_pred: predictions.
        sample_weight: a weight for each sample or each prediction, or None.
        dtype: the type of the weights.
        top_k: count only the `k` largest predictions of the last axis.
        class_id: count only this place of the last axis.

    Raises:
        ValueError: if shapes differ, or there is no such class.
    """
    y_pred = as_float(y_pred)
    y_true, y_pred = align(ops.convert_to_tensor(y_true), y_pred)
    check_same_shape("A count of positives and negatives", y_true, y_pred)
    weights = ops.ones_like(y_pred, dtype=dtype)
    if sample_weight is not None:
        given = ops.convert_to_tensor(sample_weight, dtype=dtype)
        weights = weights * fit_weights(given, y_pred)
    if top_k is not None:
        _, places = ops.top_k(y_pred, top_k)
        kept = ops.max(ops.one_hot(places, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
        y_pred = ops.where(kept > 0, ops.cast(y_pred, "float32"), LOWEST)
    if class_id is not None:
        if not 0 <= class_id < y_pred.shape[-1]:
            raise ValueError(
                f"class_id is {class_id}, and predictions of shape {tuple(y_pred.shape)} have "
                f"the classes 0 to {y_pred.shape[-1] - 1}."
            )
        y_true, y_pred, weights = (x[..., class_id] for x in (y_true, y_pred, weights))
    return y_true, y_pred, weights


def checked_thresholds(thresholds: Any, default: float) -> list[float]:
    """One threshold or several as a list.

    Raises:
        ValueError: if one is not between 0 and 1.
    """
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    if not found or not all(isinstance(t, (int, float)) and 0 <= t <= 1 for t in found):
        raise ValueError(f"Thresholds are numbers from 0 to 1, not {thresholds!r}.")
    return [float(t) for t in found]


def thresholds_between(count: int) -> list[float]:
    """All but the first and the last of `count` thresholds, evenly from 0 to 1."""
    return [i / (count - 1) for i in range(1, count - 1)]


class FourCounts(Metric):
    """All four counts at each of many thresholds."""

    def _make_counts(self, *shape: int) -> None:
        for name in Confusion._fields:
            setattr(self, name, self.add_variable(shape, None, name=name))

    def _add(self, found: Confusion) -> None:
        for name, counts in found._asdict().items():
            getattr(self, name).assign_add(counts)

    @property
    def _found(self) -> Confusion:
        return Confusion(*(getattr(self, name).value for name in Confusion._fields))


class _Counts(Metric):
    """Counts at thresholds, each in a variable."""

    def __init__(self, default: float, thresholds: Any, name: str | None, dtype: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self.thresholds = thresholds
        self._thresholds = checked_thresholds(thresholds, default)

    def _count(self, name: str) -> Any:
        return self.add_variable((len(self._thresholds),), None, name=name)

    def _by_threshold(self, values: Tensor) -> Tensor:
        """A number for one threshold, a tensor for several."""
        return values[0] if len(self._thresholds) == 1 else values


class _ConfusionCount(_Counts):
    """One of the four counts."""

    _cell: ClassVar[str]

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(0.5, thresholds, name, dtype)
        self.accumulator = self._count("accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        data = prepared(y_true, y_pred, sample_weight, self.dtype)
        found = confusion(*data[:2], self._thresholds, data[2])
        self.accumulator.assign_add(getattr(found, self._cell))

    def result(self) -> Tensor:
        return self._by_threshold(self.accumulator.value)


class TruePositives(_ConfusionCount):
    """How often the prediction is above the threshold and the target is true.

    Args:
        thresholds: one from 0 to 1 or several; 0.5 where None.
        name: its name.
        dtype: the type of the count.

    Example:
        >>> float(TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
        2.0
    """

    _cell = "true_positives"


class FalsePositives(_ConfusionCount):
    """How often the prediction is above the threshold and the target is false.

    Args:
        thresholds: one from 0 to 1 or several; 0.5 where None.
        name: its name.
        dtype: the type of the count.

    Example:
        >>> float(FalsePositives()([0, 1, 0, 0], [0.0, 0.0, 1.0, 1.0]))
        2.0
    """

    _cell = "false_positives"


class TrueNegatives(_ConfusionCount):
    """How often the prediction is not above the threshold and the target is false.

    Args:
        thresholds: one from 0 to 1 or several; 0.5 where None.
        name: its name.
        dtype: the type of the count.

    Example:
        >>> float(TrueNegatives()([0, 1, 0, 0], [1.0, 1.0, 0.0, 0.0]))
        2.0
    """

    _cell = "true_negatives"


class FalseNegatives(_ConfusionCount):
    """How often the prediction is not above the threshold and the target is true.

    Args:
        thresholds: one from 0 to 1 or several; 0.5 where None.
        name: its name.
        dtype: the type of the count.

    Example:
        >>> counts = FalseNegatives(thresholds=[0.3, 0.7])([0, 1, 1, 1], [0.0, 1.0, 0.5, 0.1])
        >>> ops.convert_to_numpy(counts).tolist()
        [1.0, 2.0]
    """

    _cell = "false_negatives"


class _Ratio(_Counts):
    """True positives as a share of them and another count."""

    _other: ClassVar[str]

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0.5 if top_k is None else LOWEST, thresholds, name, dtype)
        self.top_k = top_k
        self.class_id = class_id
        self.true_positives = self._count("true_positives")
        setattr(self, self._other, self._count(self._other))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        data = prepared(y_true, y_pred, sample_weight, self.dtype, self.top_k, self.class_id)
        found = confusion(*data[:2], self._thresholds, data[2])
        self.true_positives.assign_add(found.true_positives)
        getattr(self, self._other).assign_add(getattr(found, self._other))

    def result(self) -> Tensor:
        return self._by_threshold(_share(self.true_positives.value, getattr(self, self._other)))


class Precision(_Ratio):
    """How many of the predicted are right: true positives / (true + false positives).

    Args:
        thresholds: one from 0 to 1 or several; 0.5 where None, and none with `top_k`.
        top_k: count as predicted the `k` largest predictions.
        class_id: look at this class alone.
        name: its name.
        dtype: the type of the result.

    Example:
        >>> round(float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
        0.6667

    Reference:
        https://en.wikipedia.org/wiki/Precision_and_recall
    """

    _other = "false_positives"


class Recall(_Ratio):
    """How many of the true are predicted: true positives / (true positives + false negatives).

    Args:
        thresholds: one from 0 to 1 or several; 0.5 where None, and none with `top_k`.
        top_k: count as predicted the `k` largest predictions.
        class_id: look at this class alone.
        name: its name.
        dtype: the type of the result.

    Example:
        >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
        0.6667

    Reference:
        https://en.wikipedia.org/wiki/Precision_and_recall
    """

    _other = "false_negatives"
