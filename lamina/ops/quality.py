"""How much a signal that was reconstructed is like the original."""

from __future__ import annotations

from lamina.ops import dtypes, elementwise, reductions, shapes_nn
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.floating, shape=shapes_nn.psnr)
def psnr(x1: TensorLike, x2: TensorLike, max_val: TensorLike) -> Tensor:
    """Peak signal-to-noise ratio, in decibels: 20 log10(max_val) - 10 log10(mean((x1 - x2)²)).

    Args:
        x1: a signal, or a batch of them; the mean is that of all elements.
        x2: the other, of the same shape.
        max_val: the largest value that a signal can have, as 255 or 1.

    Returns:
        A scalar; infinite where the signals are equal.

    Example:
        >>> from lamina import ops
        >>> round(float(ops.psnr([0.0, 1.0], [0.0, 0.0], 10.0)), 2)
        23.01
    """
    noise = reductions.mean(elementwise.square(x1 - x2))
    return 20 * elementwise.log10(max_val) - 10 * elementwise.log10(noise)
