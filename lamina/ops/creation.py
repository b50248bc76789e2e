"""New tensors of constants, and of sequences."""

from __future__ import annotations

from typing import Any

from lamina.backend.dtypes import is_integer
from lamina.ops import dtypes, shapes, shapes_arrays
from lamina.ops.arithmetic import multiply
from lamina.ops.comparison import equal, where
from lamina.ops.elementwise import absolute, exp, log, sign
from lamina.ops.row import Number, Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, reshape


@op(result=dtypes.asked, shape=shapes_arrays.given)
def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of zeros.

    Args:
        shape: its dimensions.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.zeros((2, 2))).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    ...


@op(result=dtypes.asked, shape=shapes_arrays.given)
def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of ones.

    Args:
        shape: its dimensions.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.ones((2, 2))).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    ...


@op(result=dtypes.asked, shape=shapes_arrays.given)
def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor whose elements may be anything.

    Args:
        shape: its dimensions.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.shape(ops.empty((2, 2)))
        (2, 2)
    """
    ...


@op(result=dtypes.asked, shape=shapes_arrays.given)
def full(shape: Any, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor of one number.

    Args:
        shape: its dimensions.
        fill_value: the number, or a tensor whose shape broadcasts to `shape`.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.full((2, 2), 7)).tolist()
        [[7.0, 7.0], [7.0, 7.0]]
    """
    ...


@op(result=dtypes.asked_or_own, shape=shapes.same)
def zeros_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor of zeros, of the shape and type of another.

    Args:
        x: a tensor of any shape.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, of `dtype`, else `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.zeros_like([1, 2])).tolist()
        [0, 0]
    """
    ...


@op(result=dtypes.asked_or_own, shape=shapes.same)
def ones_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor of ones, of the shape and type of another.

    Args:
        x: a tensor of any shape.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, of `dtype`, else `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.ones_like([1, 2])).tolist()
        [1, 1]
    """
    ...


@op(result=dtypes.asked_or_own, shape=shapes.same)
def empty_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor of anything, of the shape and type of another.

    Args:
        x: a tensor of any shape.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, of `dtype`, else `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.shape(ops.empty_like([1, 2]))
        (2,)
    """
    ...


@op(result=dtypes.asked_or_own, shape=shapes.same)
def full_like(x: TensorLike, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """A tensor of one number, of the shape and type of another.

    Args:
        x: a tensor of any shape.
        fill_value: the number.
        dtype: the result's element type; see Returns where None.

    Returns:
        A tensor of `x`'s shape, of `dtype`, else `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.full_like([1, 2], 7)).tolist()
        [7, 7]
    """
    ...


@op(result=dtypes.asked, shape=shapes_arrays.rectangle)
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on a diagonal, zeros elsewhere.

    Args:
        N: how many rows.
        M: how many columns; `N` where None.
        k: which diagonal: 0 the main one, above it > 0, below it < 0.
        dtype: the result's element type; see Returns where None.

    Returns:
        A matrix of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.eye(2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    return triu(tri(N, M, k, dtype), k)


@op(result=dtypes.asked, shape=shapes_arrays.square)
def identity(n: int, dtype: Any = None) -> Tensor:
    """The square matrix with ones on the main diagonal, zeros elsewhere.

    Args:
        n: how many rows and columns.
        dtype: the result's element type; see Returns where None.

    Returns:
        A matrix of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.identity(2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


@op(result=dtypes.asked, shape=shapes_arrays.rectangle)
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on a diagonal and below it, zeros above.

    Args:
        N: how many rows.
        M: how many columns; `N` where None.
        k: which diagonal: 0 the main one, above it > 0, below it < 0.
        dtype: the result's element type; see Returns where None.

    Returns:
        A matrix of `dtype`, else `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.tri(2, 3)).tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    return tril(ones((N, N if M is None else M), dtype), k)


@op(result=dtypes.own, shape=shapes.same)
def tril(x: TensorLike, k: int = 0) -> Tensor:
    """Lower triangle of a matrix: zeros above a diagonal.

    Args:
        x: matrices, of shape (..., rows, columns).
        k: which diagonal: 0 the main one, above it > 0, below it < 0.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.tril([[1, 2], [3, 4]])).tolist()
        [[1, 0], [3, 4]]
    """
    ...


@op(result=dtypes.own, shape=shapes.same)
def triu(x: TensorLike, k: int = 0) -> Tensor:
    """Upper triangle of a matrix: zeros below a diagonal.

    Args:
        x: matrices, of shape (..., rows, columns).
        k: which diagonal: 0 the main one, above it > 0, below it < 0.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.triu([[1, 2], [3, 4]])).tolist()
        [[1, 2], [0, 4]]
    """
    ...


@op(result=dtypes.asked_or_promoted, shape=shapes_arrays.arange)
def arange(
    start: Number, stop: Number | None = None, step: Number | None = None, dtype: Any = None
) -> Tensor:
    """Evenly spaced numbers: start, start + step, … as long as they are below stop.

    Args:
        start: the first number; where it is the only one, the limit, and the first is 0.
        stop: the limit, which is not reached.
        step: the distance; 1 where None.
        dtype: the result's element type; see Returns where None.

    Returns:
        A vector of `dtype`, else of the numbers' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arange(1, 7, 2)).tolist()
        [1, 3, 5]
    """
    ...


@op(result=dtypes.asked_or_floating, shape=shapes_arrays.linspace)
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """A given number of evenly spaced numbers between two limits.

    Args:
        start: the first number, or a tensor of them.
        stop: the last number.
        num: how many.
        endpoint: whether `stop` is among them.
        retstep: whether to return the distance too.
        dtype: the result's element type; see Returns where None.
        axis: where the new axis stands.

    Returns:
        A tensor with a new axis of size `num`, of `dtype`, else a float type; with `retstep`, a
        list of it and the distance.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.linspace(0, 1, 5)).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    ...


@op(result=dtypes.asked_or_floating, shape=shapes_arrays.logspace)
def logspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Numbers evenly spaced on a logarithmic scale, from base^start to base^stop.

    Args:
        start: the exponent of the first number.
        stop: the exponent of the last number.
        num: how many.
        endpoint: whether the last is among them.
        base: the base.
        dtype: the result's element type; see Returns where None.
        axis: where the new axis stands.

    Returns:
        A tensor with a new axis of size `num`, of `dtype`, else a float type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logspace(0, 2, 3)).round(4)
        array([  1.,  10., 100.], dtype=float32)
    """
    ...


@op(result=dtypes.asked_or_floating, shape=shapes_arrays.logspace)
def geomspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Numbers each of which is the same multiple of the one before, between two limits.

    Args:
        start: the first number, or a tensor of them; not 0.
        stop: the last number, of the sign of `start`.
        num: how many.
        endpoint: whether `stop` is among them.
        dtype: the result's element type; see Returns where None.
        axis: where the new axis stands.

    Returns:
        A tensor with a new axis of size `num`, of `dtype`, else a float type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.geomspace(1, 100, 3)).round(3)
        array([  1.,  10., 100.], dtype=float32)
    """
    powers = linspace(log(absolute(start)), log(absolute(stop)), num, endpoint, axis=axis)
    x = multiply(expand_dims(sign(start), axis), exp(powers))
    if is_integer(dtype):  # what rounding left just below an integer shall not become the one below
        x = multiply(x, 1 + 1e-6)
    # The limits exactly.
    rank = len(x.shape)
    place = reshape(arange(num), [-1 if i == axis % rank else 1 for i in range(rank)])
    x = where(equal(place, 0), expand_dims(start, axis), x)
    return where(equal(place, num - 1), expand_dims(stop, axis), x) if endpoint and num > 1 else x
