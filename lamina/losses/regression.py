"""Losses of numbers: distances between a target and a prediction."""

from __future__ import annotations

from lamina import ops
from lamina.backend import epsilon
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.loss import _FormulaLoss


@formula("mse", "MSE")
def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of squared differences: mean((y_true - y_pred)²).

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Raises:
        ValueError: if the shapes differ; Keras stretches them.

    Example:
        >>> float(mean_squared_error([[0.0, 1.0]], [[1.0, 1.0]])[0])
        0.5
    """
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@formula("mae", "MAE")
def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of absolute differences: mean(|y_true - y_pred|).

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> float(mean_absolute_error([[0.0, 1.0]], [[3.0, 1.0]])[0])
        1.5

    Reference:
        https://en.wikipedia.org/wiki/Mean_absolute_error
    """
    return ops.mean(ops.absolute(y_true - y_pred), axis=-1)


@formula("mape", "MAPE")
def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of absolute differences in percent: 100 mean(|y_true - y_pred| / |y_true|).

    `|y_true|` counts as `epsilon()` at least.

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> float(mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]])[0])
        25.0

    Reference:
        https://en.wikipedia.org/wiki/Mean_absolute_percentage_error
    """
    scale = ops.maximum(ops.absolute(y_true), epsilon())
    return 100.0 * ops.mean(ops.absolute(y_true - y_pred) / scale, axis=-1)


@formula("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of squared differences of logarithms: mean((log(1 + y_true) - log(1 + y_pred))²).

    Negative values count as `epsilon()`.

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> round(float(mean_squared_logarithmic_error([[0.0, 3.0]], [[1.0, 3.0]])[0]), 4)
        0.2402

    Reference:
        https://en.wikipedia.org/wiki/Mean_squared_error
    """
    logs = [ops.log(ops.maximum(y, epsilon()) + 1.0) for y in (y_true, y_pred)]
    return ops.mean(ops.square(logs[0] - logs[1]), axis=-1)


@formula()
def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    """Squared near the target, absolute far from it, so that outliers pull less.

    mean(d² / 2 where |d| <= delta, else delta |d| - delta² / 2), with d = y_true - y_pred.

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.
        delta: the distance at which the two meet.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> float(huber([[0.0, 0.0]], [[1.0, 3.0]])[0])
        1.5

    Reference:
        Huber, 1964, https://doi.org/10.1214/aoms/1177703732
    """
    distance = ops.absolute(y_true - y_pred)
    near, far = 0.5 * ops.square(distance), delta * distance - 0.5 * delta * delta
    return ops.mean(ops.where(distance <= delta, near, far), axis=-1)


@formula()
def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean of log(cosh(y_pred - y_true)): about d² / 2 near the target and |d| - log 2 far away.

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> round(float(log_cosh([[0.0]], [[100.0]])[0]), 3)
        99.307

    Reference:
        Saleh and Saleh, 2022, https://arxiv.org/abs/2208.04564
    """
    difference = y_pred - y_true
    # Nothing overflows: log(cosh(d)) = d + log(1 + e^-2d) - log(2).
    values = difference + ops.softplus(-2.0 * difference) - 0.6931471805599453
    return ops.mean(values, axis=-1)


@formula()
def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle: -sum(y_true / |y_true| * y_pred / |y_pred|).

    -1 for the same direction, 0 for a right angle or a vector of zeros.

    Args:
        y_true: targets of shape `(batch, …, n)`.
        y_pred: predictions of the same shape.
        axis: the axis along which the vectors lie.

    Returns:
        From -1 to 1, without `axis`.

    Example:
        >>> float(cosine_similarity([[0.0, 2.0]], [[0.0, 5.0]])[0])
        -1.0

    Reference:
        https://en.wikipedia.org/wiki/Cosine_similarity
    """
    return -ops.sum(_direction(y_true, axis) * _direction(y_pred, axis), axis=axis)


def _direction(x: Tensor, axis: int) -> Tensor:
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, 1e-12))


class MeanSquaredError(_FormulaLoss, formula=mean_squared_error):
    """The loss `mean_squared_error`: mean((y_true - y_pred)²).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]))
        0.5
    """


class MeanAbsoluteError(_FormulaLoss, formula=mean_absolute_error):
    """The loss `mean_absolute_error`: mean(|y_true - y_pred|).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(MeanAbsoluteError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [2.0, 1.0]]))
        1.0
    """


class MeanAbsolutePercentageError(_FormulaLoss, formula=mean_absolute_percentage_error):
    """The loss `mean_absolute_percentage_error`: 100 mean(|y_true - y_pred| / |y_true|).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0], [4.0]], [[1.0], [4.0]]))
        25.0
    """


class MeanSquaredLogarithmicError(_FormulaLoss, formula=mean_squared_logarithmic_error):
    """The loss `mean_squared_logarithmic_error`: mean((log(1 + y_true) - log(1 + y_pred))²).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0], [3.0]], [[1.0], [3.0]])), 4)
        0.2402
    """


class Huber(_FormulaLoss, formula=huber, name="huber_loss"):
    """The loss `huber`: squared near the target, absolute far from it.

    Args:
        delta: the distance at which it changes from squared to absolute.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(Huber(delta=1.0)([[0.0], [0.0]], [[1.0], [3.0]]))
        1.5
    """


class LogCosh(_FormulaLoss, formula=log_cosh):
    """The loss `log_cosh`: mean(log(cosh(y_pred - y_true))).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(LogCosh()([[0.0], [0.0]], [[0.0], [1.0]])), 4)
        0.2169
    """


class CosineSimilarity(_FormulaLoss, formula=cosine_similarity):
    """The loss `cosine_similarity`: minus the cosine of the angle between target and prediction.

    Args:
        axis: the axis along which the vectors lie.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> float(CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 5.0], [0.0, 1.0]]))
        -0.5
    """
