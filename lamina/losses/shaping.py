"""Bringing targets, predictions and weights to shapes that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import ops

Tensor = Any


def align(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both in one rank where only a last dimension of 1 makes the difference.

    Example:
        >>> y_true, y_pred = align(ops.zeros((4,)), ops.zeros((4, 1)))
        >>> tuple(y_true.shape)
        (4, 1)
    """
    difference = len(y_true.shape) - len(y_pred.shape)
    if difference == 1 and y_true.shape[-1] == 1:
        y_pred, y_true = _same_rank(y_pred, y_true)
    elif difference == -1 and y_pred.shape[-1] == 1:
        y_true, y_pred = _same_rank(y_true, y_pred)
    return y_true, y_pred


def _same_rank(flat: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    # One number a sample stays a row of one: the mean over the last axis is then that number.
    if len(flat.shape) == 1:
        return ops.expand_dims(flat, -1), column
    return flat, ops.squeeze(column, axis=-1)


def same_shape(first: Sequence[int | None], second: Sequence[int | None]) -> bool:
    """Whether the shapes agree in all dimensions that are known."""
    return len(first) == len(second) and all(
        one == two or one is None or two is None for one, two in zip(first, second, strict=True)
    )


def check_same_shape(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    """Refuse shapes that NumPy would stretch: the loss of every target with every output.

    Raises:
        ValueError: if the shapes differ and `y_true` is no scalar.
    """
    if len(y_true.shape) and not same_shape(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{name} compares each element of y_true with one of y_pred, and their shapes are "
            f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}. Give the targets the shape of the "
            "model's output, or the last layer as many units as the targets have columns."
        )


def class_numbers(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """Class numbers as integers, in the shape of the predictions without the axis of classes.

    Raises:
        ValueError: if they have another shape.
    """
    classes = ops.cast(y_true, "int32")
    if len(classes.shape) == len(y_pred.shape) and classes.shape[-1] == 1:
        classes = ops.squeeze(classes, axis=-1)
    expected = list(y_pred.shape)
    del expected[axis]
    if not same_shape(classes.shape, expected):
        raise ValueError(
            f"Class numbers of shape {tuple(y_true.shape)} do not belong to predictions of shape "
            f"{tuple(y_pred.shape)}: expected the shape {tuple(expected)}. For one-hot targets, "
            "take the loss or metric without `sparse`."
        )
    return classes


def fit_weights(weights: Tensor, values: Tensor, name: str = "sample_weight") -> Tensor:
    """Weights in the rank of `values`: axes they do not have are added on the right.

    Raises:
        ValueError: if a dimension is neither that of `values` nor 1.
    """
    shape = tuple(weights.shape)
    if shape and not tuple(values.shape):
        raise ValueError(
            f"The {name} has the shape {shape}, and the function whose values it weighs returned "
            "one number for the whole batch, which says nothing of a single sample. Return one "
            "value for each sample instead, as ops.mean(…, axis=-1) and Dice(axis=(1, …)) do."
        )
    if len(shape) == len(values.shape) + 1 and shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    elif 0 < len(shape) < len(values.shape):
        weights = ops.reshape(weights, (*shape, *[1] * (len(values.shape) - len(shape))))
    fitted = tuple(weights.shape)
    sizes = zip(fitted, values.shape, strict=False)
    if len(fitted) > len(values.shape) or any(one not in (1, two) for one, two in sizes):
        raise ValueError(
            f"The {name} has the shape {shape}, and the values that it weighs have the shape "
            f"{tuple(values.shape)}. Give one weight for each sample, shape "
            f"{tuple(values.shape)[:1]}, or one for each value."
        )
    return weights
