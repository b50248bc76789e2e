"""Connectionist temporal classification: labels in order, without the times at which they are."""

from __future__ import annotations

from lamina import ops
from lamina.losses.formula import Tensor, TensorLike, formula
from lamina.losses.loss import _FormulaLoss


@formula(classes=True)
def ctc(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """-log(p(y_true)): the sum over all ways to say the labels in the steps there are.

    `ops.ctc_loss` with all steps of every sequence; class 0 is the blank.

    Args:
        y_true: labels from 1 on, of shape `(batch, labels)`, filled up with 0.
        y_pred: logits, of shape `(batch, steps, classes)`.

    Returns:
        Shape `(batch,)`.

    Raises:
        ValueError: if they have other ranks.

    Example:
        >>> round(float(ctc([[1, 0]], ops.zeros((1, 2, 3)))[0]), 4)
        1.0986

    Reference:
        Graves et al., 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
    """
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(
            "ctc takes labels of shape (batch, labels) and logits of shape (batch, steps, "
            f"classes), and was given shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}."
        )
    labels = ops.cast(y_true, "int32")
    lengths = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=-1)
    steps = ops.full_like(lengths, y_pred.shape[1])
    return ops.ctc_loss(labels, y_pred, lengths, steps)


class CTC(_FormulaLoss, formula=ctc):
    """The loss `ctc`, for text from speech or from pictures of lines.

    Args:
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> round(float(CTC()([[1, 0]], ops.zeros((1, 2, 3)))), 4)
        1.0986
    """
