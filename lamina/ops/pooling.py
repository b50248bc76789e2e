"""Pooling: the maximum or the mean of each window. Formats as in `lamina.ops.convolution`."""

from __future__ import annotations

from lamina.ops import dtypes, shapes_nn
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
        >>> ops.max_pool(ops.ones((1, 4, 4, 3)), 2).shape
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
