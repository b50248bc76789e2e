"""Intersection over union: how well regions of an image are told apart."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend import current, floatx
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.losses.shaping import align, check_same_shape, fit_weights
from lamina.metrics.metric import Metric

Tensor = Any


class IoU(Metric):
    """The mean over some classes of intersection over union.

    true positives / (true positives + false positives + false negatives) of each class, counted in
    a matrix of true classes and predicted ones. Classes that are neither true nor predicted
    anywhere do not count in the mean.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose mean it is.
        name: its name.
        dtype: the type of the counts, `"int32"` where None, which cuts weights to whole numbers;
            fractions of weights count with `"float32"`.
        ignore_class: a class number whose places are left out; -1 or 255 often stand for "none".
        sparse_y_true: whether targets are class numbers; else scores of the classes along `axis`.
        sparse_y_pred: whether predictions are class numbers; else scores.
        axis: the axis of the classes.

    Raises:
        ValueError: if one of `target_class_ids` is no class.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333

    Reference:
        https://en.wikipedia.org/wiki/Jaccard_index
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        if not (len(target_class_ids) and all(0 <= one < num_classes for one in target_class_ids)):
            raise ValueError(
                f"target_class_ids holds some of the classes 0 to {num_classes - 1}, and was given "
                f"{target_class_ids!r}."
            )
        super().__init__(name=name, dtype=dtype or "int32")
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable(
            (num_classes, num_classes), None, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: class numbers, of any shape, or scores.
            y_pred: class numbers of the same shape, or scores.
            sample_weight: a weight for each sample or each place.

        Raises:
            ValueError: if the shapes do not fit each other or the number of classes, or, outside
                of compiled code, a class number is none of the classes. Compiled, such places are
                left out.
        """
        true = self._numbers(y_true, self.sparse_y_true)
        found = self._numbers(y_pred, self.sparse_y_pred)
        true, found = align(true, found)
        check_same_shape(self.name, true, found)
        weights = ops.ones_like(true, dtype=self.dtype)
        if sample_weight is not None:
            weights = weights * fit_weights(self._counted(sample_weight), true)
        current().check_values(self._check, true, found)
        size = self.num_classes
        valid = ops.logical_and(_within(true, size), _within(found, size))
        if self.ignore_class is not None:
            valid = ops.logical_and(valid, ops.not_equal(true, self.ignore_class))
        places = ops.where(valid, true * size + found, 0)
        counts = ops.segment_sum(
            ops.reshape(ops.where(valid, weights, 0), (-1,)),
            ops.reshape(places, (-1,)),
            num_segments=size * size,
        )
        self.total_cm.assign_add(ops.reshape(counts, (size, size)))

    def _numbers(self, y: Any, sparse: bool) -> Tensor:
        """Class numbers, of scores the largest."""
        y = ops.convert_to_tensor(y)
        if sparse:
            return ops.cast(y, "int32")
        found = y.shape[self.axis]
        if found != self.num_classes and not 1 < found < self.num_classes:
            raise ValueError(
                f"Metric {self.name!r} takes scores of {self.num_classes} classes along axis "
                f"{self.axis}, and was given {found} in the shape {tuple(y.shape)}. For class "
                "numbers set sparse_y_true or sparse_y_pred; for a single score take BinaryIoU."
            )
        return ops.cast(ops.argmax(y, axis=self.axis), "int32")

    def _counted(self, weights: Any) -> Tensor:
        """Weights in the type of the counts."""
        weights = ops.convert_to_tensor(weights)
        if is_float(standardize_dtype(weights.dtype)) and not is_float(self.dtype):
            warnings.warn(
                f"Metric {self.name!r} counts in {self.dtype}, which cuts sample weights to whole "
                "numbers: 0.5 counts as 0. Make it with dtype='float32', or give integers.",
                stacklevel=3,
            )
        return ops.cast(weights, self.dtype)

    def _check(self, true: np.ndarray, found: np.ndarray) -> None:
        kept = true != self.ignore_class
        for what, numbers in (("Targets", true[kept]), ("Predictions", found[kept])):
            wrong = numbers[(numbers < 0) | (numbers >= self.num_classes)]
            if wrong.size:
                raise ValueError(
                    f"{what} of metric {self.name!r} hold the class number {wrong[0]}, and the "
                    f"classes are 0 to {self.num_classes - 1}. Raise num_classes, or name what is "
                    "to be left out: ignore_class=…."
                )

    def result(self) -> Tensor:
        """The mean over the classes that occur."""
        matrix = ops.cast(self.total_cm.value, floatx())
        common = ops.diagonal(matrix)
        either = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - common
        common, either = (ops.take(x, self.target_class_ids, axis=0) for x in (common, either))
        occur = ops.cast(either > 0, floatx())
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(common, either)), ops.sum(occur))


def _within(numbers: Tensor, size: int) -> Tensor:
    return ops.logical_and(numbers >= 0, numbers < size)


class BinaryIoU(IoU):
    """The mean of intersection over union of what is at least a threshold and of the rest.

    See `IoU`; class 1 is what is at least the threshold.

    Args:
        target_class_ids: the classes whose mean it is: 0, 1 or both.
        threshold: what a prediction of 1 must be at least.
        name: its name.
        dtype: the type of the counts.

    Raises:
        ValueError: if one of `target_class_ids` is neither 0 nor 1.

    Example:
        >>> metric = BinaryIoU(threshold=0.3)
        >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333

    Reference:
        https://en.wikipedia.org/wiki/Jaccard_index
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, 0 or 1, of any shape.
            y_pred: predictions of the same shape.
            sample_weight: a weight for each sample or each prediction.
        """
        found = ops.cast(ops.convert_to_tensor(y_pred) >= self.threshold, "int32")
        super().update_state(y_true, found, sample_weight)


class MeanIoU(IoU):
    """The mean over all classes of intersection over union.

    See `IoU`.

    Args:
        num_classes: how many classes there are.
        name: its name.
        dtype: the type of the counts.
        ignore_class: a class number whose places are left out.
        sparse_y_true: whether targets are class numbers; else scores of the classes along `axis`.
        sparse_y_pred: whether predictions are class numbers; else scores.
        axis: the axis of the classes.

    Example:
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333

    Reference:
        https://en.wikipedia.org/wiki/Jaccard_index
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


class OneHotIoU(IoU):
    """The mean over some classes of intersection over union, for one-hot targets.

    See `IoU`.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose mean it is.
        name: its name.
        dtype: the type of the counts.
        ignore_class: a class number whose places are left out.
        sparse_y_pred: whether predictions are class numbers; else scores of the classes along
            `axis`.
        axis: the axis of the classes.

    Raises:
        ValueError: if one of `target_class_ids` is no class.

    Example:
        >>> metric = OneHotIoU(num_classes=3, target_class_ids=[0, 2])
        >>> y_true = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
        >>> y_pred = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
        >>> round(float(metric(y_true, y_pred)), 4)
        0.1667

    Reference:
        https://en.wikipedia.org/wiki/Jaccard_index
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """The mean over all classes of intersection over union, for one-hot targets.

    See `IoU`.

    Args:
        num_classes: how many classes there are.
        name: its name.
        dtype: the type of the counts.
        ignore_class: a class number whose places are left out.
        sparse_y_pred: whether predictions are class numbers; else scores of the classes along
            `axis`.
        axis: the axis of the classes.

    Example:
        >>> metric = OneHotMeanIoU(num_classes=3)
        >>> y_true = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]]
        >>> y_pred = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1], [0.1, 0.4, 0.5]]
        >>> round(float(metric(y_true, y_pred)), 4)
        0.1111

    Reference:
        https://en.wikipedia.org/wiki/Jaccard_index
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
