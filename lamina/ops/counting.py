"""Counting: which elements there are, how often, and in which interval."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.backend.dtypes import is_integer
from lamina.ops import dtypes, shapes_counting
from lamina.ops.arithmetic import add, maximum, multiply, subtract, true_divide
from lamina.ops.comparison import equal, less, where
from lamina.ops.conversion import cast, convert_to_tensor, dtype
from lamina.ops.creation import arange, ones_like
from lamina.ops.indexing import segment_sum
from lamina.ops.joining import concatenate
from lamina.ops.reductions import max, min
from lamina.ops.row import Indices, Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, ravel, reshape
from lamina.ops.sorting import searchsorted


@op(result=dtypes.counted, shape=shapes_counting.bincount, everywhere=True)
def bincount(
    x: Indices, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False
) -> Tensor:
    """How often each number 0, 1, … is among the elements.

    Args:
        x: integers of shape (..., n), each row counted on its own; negative ones count as 0.
        weights: of `x`'s shape: what each element adds to its count; 1 where None.
        minlength: the least length of the result.
        sparse: must not be True: tensors are dense.

    Returns:
        A tensor of shape (..., length), its length the largest number plus 1 or `minlength`; of
        the type of `weights`, else `int32`. The length depends on the values, so it is computed
        outside of compiled code only (on TensorFlow, also in graphs).

    Raises:
        ValueError: if a sparse tensor is asked for.
        TypeError: if `x` is not of integers.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.bincount(ops.array([1, 1, 3]))).tolist()
        [0, 2, 0, 1]
    """
    if sparse:
        raise ValueError("bincount counts into dense tensors; drop sparse=True.")
    x = maximum(_integers(x), 0)
    length = maximum(add(max(x, initial=-1), 1), minlength)
    if len(x.shape) > 1:  # the rows one after another, each with numbers of its own
        rows = reshape(x, (-1, x.shape[-1]))
        first = multiply(arange(rows.shape[0]), length)
        places, count = ravel(add(rows, expand_dims(first, 1))), multiply(length, rows.shape[0])
    else:
        places, count = x, length
    added = ones_like(places) if weights is None else ravel(weights)
    return reshape(segment_sum(added, places, count), (*x.shape[:-1], -1))


def _integers(x: Tensor) -> Tensor:
    kind = dtype(x)
    if not (is_integer(kind) or kind == "bool"):
        raise TypeError(f"bincount counts integers, not {kind}; cast them: ops.cast(x, 'int32').")
    return cast(x, "int32")


@op(result=dtypes.widened_pair, shape=shapes_counting.histogram, everywhere=True)
def histogram(x: TensorLike, bins: int = 10, range: Sequence[float] | None = None) -> Tensor:
    """How many elements lie in each of some intervals of equal width.

    Args:
        x: a vector.
        bins: how many intervals; the last one holds its upper limit too.
        range: the lowest and the highest limit; what lies outside is not counted. The smallest and
            the largest element where None.

    Returns:
        A tuple of two float vectors: the counts, and the limits, one more.

    Raises:
        ValueError: if the highest limit is below the lowest.

    Example:
        >>> from lamina import ops
        >>> counts, limits = ops.histogram([1.0, 2.0, 2.5, 5.0], bins=2)
        >>> ops.convert_to_numpy(counts).tolist(), ops.convert_to_numpy(limits).tolist()
        ([3.0, 1.0], [1.0, 3.0, 5.0])
    """
    shapes_counting.histogram(x.shape, bins)  # refuses what is no vector
    low, high = (min(x), max(x)) if range is None else range
    if range is not None and high < low:
        raise ValueError(f"histogram's range goes up, and {tuple(range)} goes down.")
    low, high = convert_to_tensor(low, dtype(x)), convert_to_tensor(high, dtype(x))
    flat = equal(low, high)
    low, high = where(flat, subtract(low, 0.5), low), where(flat, add(high, 0.5), high)
    # NumPy's limits, to the bit where each op rounds, unlike `linspace`: elements often lie on one.
    step = true_divide(subtract(high, low), bins)
    below = add(low, multiply(step, arange(bins, dtype=dtype(x))))
    limits = concatenate([below, reshape(high, (1,))])
    places = subtract(searchsorted(limits, x, side="right"), 1)
    places = where(equal(x, high), bins - 1, places)
    places = where(less(places, 0), bins, places)  # left out, as is what lies above
    return segment_sum(ones_like(x), places, bins), limits
