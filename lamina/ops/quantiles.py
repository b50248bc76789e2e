"""Quantiles: the elements at given places of the order, or between two of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lamina.ops import dtypes, shapes
from lamina.ops.arithmetic import add, maximum, minimum, multiply, subtract, true_divide
from lamina.ops.comparison import equal, where
from lamina.ops.conversion import cast, dtype
from lamina.ops.elementwise import isnan
from lamina.ops.indexing import take_along_axis
from lamina.ops.logical import logical_not
from lamina.ops.reductions import any, sum
from lamina.ops.rounding import ceil, floor
from lamina.ops.row import Indices, Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, moveaxis, reshape, squeeze, transpose
from lamina.ops.sorting import sort

Axes = int | Sequence[int] | None


@op(result=dtypes.floating, shape=shapes.reduce)
def median(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The middle element along the axes; the mean of the two middle ones of an even number.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.median([1.0, 2.0, 10.0])).tolist()
        2.0
    """
    return quantile(x, 0.5, axis, "linear", keepdims)


@op(result=dtypes.widened, shape=shapes.quantile)
def quantile(
    x: TensorLike,
    q: Indices,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The value below which a fraction q of the elements along the axes lies.

    Args:
        x: a tensor of any shape.
        q: which fraction of the elements is smaller, in [0, 1]: a number or a vector.
        axis: the axis or axes; None for all of them.
        method: how to choose between two elements: 'linear', 'lower', 'higher', 'midpoint' or
            'nearest'.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor: the shape of `q`, then `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.quantile([1.0, 2.0, 4.0], 0.5)).tolist()
        2.0
    """
    return _quantile(x, q, axis, method, keepdims, skip_nan=False)


@op(result=dtypes.widened, shape=shapes.quantile)
def percentile(
    x: TensorLike,
    q: Indices,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The value below which q percent of the elements along the axes lie.

    Args:
        x: a tensor of any shape.
        q: percents, in [0, 100]: a number or a vector.
        axis: the axis or axes; None for all of them.
        method: how to choose between two elements: 'linear', 'lower', 'higher', 'midpoint' or
            'nearest'.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor: the shape of `q`, then `x`'s shape without the reduced axes.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.percentile([1.0, 2.0, 4.0], 50)).tolist()
        2.0
    """
    return quantile(x, true_divide(cast(q, dtype(x)), 100), axis, method, keepdims)


@op(result=dtypes.floating, shape=shapes.reduce)
def nanmedian(x: TensorLike, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The middle number along the axes, NaN passed over; of an even number the middle two's mean.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A tensor of `x`'s shape without the reduced axes; NaN where there is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanmedian([1.0, float("nan"), 2.0, 10.0])).tolist()
        2.0
    """
    return nanquantile(x, 0.5, axis, "linear", keepdims)


@op(result=dtypes.widened, shape=shapes.quantile)
def nanquantile(
    x: TensorLike,
    q: Indices,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The value below which a fraction q of the numbers along the axes lies, NaN passed over.

    Args:
        x: a tensor of any shape.
        q: which fraction of the elements is smaller, in [0, 1]: a number or a vector.
        axis: the axis or axes; None for all of them.
        method: how to choose between two elements: 'linear', 'lower', 'higher', 'midpoint' or
            'nearest'.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor: the shape of `q`, then `x`'s shape without the reduced axes; NaN where there
        is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanquantile([1.0, float("nan"), 2.0, 4.0], 0.5)).tolist()
        2.0
    """
    return _quantile(x, q, axis, method, keepdims, skip_nan=True)


@op(result=dtypes.widened, shape=shapes.quantile)
def nanpercentile(
    x: TensorLike,
    q: Indices,
    axis: Axes = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The value below which q percent of the numbers along the axes lie, NaN passed over.

    Args:
        x: a tensor of any shape.
        q: percents, in [0, 100]: a number or a vector.
        axis: the axis or axes; None for all of them.
        method: how to choose between two elements: 'linear', 'lower', 'higher', 'midpoint' or
            'nearest'.
        keepdims: whether a reduced axis stays, of size 1.

    Returns:
        A float tensor: the shape of `q`, then `x`'s shape without the reduced axes; NaN where there
        is no number.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nanpercentile([1.0, float("nan"), 2.0, 4.0], 50)).tolist()
        2.0
    """
    return nanquantile(x, true_divide(cast(q, dtype(x)), 100), axis, method, keepdims)


def _quantile(
    x: Tensor, q: Tensor, axis: Axes, method: str, keepdims: bool, skip_nan: bool
) -> Tensor:
    """The quantiles of the numbers; where not `skip_nan`, NaN if there is one."""
    flat, axes = _flattened(x, axis)
    missing = isnan(flat)
    # Each backend has a place of its own for NaN; infinity is last on all of them.
    ordered = sort(where(missing, math.inf, flat), axis=-1)
    count = sum(cast(logical_not(missing), "int32"), axis=-1, keepdims=True)
    last = cast(maximum(subtract(count, 1), 0), dtype(x))
    place = minimum(maximum(multiply(last, reshape(cast(q, dtype(x)), (-1,))), 0), last)
    low, high, share = _neighbours(place, method)
    below = take_along_axis(ordered, low, axis=-1)
    above = take_along_axis(ordered, high, axis=-1)
    between = add(multiply(below, subtract(1, share)), multiply(above, share))
    found = where(equal(share, 0), below, between)  # no share of infinity is no number
    wrong = equal(count, 0) if skip_nan else any(missing, axis=-1, keepdims=True)
    found = where(wrong, math.nan, found)
    many = len(q.shape)
    found = moveaxis(found, -1, 0) if many else squeeze(found, -1)
    return expand_dims(found, [many + one for one in axes]) if keepdims else found


def _flattened(x: Tensor, axis: Axes) -> tuple[Tensor, list[int]]:
    """`x` with the axes as one, the last; and the axes, counted from the front."""
    axes = sorted(shapes.canonical_axes(axis, len(x.shape)))
    kept = [i for i in range(len(x.shape)) if i not in axes]
    sizes = [x.shape[i] for i in axes]
    length = -1 if None in sizes else shapes.size(sizes)
    return reshape(transpose(x, [*kept, *axes]), [*(x.shape[i] for i in kept), length]), axes


def _neighbours(place: Tensor, method: str) -> tuple[Tensor, Tensor, Tensor]:
    """The positions below and above a place, and which share of the way to go between them."""
    low, high = floor(place), ceil(place)
    share = subtract(place, low)
    if method == "lower":
        high = low
    elif method == "higher":
        low = high
    elif method == "nearest":  # of two equally near the lower
        low = high = ceil(subtract(place, 0.5))
    elif method == "midpoint":
        share = where(equal(share, 0), share, 0.5)
    elif method != "linear":
        known = "'linear', 'lower', 'higher', 'midpoint' or 'nearest'"
        raise ValueError(f"The method of a quantile is {known}, not {method!r}.")
    return cast(low, "int32"), cast(high, "int32"), share
