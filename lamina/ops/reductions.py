"""Reductions: one number for all elements along some axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lamina.ops import dtypes, shapes, shapes_counting
from lamina.ops.arithmetic import add, multiply, subtract, true_divide
from lamina.ops.comparison import equal, where
from lamina.ops.control import stop_gradient
from lamina.ops.creation import ones_like
from lamina.ops.elementwise import exp, isfinite, log
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shaping import moveaxis, reshape, squeeze


@op(result=dtypes.summed, shape=shapes.reduce)
def sum(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Sum of the elements along the axes.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes. Integers of fewer than 32 bits, and
        booleans, add up in 32.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sum([[1, 2], [3, 4]], axis=0)).tolist()
        [4, 6]
    """
    ...


@op(result=dtypes.summed, shape=shapes.reduce)
def prod(
    x: TensorLike,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    dtype: Any = None,
) -> Tensor:
    """Product of the elements along the axes.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape without the reduced axes. Integers of fewer than 32 bits, and
        booleans, multiply in 32.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.prod([[1, 2], [3, 4]], axis=0)).tolist()
        [3, 8]
    """
    ...


@op(result=dtypes.floating, shape=shapes.reduce)
def mean(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean of the elements along the axes.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.mean([[1, 2], [3, 4]], axis=0)).tolist()
        [2.0, 3.0]
    """
    ...


@op(result=dtypes.floating, shape=shapes.reduce)
def var(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Variance of the elements along the axes: mean((x - mean(x))²).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.var([[1.0, 2.0], [3.0, 6.0]], axis=0)).tolist()
        [1.0, 4.0]
    """
    ...


@op(result=dtypes.real_floating, shape=shapes.reduce)
def std(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Standard deviation of the elements along the axes: √var(x).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.std([[1.0, 2.0], [3.0, 6.0]], axis=0)).tolist()
        [1.0, 2.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.extreme)
def max(
    x: TensorLike,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    initial: float | None = None,
) -> Tensor:
    """The largest element along the axes; NaN if there is one.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.
        initial: a number that takes part too; needed where there may be no element.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.max([[1, 5], [3, 4]], axis=0)).tolist()
        [3, 5]
    """
    ...


amax = max


@op(result=dtypes.promoted, shape=shapes.extreme)
def min(
    x: TensorLike,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    initial: float | None = None,
) -> Tensor:
    """The smallest element along the axes; NaN if there is one.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.
        initial: a number that takes part too; needed where there may be no element.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.min([[1, 5], [3, 4]], axis=0)).tolist()
        [1, 4]
    """
    ...


amin = min


@op(result=dtypes.promoted, shape=shapes.extreme)
def ptp(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Range of the elements along the axes: max(x) - min(x).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.ptp([[1, 5], [3, 4]], axis=0)).tolist()
        [2, 1]
    """
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@op(result=dtypes.logical, shape=shapes.reduce)
def any(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Whether an element along the axes holds (is not 0).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A boolean tensor without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.any([[True, False], [False, False]], axis=0)).tolist()
        [True, False]
    """
    ...


@op(result=dtypes.logical, shape=shapes.reduce)
def all(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Whether all elements along the axes hold (are not 0).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A boolean tensor without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.all([[True, False], [True, True]], axis=0)).tolist()
        [True, False]
    """
    ...


@op(result=dtypes.positions, shape=shapes.reduce)
def count_nonzero(x: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """How many elements along the axes are not 0.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.

    Returns:
        An `int32` tensor without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.count_nonzero([[1, 0], [3, 4]], axis=0)).tolist()
        [2, 1]
    """
    ...


@op(result=dtypes.positions, shape=shapes.reduce)
def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the largest element along an axis, the first of equals.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the position in the flattened tensor.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        An `int32` tensor without the axis.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.argmax([[1, 5], [3, 4]], axis=1)).tolist()
        [1, 1]
    """
    ...


@op(result=dtypes.positions, shape=shapes.reduce)
def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the smallest element along an axis, the first of equals.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the position in the flattened tensor.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        An `int32` tensor without the axis.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.argmin([[1, 5], [3, 4]], axis=1)).tolist()
        [0, 0]
    """
    ...


@op(result=dtypes.floating, shape=shapes.reduce)
def logsumexp(
    x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> Tensor:
    """Logarithm of a sum of exponentials: log(Σ e^x), without overflow.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logsumexp([1000.0, 1000.0])).round(4)
        np.float32(1000.6932)
    """
    peak = max(x, axis=axis, keepdims=True, initial=-math.inf)
    # An infinite peak would turn into inf - inf.
    peak = stop_gradient(where(isfinite(peak), peak, 0))
    sums = sum(exp(subtract(x, peak)), axis=axis, keepdims=True)
    nothing = equal(sums, 0)
    # The logarithm's slope at 0 is infinite; the inner choice keeps it away from there.
    total = where(nothing, float("-inf"), log(where(nothing, 1, sums)) + peak)
    return total if keepdims else squeeze(total, axis)


@op(result=dtypes.floating, shape=shapes.average)
def average(
    x: TensorLike, axis: int | Sequence[int] | None = None, weights: TensorLike | None = None
) -> Tensor:
    """Weighted mean along the axes: Σ w x / Σ w.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        weights: of `x`'s shape, or of the length of the one axis; None for equal weights.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.average([1.0, 4.0], weights=[3, 1])).tolist()
        1.75
    """
    if weights is None:
        return mean(x, axis)
    rank = len(x.shape)
    if isinstance(axis, int) and len(weights.shape) == 1 < rank:
        weights = reshape(weights, [-1 if i == axis % rank else 1 for i in range(rank)])
    every = multiply(weights, ones_like(x))
    return true_divide(sum(multiply(x, every), axis), sum(every, axis))


@op(result=dtypes.accumulated, shape=shapes.cumulative)
def cumsum(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Sum of the elements so far along an axis.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the flattened tensor.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, flattened where `axis` is None, of `dtype` or `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cumsum([1, 2, 3])).tolist()
        [1, 3, 6]
    """
    ...


@op(result=dtypes.accumulated, shape=shapes.cumulative)
def cumprod(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Product of the elements so far along an axis.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the flattened tensor.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, flattened where `axis` is None, of `dtype` or `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cumprod([1, 2, 3])).tolist()
        [1, 2, 6]
    """
    ...


@op(result=dtypes.floating, shape=shapes_counting.trapezoid)
def trapezoid(
    y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1
) -> Tensor:
    """Integral along an axis by the trapezoidal rule: Σ (x[i + 1] - x[i]) (y[i + 1] + y[i]) / 2.

    Args:
        y: the values of the function.
        x: where they are: of `y`'s shape, or a vector along the axis; None for equal distances.
        dx: the distance where `x` is None.
        axis: the axis.

    Returns:
        A float tensor of `y`'s shape without the axis.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.trapezoid([1.0, 2.0, 3.0], x=[4, 6, 8])).tolist()
        8.0
    """
    y = moveaxis(y, axis, -1)
    width = dx if x is None else _steps(moveaxis(x, axis, -1) if len(x.shape) > 1 else x)
    return sum(multiply(width, multiply(0.5, add(y[..., 1:], y[..., :-1]))), axis=-1)


def _steps(x: Tensor) -> Tensor:
    return subtract(x[..., 1:], x[..., :-1])
