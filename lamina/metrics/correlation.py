"""Correlations: how predictions and targets rise and fall together."""

from __future__ import annotations

from collections.abc import Sequence

from lamina import ops
from lamina.backend import epsilon
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.metrics.mean import _FormulaMetric

Axes = int | Sequence[int]


@formula(loss=False)
def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: Axes = -1) -> Tensor:
    """How far one is a rising line of the other: cov(y_true, y_pred) / (std(y_true) std(y_pred)).

    Args:
        y_true: targets, of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.
        axis: the axis or axes of the values that are compared.

    Returns:
        From -1 to 1, without `axis`: 1 for a rising line, -1 for a falling one, NaN for values that
        are all the same.

    Example:
        >>> round(float(pearson_correlation([[1, 1, 0.2]], [[1, 0.9, 0.2]])[0]), 4)
        0.9934

    Reference:
        https://en.wikipedia.org/wiki/Pearson_correlation_coefficient
    """
    axes = _axes(axis)
    return ops.sum(_direction(y_true, axes) * _direction(y_pred, axes), axis=axes)


@formula(loss=False)
def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: Axes = -1) -> Tensor:
    """How near both are to being equal.

    2 cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))²).

    Args:
        y_true: targets, of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.
        axis: the axis or axes of the values that are compared.

    Returns:
        From -1 to 1, without `axis`: 1 where all are equal, 0 for values that are all the same.

    Example:
        >>> round(float(concordance_correlation([[0, 1, 0.5]], [[0.1, 0.9, 0.5]])[0]), 4)
        0.9756

    Reference:
        Lin, 1989, https://doi.org/10.2307/2532051
    """
    axes = _axes(axis)
    means = [ops.mean(y, axis=axes, keepdims=True) for y in (y_true, y_pred)]
    shared = 2.0 * ops.mean((y_true - means[0]) * (y_pred - means[1]), axis=axes)
    spread = ops.var(y_true, axis=axes) + ops.var(y_pred, axis=axes)
    apart = ops.mean(ops.square(means[0] - means[1]), axis=axes)
    return shared / (spread + apart + epsilon())


def _axes(axis: Axes) -> int | tuple[int, ...]:
    return axis if isinstance(axis, int) else tuple(axis)


def _direction(y: Tensor, axes: int | tuple[int, ...]) -> Tensor:
    """The deviations from the mean as a vector of length 1."""
    y = y - ops.mean(y, axis=axes, keepdims=True)
    return y / ops.sqrt(ops.sum(ops.square(y), axis=axes, keepdims=True))


class PearsonCorrelation(_FormulaMetric, formula=pearson_correlation):
    """The mean of `pearson_correlation` over all samples.

    Args:
        name: its name.
        dtype: the type of the mean.
        axis: the axis or axes of the values that are compared.

    Example:
        >>> metric = PearsonCorrelation()
        >>> round(float(metric([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9967
    """


class ConcordanceCorrelation(_FormulaMetric, formula=concordance_correlation):
    """The mean of `concordance_correlation` over all samples.

    Args:
        name: its name.
        dtype: the type of the mean.
        axis: the axis or axes of the values that are compared.

    Example:
        >>> metric = ConcordanceCorrelation()
        >>> round(float(metric([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9816
    """
