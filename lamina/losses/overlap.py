"""Losses of overlap: how much of two regions is common, for segmentation."""

from __future__ import annotations

from collections.abc import Sequence

from lamina import ops
from lamina.backend import epsilon
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.loss import _FormulaLoss

Axes = int | Sequence[int] | None


@formula()
def tversky(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: Axes = None,
) -> Tensor:
    """1 - common / (common + alpha * missed + beta * wrong).

    common = sum(y_true y_pred), missed = sum(y_true (1 - y_pred)),
    wrong = sum((1 - y_true) y_pred).

    Args:
        y_true: 1 inside the region, 0 outside, of shape `(batch, …)`.
        y_pred: probabilities of being inside, of the same shape.
        alpha: the weight of what is missed, the false negatives; the paper's beta. Keras computes
            so too, though its documentation says the false positives.
        beta: the weight of what is wrongly taken in, the false positives; the paper's alpha.
        axis: the axes summed over; all, the batch too, where None.

    Returns:
        The loss, without these axes; 1 where both regions are empty.

    Example:
        >>> round(float(tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=1.0, beta=0.0)), 4)
        0.5

    Reference:
        Salehi et al., 2017, https://arxiv.org/abs/1706.05721
    """
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    common = ops.sum(y_true * y_pred, axis=axes)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axes)
    wrong = ops.sum((1.0 - y_true) * y_pred, axis=axes)
    return 1.0 - common / (common + alpha * missed + beta * wrong + epsilon())


@formula()
def dice(y_true: TensorLike, y_pred: TensorLike, axis: Axes = None) -> Tensor:
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)).

    Args:
        y_true: 1 inside the region, 0 outside, of shape `(batch, …)`.
        y_pred: probabilities of being inside, of the same shape.
        axis: the axes summed over; all, the batch too, where None.

    Returns:
        The loss, without these axes; 1 where both regions are empty.

    Example:
        >>> values = dice([[1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 0.0]], axis=1)
        >>> [round(value, 4) for value in ops.convert_to_numpy(values).tolist()]
        [0.0, 1.0]

    Reference:
        Milletari et al., 2016, https://arxiv.org/abs/1606.04797
    """
    # The denominator is twice what is common, and what only one of the two has.
    return tversky(y_true, y_pred, axis=axis)


class Dice(_FormulaLoss, formula=dice, order="reduction name axis dtype"):
    """The loss `dice`.

    Args:
        reduction: see `Loss`.
        name: its name.
        axis: the axes summed over: `(1, 2, 3)` gives each image of a batch a loss of its own, which
            sample weights need. All axes where None.
        dtype: see `Loss`.

    Example:
        >>> loss = Dice(axis=(1, 2), reduction=None)
        >>> values = loss([[[1.0], [0.0]], [[1.0], [1.0]]], [[[1.0], [0.0]], [[0.0], [0.0]]])
        >>> [round(value, 4) for value in ops.convert_to_numpy(values).tolist()]
        [0.0, 1.0]
    """


class Tversky(_FormulaLoss, formula=tversky, order="alpha beta reduction name axis dtype"):
    """The loss `tversky`.

    Args:
        alpha: the weight of what is missed, the false negatives.
        beta: the weight of what is wrongly taken in, the false positives.
        reduction: see `Loss`.
        name: its name.
        axis: the axes summed over: `(1, 2, 3)` gives each image of a batch a loss of its own, which
            sample weights need. All axes where None.
        dtype: see `Loss`.

    Example:
        >>> loss = Tversky(alpha=1.0, beta=0.0)
        >>> round(float(loss([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
        0.5
    """
