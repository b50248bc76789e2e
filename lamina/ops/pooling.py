"""Pooling: the maximum or the mean of each window. Formats as in `lamina.ops.convolution`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lamina.backend.windows import channels_first, spread
from lamina.ops import comparison, conversion, dtypes, indexing, reductions, shapes_nn
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shapes_nn import Sizes


@op(result=dtypes.promoted, shape=shapes_nn.pool)
def max_pool(
    inputs: TensorLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The maximum of each window.

    Where several places of a window hold the maximum, the first of them takes its gradient or all
    of them share it, as the backend's kernel has it.

    Args:
        inputs: a batch of signals, images or volumes.
        pool_size: the window, one size for all or one for each spatial dimension.
        strides: the step between windows; the window's size where None.
        padding: `"valid"` (none) or `"same"` (places outside never are the maximum).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import ops
        >>> tuple(ops.max_pool(ops.ones((1, 4, 4, 3)), 2).shape)
        (1, 2, 2, 3)
    """
    ...


@op(result=dtypes.floating, shape=shapes_nn.pool)
def average_pool(
    inputs: TensorLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window; with `padding="same"`, of the places inside the input.

    Args:
        inputs: a batch of signals, images or volumes.
        pool_size: the window, one size for all or one for each spatial dimension.
        strides: the step between windows; the window's size where None.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
    """
    ...


@op(result=dtypes.promoted, shape=shapes_nn.adaptive_pool)
def adaptive_max_pool(
    inputs: TensorLike, output_size: Sizes, data_format: str | None = None
) -> Tensor:
    """The maximum of each of so many windows as asked for, however large the input is.

    Window i of n along s places reaches from floor(i s / n) to ceil((i + 1) s / n).

    Args:
        inputs: a batch of signals, images or volumes.
        output_size: how many windows, one number for all or one for each spatial dimension.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import ops
        >>> x = ops.reshape(ops.arange(5.0), (1, 5, 1))
        >>> ops.convert_to_numpy(ops.adaptive_max_pool(x, 2)).ravel().tolist()
        [2.0, 4.0]
    """

    def maximum(windows: Tensor, inside: np.ndarray, axis: int) -> Tensor:
        return reductions.max(windows, axis=axis)

    return _adapted(inputs, output_size, data_format, maximum)


@op(result=dtypes.floating, shape=shapes_nn.adaptive_pool)
def adaptive_average_pool(
    inputs: TensorLike, output_size: Sizes, data_format: str | None = None
) -> Tensor:
    """The mean of each of so many windows as asked for, however large the input is.

    Args:
        inputs: a batch of signals, images or volumes.
        output_size, data_format: as for `adaptive_max_pool`, whose windows these are.

    Example:
        >>> from lamina import ops
        >>> x = ops.reshape(ops.arange(5.0), (1, 5, 1))
        >>> ops.convert_to_numpy(ops.adaptive_average_pool(x, 2)).ravel().tolist()
        [1.0, 3.0]
    """

    def mean(windows: Tensor, inside: np.ndarray, axis: int) -> Tensor:
        rest = len(windows.shape) - axis - 1
        inside = inside.reshape(*inside.shape, *(1,) * rest)
        total = reductions.sum(comparison.where(inside, windows, 0), axis=axis)
        return total / conversion.cast(inside.sum(axis=1), windows.dtype)

    return _adapted(inputs, output_size, data_format, mean)


def _adapted(
    inputs: Tensor,
    output_size: Sizes,
    data_format: str | None,
    reduce: Callable[[Tensor, np.ndarray, int], Tensor],
) -> Tensor:
    """Each spatial dimension as (windows, places in one), and the places reduced.

    `reduce` is given the windows, which repeat their last place where they are shorter than
    others, the places that are no repetition, and the axis.
    """
    rank = len(inputs.shape) - 2
    first = 2 if channels_first(data_format) else 1
    for axis, windows in enumerate(spread(output_size, rank), first):
        index, size = np.arange(windows), inputs.shape[axis]
        start, stop = index * size // windows, -(-(index + 1) * size // windows)
        places = start[:, None] + np.arange(np.max(stop - start))
        last = stop[:, None] - 1
        parts = indexing.take(inputs, np.minimum(places, last).astype("int32"), axis=axis)
        inputs = reduce(parts, places <= last, axis + 1)
    return inputs
