"""Losses of a margin: a prediction on the right side, far enough from the border, costs nothing."""

from __future__ import annotations

from lamina import ops
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.loss import _FormulaLoss


def _signs(y_true: Tensor) -> Tensor:
    """Targets of 0 and 1 as -1 and 1; others as they are."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true)


def _shortfall(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)


@formula()
def hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean shortfall from a margin of 1: mean(max(1 - y_true * y_pred, 0)).

    Args:
        y_true: -1 or 1, of shape `(batch, …, n)`; if all are 0 or 1, 0 stands for -1.
        y_pred: predictions of the same shape, their sign the decision.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> float(hinge([[-1.0, 1.0]], [[-2.0, 0.5]])[0])
        0.25

    Reference:
        Cortes and Vapnik, 1995, https://doi.org/10.1007/BF00994018
    """
    return ops.mean(_shortfall(y_true, y_pred), axis=-1)


@formula()
def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean squared shortfall from a margin of 1: mean(max(1 - y_true * y_pred, 0)²).

    Args:
        y_true: -1 or 1, of shape `(batch, …, n)`; if all are 0 or 1, 0 stands for -1.
        y_pred: predictions of the same shape, their sign the decision.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> float(squared_hinge([[-1.0, 1.0]], [[-2.0, 0.0]])[0])
        0.5

    Reference:
        Lee and Lin, 2013, https://doi.org/10.1162/NECO_a_00434
    """
    return ops.mean(ops.square(_shortfall(y_true, y_pred)), axis=-1)


@formula()
def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Shortfall of the right class before the best wrong one: max(wrong - right + 1, 0).

    right = sum(y_true * y_pred), wrong = max((1 - y_true) * y_pred).

    Args:
        y_true: 1 for the right class, else 0, of shape `(batch, …, classes)`.
        y_pred: scores of the same shape.

    Returns:
        Shape `(batch, …)`.

    Example:
        >>> float(categorical_hinge([[0.0, 1.0]], [[0.5, 2.0]])[0])
        0.0

    Reference:
        Crammer and Singer, 2001, https://www.jmlr.org/papers/v2/crammer01a.html
    """
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


class Hinge(_FormulaLoss, formula=hinge):
    """The loss `hinge`: mean(max(1 - y_true * y_pred, 0)).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(Hinge()([[-1.0], [1.0]], [[-2.0], [0.5]]))
        0.25
    """


class SquaredHinge(_FormulaLoss, formula=squared_hinge):
    """The loss `squared_hinge`: mean(max(1 - y_true * y_pred, 0)²).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(SquaredHinge()([[-1.0], [1.0]], [[-2.0], [0.0]]))
        0.5
    """


class CategoricalHinge(_FormulaLoss, formula=categorical_hinge):
    """The loss `categorical_hinge`: max(wrong - right + 1, 0).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(CategoricalHinge()([[0.0, 1.0], [1.0, 0.0]], [[0.5, 2.0], [0.5, 0.0]]))
        0.25
    """
