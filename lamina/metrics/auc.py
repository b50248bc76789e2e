"""The area under a curve of two ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import ops
from lamina.backend import epsilon
from lamina.metrics.confusion import (
    Confusion,
    FourCounts,
    checked_thresholds,
    confusion,
    prepared,
    thresholds_between,
)
from lamina.metrics.metric import columns_of

Tensor = Any
CURVES = ("ROC", "PR", "PRGAIN")
METHODS = ("interpolation", "minoring", "majoring")


class AUC(FourCounts):
    """The area under a curve that a threshold on the predictions runs along.

    `ROC`: true positives' share of the true, over false positives' share of the false.
    `PR`: precision over recall. `PRGAIN`: their gains over the always-positive prediction.

    Args:
        num_thresholds: how many thresholds, evenly from 0 to 1.
        curve: `"ROC"`, `"PR"` or `"PRGAIN"`.
        summation_method: the height between two points: `"interpolation"` (halfway; along the
            true curve for `PR`), `"minoring"` (the lower) or `"majoring"` (the higher).
        name: its name.
        dtype: the type of the result.
        thresholds: thresholds of one's own in place of `num_thresholds`.
        multi_label: whether each column is a label with a curve of its own; the result is the
            mean of the areas.
        num_labels: how many columns, where `multi_label`; seen from the data where None.
        label_weights: the weight of each label, in the mean or, without `multi_label`, of its
            predictions.
        from_logits: whether predictions are logits.

    Example:
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75

    Reference:
        Davis and Goadrich, 2006, https://doi.org/10.1145/1143844.1143874 (PR);
        Flach and Kull, 2015, https://papers.nips.cc/paper/5867 (PRGAIN).
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        if curve not in CURVES or summation_method not in METHODS:
            raise ValueError(
                f"AUC has the curves {CURVES} and the summation methods {METHODS}; it was given "
                f"curve={curve!r} and summation_method={summation_method!r}."
            )
        if num_labels is not None and not multi_label:
            raise ValueError("num_labels is for multi_label=True only.")
        if thresholds is not None:
            inner = sorted(checked_thresholds(thresholds, 0.5))
        elif num_thresholds > 1:
            inner = thresholds_between(num_thresholds)
        else:
            raise ValueError(f"num_thresholds is an integer above 1, not {num_thresholds!r}.")
        super().__init__(name=name, dtype=dtype)
        self._thresholds = [-epsilon(), *inner, 1 + epsilon()]
        self.num_thresholds = len(self._thresholds)
        self.curve, self.summation_method = curve, summation_method
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self.from_logits = label_weights, from_logits
        if not multi_label:
            self._make_counts(self.num_thresholds)
        elif num_labels is not None:
            self._make_counts(self.num_thresholds, num_labels)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, one below 0 and one above 1 among them."""
        return self._thresholds

    def get_config(self) -> dict[str, Any]:
        given = self._arguments["thresholds"]
        return {**super().get_config(), "thresholds": None if given is None else sorted(given)}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, 0 or 1; `(batch, labels)` where `multi_label`.
            y_pred: predictions of the same shape, from 0 to 1; others count as 0 or 1.
            sample_weight: a weight for each sample or each prediction.

        Raises:
            ValueError: if the shapes do not fit each other or the labels seen before.
        """
        y_true, y_pred, weights = prepared(y_true, y_pred, sample_weight, self.dtype)
        if self.multi_label:
            known = self._found.true_positives.shape[-1] if self.variables else None
            columns = columns_of(self, y_pred, known)
            if known is None:
                self._make_counts(self.num_thresholds, columns)
        # Whatever lies outside is on the side of the last threshold that it passed.
        y_pred = ops.sigmoid(y_pred) if self.from_logits else ops.clip(y_pred, 0, 1)
        if self.label_weights is not None:
            self._check_label_weights(self.label_weights, y_pred)
            if not self.multi_label:
                weights = weights * ops.convert_to_tensor(self.label_weights, dtype=self.dtype)
        self._add(confusion(y_true, y_pred, self._thresholds, weights, by_label=self.multi_label))

    def _check_label_weights(self, weights: Sequence[float], y_pred: Tensor) -> None:
        if (len(weights),) != tuple(y_pred.shape[-1:]):
            raise ValueError(
                f"label_weights of metric {self.name!r} holds {len(weights)} numbers, and the "
                f"predictions have the shape {tuple(y_pred.shape)}: give one for each label."
            )

    def result(self) -> Tensor:
        if not self.variables:
            return ops.convert_to_tensor(0.0, dtype=self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = _points(self.curve, self._found)
        before, after = y[:-1], y[1:]
        if self.summation_method == "minoring":
            heights = ops.minimum(before, after)
        elif self.summation_method == "majoring":
            heights = ops.maximum(before, after)
        else:
            heights = (before + after) / 2.0
        return self._averaged(ops.sum((x[:-1] - x[1:]) * heights, axis=0))

    def interpolate_pr_auc(self) -> Tensor:
        """The area under precision over recall, along the true curve between two thresholds.

        Between two points, true positives grow by a constant share `slope` of the predicted p:
        precision is slope + intercept / p, whose integral has a logarithm.
        """
        hits, wrong, _, misses = self._found
        predicted = hits + wrong
        gained = hits[:-1] - hits[1:]
        slope = ops.divide_no_nan(gained, predicted[:-1] - predicted[1:])
        intercept = hits[1:] - slope * predicted[1:]
        positive = ops.logical_and(predicted[:-1] > 0, predicted[1:] > 0)
        ratio = ops.where(positive, ops.divide_no_nan(predicted[:-1], predicted[1:]), 1.0)
        area = slope * (gained + intercept * ops.log(ratio))
        return self._averaged(ops.sum(ops.divide_no_nan(area, hits[1:] + misses[1:]), axis=0))

    def _averaged(self, areas: Tensor) -> Tensor:
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(self.label_weights, dtype=self.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))


def _points(curve: str, counts: Confusion) -> tuple[Tensor, Tensor]:
    """Both coordinates at each threshold, the lowest threshold first."""
    tp, fp, tn, fn = counts
    if curve == "ROC":
        return ops.divide_no_nan(fp, fp + tn), counts.recall
    if curve == "PR":
        return counts.recall, counts.precision
    odds = ops.divide_no_nan(tp + fn, fp + tn)

    def gain(errors: Tensor) -> Tensor:
        return ops.where(tp > 0, 1.0 - odds * ops.divide_no_nan(errors, tp), 0.0)

    # The curve begins where recall is as good as that of the always-positive prediction.
    return ops.maximum(gain(fn), 0.0), gain(fp)
