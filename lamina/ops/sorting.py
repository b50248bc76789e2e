"""Order: sorting, ranking and searching."""

from __future__ import annotations

from lamina.ops import dtypes, shapes, shapes_arrays
from lamina.ops.comparison import greater, greater_equal, less, where
from lamina.ops.conversion import cast
from lamina.ops.elementwise import isfinite
from lamina.ops.indexing import take_along_axis
from lamina.ops.logical import logical_and
from lamina.ops.reductions import sum
from lamina.ops.row import Indices, Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, squeeze


@op(result=dtypes.own, shape=shapes.cumulative)
def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The elements in ascending order along an axis.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the flattened tensor.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sort([3, 1, 2])).tolist()
        [1, 2, 3]
    """
    ...


@op(result=dtypes.positions, shape=shapes.cumulative)
def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """The positions of the elements in ascending order, equal ones as they stand.

    Args:
        x: a tensor of any shape.
        axis: the axis; None for the flattened tensor.

    Returns:
        An `int32` tensor.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.argsort([3, 1, 2])).tolist()
        [1, 2, 0]
    """
    ...


@op(result=dtypes.positions, shape=shapes_arrays.argpartition)
def argpartition(x: TensorLike, kth: int, axis: int | None = -1) -> Tensor:
    """Positions such that the k smallest elements come first, in whatever order.

    Args:
        x: a tensor of any shape.
        kth: the element that stands where it would stand if sorted.
        axis: the axis; None for the flattened tensor.

    Returns:
        An `int32` tensor.

    Raises:
        ShapeError: if there are not as many elements.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.argpartition([3, 1, 2], 0)[0]).tolist()
        1
    """
    shapes_arrays.argpartition(x.shape, kth, axis)
    return argsort(x, axis)


@op(result=dtypes.ranked, shape=shapes_arrays.top_k)
def top_k(x: TensorLike, k: int, sorted: bool = True) -> Tensor:
    """The k largest elements along the last axis, and their positions.

    Args:
        x: a tensor of any shape.
        k: how many.
        sorted: whether they come in descending order, which they always do here.

    Returns:
        A tuple: the elements, of `x`'s type, and their positions, `int32`.

    Example:
        >>> from lamina import ops
        >>> values, positions = ops.top_k([1, 5, 3], 2)
        >>> ops.convert_to_numpy(values).tolist()
        [5, 3]
    """
    ...


@op(result=dtypes.logical_of_own, shape=shapes_arrays.first)
def in_top_k(targets: Indices, predictions: TensorLike, k: int) -> Tensor:
    """Whether the target class is among the k largest predictions.

    Args:
        targets: classes: integers of shape (batch,).
        predictions: scores of shape (batch, classes).
        k: how many.

    Returns:
        A boolean tensor of the shape of `targets`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.in_top_k([1], [[0.1, 0.7, 0.2]], k=1)).tolist()
        [True]

    Classes of equal scores count as ranked alike. A target whose score is not finite, or that is
    no class, is not among them.
    """
    count = predictions.shape[-1]
    inside = logical_and(less(targets, count), greater_equal(targets, -count))
    places = expand_dims(where(inside, targets, 0), -1)
    scores = take_along_axis(predictions, places, axis=-1)
    ahead = sum(cast(greater(predictions, scores), "int32"), axis=-1)
    return logical_and(logical_and(less(ahead, k), inside), isfinite(squeeze(scores, -1)))


@op(result=dtypes.searched, shape=shapes_arrays.second)
def searchsorted(sorted_sequence: TensorLike, values: TensorLike, side: str = "left") -> Tensor:
    """Where values would be put into a sorted vector so that it stays sorted.

    Args:
        sorted_sequence: a vector in ascending order.
        values: a tensor.
        side: 'left' for the first possible place, 'right' for the last.

    Returns:
        An `int32` tensor of the shape of `values`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.searchsorted([1, 3, 5], [3, 4])).tolist()
        [1, 2]
    """
    ...


@op(result=dtypes.searched, shape=shapes.same)
def digitize(x: TensorLike, bins: TensorLike) -> Tensor:
    """The number of the bin that each element falls into: bins[i-1] ≤ x < bins[i].

    Args:
        x: a tensor of any shape.
        bins: the limits of the bins, a vector in ascending order.

    Returns:
        An `int32` tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.digitize([0.5, 1.0, 9.0], [1.0, 2.0])).tolist()
        [0, 1, 2]
    """
    return searchsorted(bins, x, side="right")


@op(result=dtypes.own, shape=shapes_arrays.diff)
def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis: a[i + 1] - a[i], n times.

    Args:
        a: a tensor.
        n: how many times.
        axis: the axis.

    Returns:
        A tensor of `a`'s type, the axis shorter by `n`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.diff([1, 4, 9])).tolist()
        [3, 5]
    """
    ...
