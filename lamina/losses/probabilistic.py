"""Losses of probabilities: minus the log-likelihood of the targets."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.backend import epsilon
from lamina.core.context import set_mask
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.loss import LossFunctionWrapper, _FormulaLoss
from lamina.losses.shaping import class_numbers


def smoothed(y_true: Tensor, share: float, outcomes: int) -> Tensor:
    """Targets of which a share is spread over all outcomes, so that none is wholly certain."""
    return y_true * (1.0 - share) + share / outcomes if share else y_true


@formula("bce", "BCE")
def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy of yes and no: mean(-y_true log(y_pred) - (1 - y_true) log(1 - y_pred)).

    Args:
        y_true: 0 or 1, or probabilities, of shape `(batch, …, n)`.
        y_pred: probabilities, or logits, of the same shape.
        from_logits: whether `y_pred` holds logits, from minus to plus infinity.
        label_smoothing: the share of each target that is replaced by 1/2.
        axis: the axis of the mean.

    Returns:
        The means over `axis`, shape `(batch, …)`.

    Example:
        >>> round(float(binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.6931

    Reference:
        https://en.wikipedia.org/wiki/Cross-entropy
    """
    y_true = smoothed(y_true, label_smoothing, 2)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(values, axis=axis)


@formula()
def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy of classes: -sum(y_true log(y_pred)).

    Args:
        y_true: one-hot classes or probabilities, of shape `(batch, …, classes)`.
        y_pred: probabilities, or logits, of the same shape.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: the share of each target that is spread over all classes.
        axis: the axis of the classes.

    Returns:
        Shape `(batch, …)`, without `axis`.

    Example:
        >>> round(float(categorical_crossentropy([[0, 1]], [[0.5, 0.5]])[0]), 4)
        0.6931

    Reference:
        https://en.wikipedia.org/wiki/Cross-entropy
    """
    y_true = smoothed(y_true, label_smoothing, y_pred.shape[axis])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@formula(classes=True)
def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """Cross-entropy of class numbers: -log(y_pred[y_true]).

    Args:
        y_true: class numbers, of shape `(batch, …)` or `(batch, …, 1)`.
        y_pred: probabilities, or logits, of shape `(batch, …, classes)`.
        from_logits: whether `y_pred` holds logits.
        ignore_class: a number that stands for "no class": its loss is 0, and a mean leaves it
            out.
        axis: the axis of the classes.

    Returns:
        Shape `(batch, …)`, without `axis`.

    Raises:
        ValueError: if `y_true` has another shape.

    Example:
        >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
        0.6931

    Reference:
        https://en.wikipedia.org/wiki/Cross-entropy
    """
    classes = class_numbers(y_true, y_pred, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            classes, y_pred, from_logits=from_logits, axis=axis
        )
    valid = ops.not_equal(classes, ignore_class)
    values = ops.sparse_categorical_crossentropy(
        ops.where(valid, classes, 0), y_pred, from_logits=from_logits, axis=axis
    )
    values = ops.where(valid, values, 0.0)
    set_mask(values, valid)
    return values


@formula(classes=True)
def categorical_generalized_cross_entropy(
    y_true: TensorLike, y_pred: TensorLike, q: float
) -> Tensor:
    """Cross-entropy that wrong targets harm less: (1 - p^q) / q, with p = y_pred[y_true].

    Near q = 0 it is the cross-entropy -log(p), at q = 1 the absolute error 1 - p.

    Args:
        y_true: class numbers, of shape `(batch, …)` or `(batch, …, 1)`; the latter is what Keras
            pairs with every other sample.
        y_pred: probabilities, of shape `(batch, …, classes)`.
        q: how much noise the targets are taken to have, between 0 and 1.

    Returns:
        Shape `(batch, …)`. Where p is 0, the gradient is 0; Keras has NaN.

    Example:
        >>> float(categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)[0])
        1.0

    Reference:
        Zhang and Sabuncu, 2018, https://arxiv.org/abs/1805.07836
    """
    classes = ops.expand_dims(class_numbers(y_true, y_pred), -1)
    p = ops.take_along_axis(y_pred, classes, axis=-1)[..., 0]
    # The slope of p^q at 0 is infinite; the inner `where` keeps it out of the gradient.
    power = ops.where(p > 0, ops.power(ops.where(p > 0, p, 1.0), q), 0.0)
    return (1.0 - power) / q


@formula("kld", "KLD")
def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Kullback-Leibler divergence of two distributions: sum(y_true log(y_true / y_pred)).

    Args:
        y_true: probabilities, of shape `(batch, …, n)`, clipped to `epsilon()` … 1.
        y_pred: probabilities of the same shape, clipped likewise.

    Returns:
        The sums over the last axis, shape `(batch, …)`.

    Example:
        >>> float(kl_divergence([[0.5, 0.5]], [[0.5, 0.5]])[0])
        0.0

    Reference:
        Kullback and Leibler, 1951, https://doi.org/10.1214/aoms/1177729694
    """
    y_true, y_pred = ops.clip(y_true, epsilon(), 1.0), ops.clip(y_pred, epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


@formula()
def poisson(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Counts of a Poisson process, up to a constant: mean(y_pred - y_true log(y_pred)).

    Args:
        y_true: counts, of shape `(batch, …, n)`.
        y_pred: their expected values, of the same shape.

    Returns:
        The means over the last axis, shape `(batch, …)`.

    Example:
        >>> round(float(poisson([[2.0]], [[1.0]])[0]), 4)
        1.0

    Reference:
        https://en.wikipedia.org/wiki/Poisson_regression
    """
    return ops.mean(y_pred - y_true * ops.log(y_pred + epsilon()), axis=-1)


class BinaryCrossentropy(_FormulaLoss, formula=binary_crossentropy):
    """The loss `binary_crossentropy`, for outputs that are each yes or no.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is replaced by 1/2.
        axis: the axis of the mean.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(BinaryCrossentropy(from_logits=True)([[0.0], [1.0]], [[0.0], [0.0]])), 4)
        0.6931
    """


class CategoricalCrossentropy(_FormulaLoss, formula=categorical_crossentropy):
    """The loss `categorical_crossentropy`, for one-hot targets.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: the share of each target that is spread over all classes.
        axis: the axis of the classes.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0, 1], [1, 0]], [[0.5, 0.5], [1.0, 0.0]])), 4)
        0.3466
    """


class SparseCategoricalCrossentropy(
    _FormulaLoss,
    formula=sparse_categorical_crossentropy,
    order="from_logits ignore_class reduction axis name dtype",
):
    """The loss `sparse_categorical_crossentropy`, for targets that are class numbers.

    Args:
        from_logits: whether predictions are logits.
        ignore_class: a number that stands for "no class".
        reduction: see `Loss`.
        axis: the axis of the classes.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> loss = SparseCategoricalCrossentropy(ignore_class=-1)
        >>> round(float(loss([1, -1], [[0.5, 0.5], [1.0, 0.0]])), 4)
        0.6931
    """


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """The loss `categorical_generalized_cross_entropy`, for class numbers some of which are wrong.

    Args:
        q: how much noise the targets are taken to have, between 0 and 1.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Raises:
        ValueError: if `q` is not between 0 and 1.

    Example:
        >>> float(CategoricalGeneralizedCrossEntropy(q=0.5)([1, 0], [[0.75, 0.25], [1.0, 0.0]]))
        0.5
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(
                f"q={q!r} of CategoricalGeneralizedCrossEntropy is not between 0 and 1. Use "
                "SparseCategoricalCrossentropy, which it becomes near 0, or a q just below 1."
            )
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class KLDivergence(_FormulaLoss, formula=kl_divergence):
    """The loss `kl_divergence`: sum(y_true log(y_true / y_pred)).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(KLDivergence()([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]])), 4)
        0.3466
    """


class Poisson(_FormulaLoss, formula=poisson):
    """The loss `poisson`: mean(y_pred - y_true log(y_pred)).

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(Poisson()([[2.0], [1.0]], [[1.0], [2.0]])), 4)
        1.1534
    """
