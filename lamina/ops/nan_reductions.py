"""Reductions that pass over NaN.

All stand on one step: NaN is replaced by the number that changes nothing (0 in a sum, 1 in a
product), and the plain reduction does the rest. The gradient at a NaN is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lamina.backend.dtypes import is_integer
from lamina.ops import conversion, dtypes, shapes
from lamina.ops.arithmetic import subtract, true_divide
from lamina.ops.comparison import where
from lamina.ops.elementwise import isnan, sqrt, square
from lamina.ops.logical import logical_not
from lamina.ops.reductions import all, argmax, argmin, cumprod, cumsum, max, min, prod, sum
from lamina.ops.row import Tensor, TensorLike, op

Axes = int | Sequence[int] | None


def _may_lack(x: Tensor) -> bool:
    """Whether a tensor of this type can hold NaN."""
    kind = conversion.dtype(x)
    return not (is_integer(kind) or kind == "bool")


def _replaced(x: Tensor, number: float) -> Tensor:
    """`x` with `number` in the place of NaN."""
    return where(isnan(x), number, x) if _may_lack(x) else x


def _or_else(result: Tensor, x: Tensor, axis: Axes, keepdims: bool, nothing: float) -> Tensor:
    """`result`, or `nothing` where every element along the axes of `x` is NaN."""
    return where(all(isnan(x), axis, keepdims), nothing, result) if _may_lack(x) else result


def _count(x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """How many elements along the axes are numbers, as a float that holds large counts."""
    return sum(conversion.cast(logical_not(isnan(x)), "float32"), axis, keepdims)


@op(result=dtypes.summed, shape=shapes.reduce)
def nansum(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Sum of the elements along the axes, NaN taken as 0.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes, of the type that `sum` gives.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nansum([1.0, float("nan"), 3.0])).tolist()
        4.0
    """
    return sum(_replaced(x, 0), axis, keepdims)


@op(result=dtypes.summed, shape=shapes.reduce)
def nanprod(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Product of the elements along the axes, NaN taken as 1.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes, of the type that `prod` gives.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanprod([2.0, float("nan"), 3.0])).tolist()
        6.0
    """
    return prod(_replaced(x, 1), axis, keepdims)


@op(result=dtypes.promoted, shape=shapes.extreme)
def nanmax(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest element along the axes, NaN passed over.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes; NaN where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanmax([1.0, float("nan"), 3.0])).tolist()
        3.0
    """
    return _or_else(max(_replaced(x, -math.inf), axis, keepdims), x, axis, keepdims, math.nan)


@op(result=dtypes.promoted, shape=shapes.extreme)
def nanmin(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest element along the axes, NaN passed over.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes; NaN where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanmin([1.0, float("nan"), 3.0])).tolist()
        1.0
    """
    return _or_else(min(_replaced(x, math.inf), axis, keepdims), x, axis, keepdims, math.nan)


@op(result=dtypes.positions, shape=shapes.reduce)
def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the largest element along an axis, the first of equals, NaN passed over.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the position in the flattened tensor.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        An `int32` tensor without the axis; -1 where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanargmax([1.0, float("nan"), 3.0])).tolist()
        2
    """
    return _or_else(argmax(_replaced(x, -math.inf), axis, keepdims), x, axis, keepdims, -1)


@op(result=dtypes.positions, shape=shapes.reduce)
def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the smallest element along an axis, the first of equals, NaN passed over.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the position in the flattened tensor.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        An `int32` tensor without the axis; -1 where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanargmin([float("nan"), 1.0, 3.0])).tolist()
        1
    """
    return _or_else(argmin(_replaced(x, math.inf), axis, keepdims), x, axis, keepdims, -1)


@op(result=dtypes.floating, shape=shapes.reduce)
def nanmean(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean of the numbers along the axes, NaN passed over.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor of `x`'s shape without the reduced axes; NaN where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanmean([1.0, float("nan"), 3.0])).tolist()
        2.0
    """
    return true_divide(nansum(x, axis, keepdims), _count(x, axis, keepdims))


@op(result=dtypes.floating, shape=shapes.reduce)
def nanvar(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Variance of the numbers along the axes, NaN passed over: nanmean((x - nanmean(x))²).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor of `x`'s shape without the reduced axes; NaN where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanvar([1.0, float("nan"), 3.0])).tolist()
        1.0
    """
    deviation = where(isnan(x), 0, subtract(x, nanmean(x, axis, keepdims=True)))
    return true_divide(sum(square(deviation), axis, keepdims), _count(x, axis, keepdims))


@op(result=dtypes.floating, shape=shapes.reduce)
def nanstd(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Standard deviation of the numbers along the axes, NaN passed over: √nanvar(x).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor of `x`'s shape without the reduced axes; NaN where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanstd([1.0, float("nan"), 3.0])).tolist()
        1.0
    """
    return sqrt(nanvar(x, axis, keepdims))


@op(result=dtypes.accumulated, shape=shapes.cumulative)
def nancumsum(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Sum of the elements so far along an axis, NaN taken as 0.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the flattened tensor.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, flattened where `axis` is None, of `dtype` or `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nancumsum([1.0, float("nan"), 3.0])).tolist()
        [1.0, 1.0, 4.0]
    """
    return cumsum(_replaced(x, 0), axis, dtype)


@op(result=dtypes.accumulated, shape=shapes.cumulative)
def nancumprod(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Product of the elements so far along an axis, NaN taken as 1.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the flattened tensor.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, flattened where `axis` is None, of `dtype` or `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nancumprod([2.0, float("nan"), 3.0])).tolist()
        [2.0, 2.0, 6.0]
    """
    return cumprod(_replaced(x, 1), axis, dtype)
