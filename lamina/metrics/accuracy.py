"""Accuracies: how often the prediction is right."""

from __future__ import annotations

from lamina import ops
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.shaping import class_numbers
from lamina.metrics.mean import _FormulaMetric


def _right(hits: Tensor, like: Tensor) -> Tensor:
    return ops.cast(hits, like.dtype)


@formula(loss=False)
def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the prediction equals the target, elementwise, else 0.

    Args:
        y_true: targets of any shape.
        y_pred: predictions of the same shape.

    Returns:
        The same shape.

    Example:
        >>> ops.convert_to_numpy(accuracy([1, 2], [1, 3])).tolist()
        [1.0, 0.0]
    """
    return _right(ops.equal(y_true, y_pred), y_pred)


@formula(loss=False)
def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Tensor:
    """1 where the prediction is on the target's side of the threshold, elementwise, else 0.

    Args:
        y_true: 0 or 1, of any shape.
        y_pred: probabilities of the same shape.
        threshold: what a prediction of 1 must be above.

    Returns:
        The same shape.

    Example:
        >>> ops.convert_to_numpy(binary_accuracy([1, 0], [0.7, 0.6])).tolist()
        [1.0, 0.0]
    """
    return _right(ops.equal(y_true, ops.cast(y_pred > threshold, y_pred.dtype)), y_pred)


@formula(loss=False)
def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the largest prediction is that of the right class, else 0.

    Args:
        y_true: one-hot classes, of shape `(batch, …, classes)`.
        y_pred: scores of the same shape.

    Returns:
        Shape `(batch, …)`.

    Example:
        >>> hits = categorical_accuracy([[0, 1], [0, 1]], [[0.1, 0.9], [0.8, 0.2]])
        >>> ops.convert_to_numpy(hits).tolist()
        [1.0, 0.0]
    """
    return _right(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)), y_pred)


@formula(classes=True, loss=False)
def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where the largest prediction is that of the class number, else 0.

    Args:
        y_true: class numbers, of shape `(batch, …)` or `(batch, …, 1)`.
        y_pred: scores, of shape `(batch, …, classes)`.

    Returns:
        Shape `(batch, …)`.

    Example:
        >>> hits = sparse_categorical_accuracy([1, 1], [[0.1, 0.9], [0.8, 0.2]])
        >>> ops.convert_to_numpy(hits).tolist()
        [1.0, 0.0]
    """
    return _right(ops.equal(class_numbers(y_true, y_pred), ops.argmax(y_pred, axis=-1)), y_pred)


@formula(loss=False)
def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Tensor:
    """1 where the right class is among the `k` largest predictions, else 0.

    Args:
        y_true: one-hot classes, of shape `(batch, …, classes)`.
        y_pred: scores of the same shape.
        k: how many predictions are looked at.

    Returns:
        Shape `(batch, …)`.

    Example:
        >>> float(top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.3, 0.4]], k=2)[0])
        1.0
    """
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


@formula(classes=True, loss=False)
def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the class number is among the `k` largest predictions, else 0.

    Args:
        y_true: class numbers, of shape `(batch, …)` or `(batch, …, 1)`.
        y_pred: scores, of shape `(batch, …, classes)`.
        k: how many predictions are looked at.
        from_sorted_ids: whether `y_pred` holds class numbers, the likeliest first, in place of
            scores.

    Returns:
        The shape of `y_true`.

    Example:
        >>> float(sparse_top_k_categorical_accuracy([2], [[0.5, 0.3, 0.4]], k=2)[0])
        1.0
    """
    classes = class_numbers(y_true, y_pred)
    if from_sorted_ids:
        found = ops.equal(ops.expand_dims(classes, -1), ops.cast(y_pred[..., :k], "int32"))
        hits = _right(ops.any(found, axis=-1), y_pred)
    else:
        hits = _in_top_k(classes, y_pred, k)
    return ops.reshape(hits, y_true.shape)


def _in_top_k(classes: Tensor, y_pred: Tensor, k: int) -> Tensor:
    places = ops.expand_dims(ops.cast(classes, "int32"), -1)
    score = ops.take_along_axis(y_pred, places, axis=-1)
    better = ops.sum(ops.cast(y_pred > score, "int32"), axis=-1)
    return _right(better < k, y_pred)


class Accuracy(_FormulaMetric, formula=accuracy):
    """How often predictions equal targets: mean(y_true == y_pred).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]]))
        0.75
    """


class BinaryAccuracy(_FormulaMetric, formula=binary_accuracy):
    """How often predictions are on the targets' side of a threshold.

    Args:
        name: its name.
        dtype: the type of the mean.
        threshold: what a prediction of 1 must be above.

    Example:
        >>> float(BinaryAccuracy(threshold=0.3)([[1], [0]], [[0.4], [0.6]]))
        0.5
    """


class CategoricalAccuracy(_FormulaMetric, formula=categorical_accuracy):
    """How often the largest prediction is that of the right class, for one-hot targets.

    mean(argmax(y_true) == argmax(y_pred)).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(CategoricalAccuracy()([[0, 1], [0, 1]], [[0.1, 0.9], [0.8, 0.2]]))
        0.5
    """


class SparseCategoricalAccuracy(_FormulaMetric, formula=sparse_categorical_accuracy):
    """How often the largest prediction is that of the right class, for class numbers.

    mean(y_true == argmax(y_pred)).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(SparseCategoricalAccuracy()([1, 1], [[0.1, 0.9], [0.8, 0.2]]))
        0.5
    """


class TopKCategoricalAccuracy(
    _FormulaMetric, formula=top_k_categorical_accuracy, order="k name dtype"
):
    """How often the right class is among the `k` largest predictions, for one-hot targets.

    Args:
        k: how many predictions are looked at.
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.5, 0.3, 0.4]]))
        1.0
    """


class SparseTopKCategoricalAccuracy(
    _FormulaMetric,
    formula=sparse_top_k_categorical_accuracy,
    order="k name dtype from_sorted_ids",
):
    """How often the right class is among the `k` largest predictions, for class numbers.

    Args:
        k: how many predictions are looked at.
        name: its name.
        dtype: the type of the mean.
        from_sorted_ids: whether predictions are class numbers, the likeliest first.

    Example:
        >>> float(SparseTopKCategoricalAccuracy(k=1)([2, 0], [[0.5, 0.3, 0.4], [0.5, 0.3, 0.4]]))
        0.5
    """
