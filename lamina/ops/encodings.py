"""Classes as vectors of zeros and ones."""

from __future__ import annotations

from typing import Any

from lamina.ops import comparison, conversion, creation, dtypes, reductions, shapes_nn, shaping
from lamina.ops.row import Indices, Tensor, op


@op(result=dtypes.asked, shape=shapes_nn.one_hot)
def one_hot(
    x: Indices, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """1 at the place of each class along a new axis, 0 elsewhere.

    Args:
        x: integers; those outside 0 … num_classes - 1 give zeros only.
        num_classes: the size of the new axis.
        axis: where it goes; last by default.
        dtype: the element type; `floatx` where None.
        sparse: must be False: tensors are dense.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.one_hot([1, 0], 3, dtype="int32")).tolist()
        [[0, 1, 0], [1, 0, 0]]
    """
    axis = axis % (len(x.shape) + 1)
    classes = shaping.reshape(creation.arange(num_classes), (-1,) + (1,) * (len(x.shape) - axis))
    return conversion.cast(comparison.equal(shaping.expand_dims(x, axis), classes), dtype)


def multi_hot(
    inputs: Indices,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """1 at the place of each class that a row of `inputs` holds, 0 elsewhere.

    Args:
        inputs: integers of shape `(batch, length)` or `(length,)`.
        num_classes: how many classes there are.
        axis: where the classes go.
        dtype: the element type; `floatx` where None.
        sparse: must be False: tensors are dense.

    Raises:
        ValueError: if `num_classes` is missing.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.multi_hot([[0, 2]], 3)).tolist()
        [[1.0, 0.0, 1.0]]
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes, the number of classes there are.")
    if kwargs:
        raise TypeError(f"multi_hot has no argument {', '.join(kwargs)}.")
    codes = one_hot(inputs, num_classes, axis, dtype, sparse)
    return reductions.max(codes, axis=1 if len(codes.shape) > 2 else 0)
