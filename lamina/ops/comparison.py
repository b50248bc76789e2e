"""Comparisons of two tensors, and choices between them."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.row import Indices, Tensor, TensorLike, op


@op(result=dtypes.boolean, shape=shapes.broadcast)
def equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether x1 = x2, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.equal([1, 2, 3], 2)).tolist()
        [False, True, False]
    """
    ...


@op(result=dtypes.boolean, shape=shapes.broadcast)
def not_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether x1 ≠ x2, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.not_equal([1, 2, 3], 2)).tolist()
        [True, False, True]
    """
    ...


@op(result=dtypes.boolean, shape=shapes.broadcast)
def less(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether x1 < x2, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.less([1, 2, 3], 2)).tolist()
        [True, False, False]
    """
    ...


@op(result=dtypes.boolean, shape=shapes.broadcast)
def less_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether x1 ≤ x2, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.less_equal([1, 2, 3], 2)).tolist()
        [True, True, False]
    """
    ...


@op(result=dtypes.boolean, shape=shapes.broadcast)
def greater(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether x1 > x2, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.greater([1, 2, 3], 2)).tolist()
        [False, False, True]
    """
    ...


@op(result=dtypes.boolean, shape=shapes.broadcast)
def greater_equal(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether x1 ≥ x2, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.greater_equal([1, 2, 3], 2)).tolist()
        [False, True, True]
    """
    ...


@op(result=dtypes.promoted_or_any, shape=shapes.where)
def where(condition: Indices, x1: TensorLike | None = None, x2: TensorLike | None = None) -> Tensor:
    """x1 where the condition holds, else x2.

    With the condition alone, the positions where it holds, as `nonzero` gives them.

    Args:
        condition: a boolean tensor; numbers count as true where they are not 0.
        x1: a tensor whose shape broadcasts with the others'.
        x2: a tensor whose shape broadcasts with the others'.

    Returns:
        A tensor of the broadcast shape and the common type of `x1` and `x2`; without these, a tuple
        of index tensors, one for each dimension.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.where([True, False], [1, 2], 0)).tolist()
        [1, 0]
    """
    ...


@op(result=dtypes.predicate, shape=shapes.broadcast)
def isclose(
    x1: TensorLike,
    x2: TensorLike,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Whether two elements are close: |x1 - x2| ≤ atol + rtol |x2|.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.
        rtol: the tolerance relative to `x2`.
        atol: the absolute tolerance.
        equal_nan: whether two NaNs are close.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.isclose([1.0, 1.1], 1.0 + 1e-7)).tolist()
        [True, False]
    """
    ...


@op(result=dtypes.predicate, shape=shapes.scalar)
def allclose(
    x1: TensorLike,
    x2: TensorLike,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Whether all elements are close: |x1 - x2| ≤ atol + rtol |x2|.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.
        rtol: the tolerance relative to `x2`.
        atol: the absolute tolerance.
        equal_nan: whether two NaNs are close.

    Returns:
        A boolean tensor of shape ().

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.allclose([1.0, 1.1], 1.0)).tolist()
        False
    """
    ...


@op(result=dtypes.boolean, shape=shapes.same)
def isin(
    x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element of x1 is among the elements of x2.

    Args:
        x1: a tensor of any shape.
        x2: the elements looked for, in any shape.
        assume_unique: whether no element occurs twice in either tensor, which may be faster.
        invert: whether to answer which elements are not among them.

    Returns:
        A boolean tensor of `x1`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.isin([1, 2, 3], [3, 1])).tolist()
        [True, False, True]
    """
    ...
