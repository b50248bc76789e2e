"""The losses as metrics: the mean of each over all samples, and the root of one of them."""

from __future__ import annotations

from typing import Any

from lamina import losses, ops
from lamina.core import registry
from lamina.losses.formula import Tensor, TensorLike, as_float, formula
from lamina.losses.shaping import align, check_same_shape
from lamina.metrics.mean import Mean, _FormulaMetric


class MeanSquaredError(_FormulaMetric, formula=losses.mean_squared_error):
    """The mean of `lamina.losses.mean_squared_error`.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """


class MeanAbsoluteError(_FormulaMetric, formula=losses.mean_absolute_error):
    """The mean of `lamina.losses.mean_absolute_error`."""


class MeanAbsolutePercentageError(_FormulaMetric, formula=losses.mean_absolute_percentage_error):
    """The mean of `lamina.losses.mean_absolute_percentage_error`."""


class MeanSquaredLogarithmicError(_FormulaMetric, formula=losses.mean_squared_logarithmic_error):
    """The mean of `lamina.losses.mean_squared_logarithmic_error`."""


class LogCoshError(_FormulaMetric, formula=losses.log_cosh, name="logcosh"):
    """The mean of `lamina.losses.log_cosh`."""


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
    """


class Hinge(_FormulaMetric, formula=losses.hinge):
    """The mean of `lamina.losses.hinge`."""


class SquaredHinge(_FormulaMetric, formula=losses.squared_hinge):
    """The mean of `lamina.losses.squared_hinge`."""


class CategoricalHinge(_FormulaMetric, formula=losses.categorical_hinge):
    """The mean of `lamina.losses.categorical_hinge`."""


class KLDivergence(_FormulaMetric, formula=losses.kl_divergence):
    """The mean of `lamina.losses.kl_divergence`."""


class Poisson(_FormulaMetric, formula=losses.poisson):
    """The mean of `lamina.losses.poisson`."""


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
    """


class CategoricalCrossentropy(_FormulaMetric, formula=losses.categorical_crossentropy):
    """The mean of `lamina.losses.categorical_crossentropy`.

    Args:
        name: its name.
        dtype: the type of the mean.
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is spread over all classes.
        axis: the axis of the classes.
    """


class SparseCategoricalCrossentropy(_FormulaMetric, formula=losses.sparse_categorical_crossentropy):
    """The mean of `lamina.losses.sparse_categorical_crossentropy`.

    Args:
        name: its name.
        dtype: the type of the mean.
        from_logits: whether predictions are logits.
        ignore_class: a number that stands for "no class"; its loss counts as 0.
        axis: the axis of the classes.
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
