"""The circle loss: embeddings near those of their own class and far from all others."""

from __future__ import annotations

from lamina import ops
from lamina.core.context import set_mask
from lamina.losses.formula import Tensor, TensorLike, as_float, formula
from lamina.losses.loss import _FormulaLoss
from lamina.losses.shaping import class_numbers

# So low, in any type of float, that its exponential is 0; finite, so that gradients are.
LOWEST = -3e4


@formula(classes=True)
def circle(
    y_true: TensorLike,
    y_pred: TensorLike,
    ref_labels: TensorLike | None = None,
    ref_embeddings: TensorLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Every similarity is pulled towards its best value, the harder the farther it is from there.

    softplus(log sum exp(gamma max(s + m, 0) (s - m)) + log sum exp(gamma max(1 + m - s, 0)
    (1 - m - s))), the first sum over the similarities s with other classes, the second over those
    with the own class; m is the margin.

    Args:
        y_true: class numbers, of shape `(batch,)` or `(batch, 1)`.
        y_pred: embeddings of length 1, of shape `(batch, size)`; similarities above 1 count as 1.
        ref_labels: class numbers of the embeddings compared with, `(references,)`; `y_true` where
            None.
        ref_embeddings: the embeddings compared with, `(references, size)`; `y_pred` where None.
        remove_diagonal: whether the i-th embedding is not compared with the i-th reference, which
            is itself.
        gamma: the scale of similarities.
        margin: how far from -1 and 1 similarities may stay.

    Returns:
        Shape `(batch,)`. Where a sample has no other of its class, or none of another class, it is
        0, and a mean leaves it out.

    Raises:
        ValueError: if the embeddings are no matrix, or labels are not one for each.

    Example:
        >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> values = ops.convert_to_numpy(circle([0, 0, 1], embeddings, gamma=1.0))
        >>> [round(value, 4) for value in values.tolist()]
        [0.5459, 0.5459, 0.0]

    Reference:
        Sun et al., 2020, https://arxiv.org/abs/2002.10857
    """
    references = y_pred if ref_embeddings is None else as_float(ref_embeddings)
    if len(y_pred.shape) != 2 or len(references.shape) != 2:
        raise ValueError(
            f"circle compares embeddings of shape (batch, size), and was given some of shape "
            f"{tuple(y_pred.shape)} and references of shape {tuple(references.shape)}. Pool or "
            "flatten what a sample has into one vector."
        )
    labels = class_numbers(y_true, y_pred)
    others = labels if ref_labels is None else ops.convert_to_tensor(ref_labels)
    others = class_numbers(others, references)
    same = ops.equal(labels[:, None], others[None, :])
    alike, different = same, ops.logical_not(same)
    if remove_diagonal:
        itself = ops.eye(y_pred.shape[0], references.shape[0], dtype="bool")
        alike = ops.logical_and(alike, ops.logical_not(itself))
    s = ops.minimum(ops.matmul(y_pred, ops.transpose(references)), 1.0)
    too_near = ops.maximum(s + margin, 0.0) * (s - margin)
    too_far = ops.maximum(1.0 + margin - s, 0.0) * (1.0 - margin - s)
    values = ops.softplus(_worst(gamma * too_near, different) + _worst(gamma * too_far, alike))
    set_mask(values, ops.logical_and(ops.any(alike, axis=-1), ops.any(different, axis=-1)))
    return values


def _worst(penalties: Tensor, counted: Tensor) -> Tensor:
    """A smooth maximum of the penalties counted, of each row."""
    return ops.logsumexp(ops.where(counted, penalties, LOWEST), axis=-1)


class Circle(
    _FormulaLoss, formula=circle, order="gamma margin remove_diagonal reduction name dtype"
):
    """The loss `circle`, for a model whose last layer is `UnitNormalization`.

    Args:
        gamma: the scale of similarities.
        margin: how far from -1 and 1 similarities may stay.
        remove_diagonal: whether an embedding is not compared with itself.
        reduction: see `Loss`.
        name: its name.
        dtype: see `Loss`.

    Example:
        >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> round(float(Circle(gamma=1.0)([0, 0, 1], embeddings)), 4)
        0.5459
    """
