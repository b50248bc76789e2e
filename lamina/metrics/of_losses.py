"""The losses as metrics: the mean of each over all samples, and the root of one of them."""

from __future__ import annotations

from typing import Any

from lamina import losses, ops
from lamina.core import registry
from lamina.losses.formula import Tensor, TensorLike, as_float, formula
from lamina.losses.shaping import align, check_same_shape
from lamina.metrics.mean import Mean, _FormulaMetric


class MeanSquaredError(_FormulaMetric, formula=losses.mean_squared_error):
    """The mean of `lamina.losses.mean_squared_error`: mean((y_true - y_pred)²).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """


class MeanAbsoluteError(_FormulaMetric, formula=losses.mean_absolute_error):
    """The mean of `lamina.losses.mean_absolute_error`: mean(|y_true - y_pred|).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[3.0, 1.0]]))
        1.5
    """


class MeanAbsolutePercentageError(_FormulaMetric, formula=losses.mean_absolute_percentage_error):
    """The mean of `lamina.losses.mean_absolute_percentage_error`.

    100 mean(|y_true - y_pred| / |y_true|).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
        25.0
    """


class MeanSquaredLogarithmicError(_FormulaMetric, formula=losses.mean_squared_logarithmic_error):
    """The mean of `lamina.losses.mean_squared_logarithmic_error`.

    mean((log(1 + y_true) - log(1 + y_pred))²).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(MeanSquaredLogarithmicError()([[1.0, 3.0]], [[1.0, 3.0]]))
        0.0
    """


class LogCoshError(_FormulaMetric, formula=losses.log_cosh, name="logcosh"):
    """The mean of `lamina.losses.log_cosh`: mean(log(cosh(y_pred - y_true))).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> round(float(LogCoshError()([[0.0]], [[1.0]])), 4)
        0.4338
    """


@formula(loss=False)
def cosine(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """The cosine of the angle between two vectors: minus `lamina.losses.cosine_similarity`."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(_FormulaMetric, formula=cosine):
    """The mean cosine of the angle between target and prediction, from -1 to 1.

    Args:
        name: its name.
        dtype: the type of the mean.
        axis: the axis along which the vectors lie.

    Example:
        >>> float(CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 5.0], [0.0, 1.0]]))
        0.5
    """


class Hinge(_FormulaMetric, formula=losses.hinge):
    """The mean of `lamina.losses.hinge`: mean(max(1 - y_true * y_pred, 0)).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(Hinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.25
    """


class SquaredHinge(_FormulaMetric, formula=losses.squared_hinge):
    """The mean of `lamina.losses.squared_hinge`: mean(max(1 - y_true * y_pred, 0)²).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[-2.0, 0.0]]))
        0.5
    """


class CategoricalHinge(_FormulaMetric, formula=losses.categorical_hinge):
    """The mean of `lamina.losses.categorical_hinge`: max(wrong - right + 1, 0).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]]))
        0.5
    """


class KLDivergence(_FormulaMetric, formula=losses.kl_divergence):
    """The mean of `lamina.losses.kl_divergence`: sum(y_true log(y_true / y_pred)).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """


class Poisson(_FormulaMetric, formula=losses.poisson):
    """The mean of `lamina.losses.poisson`: mean(y_pred - y_true log(y_pred)).

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
        1.0
    """


class BinaryCrossentropy(
    _FormulaMetric,
    formula=losses.binary_crossentropy,
    order="name dtype from_logits label_smoothing",
):
    """The mean of `lamina.losses.binary_crossentropy`.

    Args:
        name: its name.
        dtype: the type of the mean.
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is replaced by 1/2.

    Example:
        >>> round(float(BinaryCrossentropy(from_logits=True)([[0.0], [1.0]], [[0.0], [0.0]])), 4)
        0.6931
    """


class CategoricalCrossentropy(_FormulaMetric, formula=losses.categorical_crossentropy):
    """The mean of `lamina.losses.categorical_crossentropy`.

    Args:
        name: its name.
        dtype: the type of the mean.
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is spread over all classes.
        axis: the axis of the classes.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0, 1], [1, 0]], [[0.5, 0.5], [1.0, 0.0]])), 4)
        0.3466
    """


class SparseCategoricalCrossentropy(_FormulaMetric, formula=losses.sparse_categorical_crossentropy):
    """The mean of `lamina.losses.sparse_categorical_crossentropy`.

    Args:
        name: its name.
        dtype: the type of the mean.
        from_logits: whether predictions are logits.
        ignore_class: a number that stands for "no class"; its loss counts as 0.
        axis: the axis of the classes.

    Example:
        >>> metric = SparseCategoricalCrossentropy()
        >>> round(float(metric([1, 0], [[0.5, 0.5], [1.0, 0.0]])), 4)
        0.3466
    """


class RootMeanSquaredError(Mean):
    """The root of the mean squared difference: sqrt(mean((y_true - y_pred)²)).

    Args:
        name: its name.
        dtype: the type of the mean; `floatx` where None.

    Example:
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[4.0], [4.0]]))
        4.0
    """

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = align(as_float(y_true), as_float(y_pred))
        check_same_shape(self.name, y_true, y_pred)
        self._add(ops.square(ops.subtract(y_true, y_pred)), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())


for _aliases, _class in {
    ("mse", "MSE"): MeanSquaredError,
    ("mae", "MAE"): MeanAbsoluteError,
    ("mape", "MAPE"): MeanAbsolutePercentageError,
    ("msle", "MSLE"): MeanSquaredLogarithmicError,
    ("bce", "BCE"): BinaryCrossentropy,
}.items():
    registry.enter("metrics", _class, *_aliases)
