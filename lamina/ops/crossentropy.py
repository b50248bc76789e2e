"""Cross-entropy between classes and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend.config import epsilon, settings
from lamina.backend.dtypes import is_float
from lamina.ops import arithmetic, dtypes, elementwise, reductions, rounding, shapes_nn, shaping
from lamina.ops.activations import log_softmax
from lamina.ops.encodings import one_hot
from lamina.ops.row import Indices, Tensor, TensorLike, op
from lamina.ops.shapes import canonical_axis


def _of_output(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """Computed and returned in the predictions' type, the last operand's."""
    common = types[-1] if is_float(types[-1]) else settings.floatx
    return common, common


def _log_probabilities(output: Tensor, from_logits: bool, axis: int) -> Tensor:
    if from_logits:
        return log_softmax(output, axis=axis)
    output = output / reductions.sum(output, axis=axis, keepdims=True)
    return elementwise.log(rounding.clip(output, epsilon(), 1 - epsilon()))


@op(result=_of_output, shape=shapes_nn.equal_shapes)
def binary_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False
) -> Tensor:
    """-(target * log(p) + (1 - target) * log(1 - p)), elementwise.

    Args:
        target: 0 and 1, or probabilities between.
        output: the predictions p, of the same shape.
        from_logits: `output` are the x of p = sigmoid(x).

    Returns:
        A tensor of that shape, in the type of `output`.

    Example:
        >>> from lamina import ops
        >>> round(float(ops.binary_crossentropy(1.0, 0.5)), 4)
        0.6931
    """
    if from_logits:
        rest = elementwise.log1p(elementwise.exp(-elementwise.absolute(output)))
        return arithmetic.maximum(output, 0) - output * target + rest
    output = rounding.clip(output, epsilon(), 1 - epsilon())
    return -(target * elementwise.log(output) + (1 - target) * elementwise.log(1 - output))


@op(result=_of_output, shape=shapes_nn.categorical_crossentropy)
def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(target * log(p)) over the classes.

    Args:
        target: the probability of each class, often one-hot.
        output: the predictions p, of the same shape; divided by their sum.
        from_logits: `output` are the x of p = softmax(x).
        axis: the axis of the classes.

    Returns:
        A tensor without that axis, in the type of `output`.
    """
    return -reductions.sum(target * _log_probabilities(output, from_logits, axis), axis=axis)


@op(result=_of_output, shape=shapes_nn.sparse_categorical_crossentropy)
def sparse_categorical_crossentropy(
    target: Indices, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log(p[target]): the cross-entropy of one class each.

    Args:
        target: integers, of `output`'s shape without `axis`, or with 1 in the last place.
        output: the predictions p; divided by their sum.
        from_logits: `output` are the x of p = softmax(x).
        axis: the axis of the classes.

    Returns:
        A tensor without that axis, in the type of `output`.

    Example:
        >>> from lamina import ops
        >>> loss = ops.sparse_categorical_crossentropy([1], [[0.5, 0.25, 0.25]])
        >>> round(float(loss[0]), 4)
        1.3863
    """
    axis = canonical_axis(axis, len(output.shape))
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = shaping.squeeze(target, axis=-1)
    chosen: Any = one_hot(target, output.shape[axis], axis=axis, dtype=output.dtype)
    return -reductions.sum(chosen * _log_probabilities(output, from_logits, axis), axis=axis)
