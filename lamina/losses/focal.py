"""Focal losses: cross-entropies in which easy examples count less."""

from __future__ import annotations

from collections.abc import Sequence

from lamina import ops
from lamina.backend import epsilon
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.loss import _FormulaLoss
from lamina.losses.probabilistic import smoothed


def _inside(probabilities: Tensor) -> Tensor:
    """Clipped so that logarithms, and the slopes of any power, are finite."""
    return ops.clip(probabilities, epsilon(), 1.0 - epsilon())


@formula()
def binary_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy of yes and no that counts sure predictions less: mean((1 - p)^gamma * -log p).

    p is the probability given to what is true: y_pred where y_true is 1, else 1 - y_pred.

    Args:
        y_true: 0 or 1, or probabilities, of shape `(batch, …, n)`.
        y_pred: probabilities, or logits, of the same shape.
        apply_class_balancing: whether to weigh targets of 1 by `alpha`, those of 0 by 1 - `alpha`.
        alpha: the weight of targets of 1, from 0 to 1.
        gamma: how much less sure predictions count; 0 makes it `binary_crossentropy`.
        from_logits: whether `y_pred` holds logits, from minus to plus infinity.
        label_smoothing: the share of each target that is replaced by 1/2.
        axis: the axis of the mean.

    Returns:
        The means over `axis`, shape `(batch, …)`.

    Example:
        >>> round(float(binary_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.1733

    Reference:
        Lin et al., 2017, https://arxiv.org/abs/1708.02002
    """
    y_true = smoothed(y_true, label_smoothing, 2)
    p = _inside(ops.sigmoid(y_pred) if from_logits else y_pred)
    missing = 1.0 - (y_true * p + (1.0 - y_true) * (1.0 - p))
    values = ops.power(missing, gamma) * ops.binary_crossentropy(y_true, p)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(values, axis=axis)


@formula()
def categorical_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy of classes that counts sure predictions less.

    sum(alpha (1 - p)^gamma * -y_true log p) over the classes, with p the predictions divided by
    their sum.

    Args:
        y_true: one-hot classes or probabilities, of shape `(batch, …, classes)`.
        y_pred: probabilities, or logits, of the same shape.
        alpha: the weight of all classes, or one for each along the last axis.
        gamma: how much less sure predictions count; 0 makes it `categorical_crossentropy`.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: the share of each target that is spread over all classes; over those
            along `axis`, where Keras takes the size of the last axis.
        axis: the axis of the classes.

    Returns:
        Shape `(batch, …)`, without `axis`.

    Example:
        >>> round(float(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.0433

    Reference:
        Lin et al., 2017, https://arxiv.org/abs/1708.02002
    """
    y_true = smoothed(y_true, label_smoothing, y_pred.shape[axis])
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = _inside(ops.divide_no_nan(y_pred, ops.sum(y_pred, axis=axis, keepdims=True)))
    weights = ops.power(1.0 - p, gamma) * ops.convert_to_tensor(alpha, dtype=p.dtype)
    return -ops.sum(weights * y_true * ops.log(p), axis=axis)


class BinaryFocalCrossentropy(_FormulaLoss, formula=binary_focal_crossentropy):
    """The loss `binary_focal_crossentropy`, for outputs that are each yes or no, and one is rare.

    Args:
        apply_class_balancing: whether to weigh targets of 1 by `alpha`, those of 0 by 1 - `alpha`.
        alpha: the weight of targets of 1, from 0 to 1.
        gamma: how much less sure predictions count.
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is replaced by 1/2.
        axis: the axis of the mean.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> loss = BinaryFocalCrossentropy(gamma=3, from_logits=True)
        >>> round(float(loss([[0, 1], [0, 0]], [[-18.6, 0.51], [2.94, -12.8]])), 3)
        0.647
    """


class CategoricalFocalCrossentropy(_FormulaLoss, formula=categorical_focal_crossentropy):
    """The loss `categorical_focal_crossentropy`, for one-hot targets of which some are rare.

    Args:
        alpha: the weight of all classes, or one for each.
        gamma: how much less sure predictions count.
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is spread over all classes.
        axis: the axis of the classes.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> loss = CategoricalFocalCrossentropy()
        >>> round(float(loss([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])), 4)
        0.2332
    """
