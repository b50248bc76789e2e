"""Activation functions: each element alone, and the few that look along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.ops import (
    arithmetic,
    comparison,
    conversion,
    creation,
    dtypes,
    elementwise,
    joining,
    reductions,
    rounding,
    shapes,
    shapes_nn,
    shaping,
    sorting,
    special,
    trigonometric,
)
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.numeric, shape=shapes.same)
def relu(x: TensorLike) -> Tensor:
    """Rectified linear unit: max(x, 0).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.relu([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    return arithmetic.maximum(x, 0)


@op(result=dtypes.floating, shape=shapes.same)
def relu6(x: TensorLike) -> Tensor:
    """Rectified linear unit that saturates at 6: min(max(x, 0), 6)."""
    return rounding.clip(x, 0, 6)


@op(result=dtypes.floating, shape=shapes.same)
def sigmoid(x: TensorLike) -> Tensor:
    """Logistic function: 1 / (1 + e^-x).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sigmoid([0.0])).tolist()
        [0.5]
    """
    # Of the two forms of it, the one in which nothing overflows and no digits cancel.
    small = elementwise.exp(-elementwise.absolute(x))
    return comparison.where(x >= 0, 1.0, small) / (1 + small)


@op(result=dtypes.floating, shape=shapes.same)
def softplus(x: TensorLike) -> Tensor:
    """Smooth rectifier: log(1 + e^x)."""
    return arithmetic.logaddexp(x, 0.0)


@op(result=dtypes.floating, shape=shapes.same)
def softsign(x: TensorLike) -> Tensor:
    """Softsign: x / (1 + |x|), between -1 and 1."""
    return x / (1 + elementwise.absolute(x))


@op(result=dtypes.floating, shape=shapes.same)
def silu(x: TensorLike) -> Tensor:
    """Sigmoid linear unit, also called swish: x * sigmoid(x).

    Reference:
        Ramachandran et al., 2017, https://arxiv.org/abs/1710.05941
    """
    return x * sigmoid(x)


swish = silu


@op(result=dtypes.floating, shape=shapes.same)
def log_sigmoid(x: TensorLike) -> Tensor:
    """Logarithm of the sigmoid: log(sigmoid(x)), computed as -softplus(-x)."""
    return -softplus(-x)


@op(result=dtypes.floating, shape=shapes.same)
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """Leaky rectifier: x where x is positive, else negative_slope * x.

    Args:
        x: a tensor of any shape.
        negative_slope: the slope for negative `x`.
    """
    return comparison.where(x >= 0, x, negative_slope * x)


@op(result=dtypes.floating, shape=shapes.same)
def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """Exponential linear unit: x where x is positive, else alpha * (e^x - 1).

    Args:
        x: a tensor of any shape.
        alpha: minus the value for large negative `x`.

    Reference:
        Clevert et al., 2015, https://arxiv.org/abs/1511.07289
    """
    return comparison.where(x > 0, x, alpha * elementwise.expm1(arithmetic.minimum(x, 0)))


@op(result=dtypes.floating, shape=shapes.same)
def selu(x: TensorLike) -> Tensor:
    """Scaled exponential linear unit: scale * elu(x, alpha).

    With these constants, activations keep mean 0 and variance 1 from layer to layer.

    Reference:
        Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


@op(result=dtypes.floating, shape=shapes.same)
def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """Continuously differentiable ELU: max(x, 0) + alpha * (e^(min(x, 0) / alpha) - 1).

    Args:
        x: a tensor of any shape.
        alpha: minus the value for large negative `x`.

    Reference:
        Barron, 2017, https://arxiv.org/abs/1704.07483
    """
    return arithmetic.maximum(x, 0) + alpha * elementwise.expm1(arithmetic.minimum(x, 0) / alpha)


@op(result=dtypes.floating, shape=shapes.same)
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """Gaussian error linear unit: x * Φ(x), Φ the normal distribution function.

    Args:
        x: a tensor of any shape.
        approximate: use 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) instead.

    Reference:
        Hendrycks and Gimpel, 2016, https://arxiv.org/abs/1606.08415
    """
    if approximate:
        return 0.5 * x * (1 + trigonometric.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1 + special.erf(x * 0.7071067811865476))


@op(result=dtypes.floating, shape=shapes.same)
def hard_sigmoid(x: TensorLike) -> Tensor:
    """Sigmoid in three straight lines: min(max(x + 3, 0), 6) / 6."""
    return relu6(x + 3) / 6


@op(result=dtypes.floating, shape=shapes.same)
def hard_silu(x: TensorLike) -> Tensor:
    """Silu in straight lines and a parabola: x * hard_sigmoid(x).

    Reference:
        Howard et al., 2019, https://arxiv.org/abs/1905.02244
    """
    return x * hard_sigmoid(x)


hard_swish = hard_silu


@op(result=dtypes.numeric, shape=shapes.same)
def hard_tanh(x: TensorLike) -> Tensor:
    """Tanh in three straight lines: x clipped to -1 … 1."""
    least = 0 if conversion.dtype(x).startswith("uint") else -1
    return rounding.clip(x, least, 1)


@op(result=dtypes.floating, shape=shapes.same)
def tanh_shrink(x: TensorLike) -> Tensor:
    """What tanh takes away: x - tanh(x)."""
    return x - trigonometric.tanh(x)


@op(result=dtypes.floating, shape=shapes.same)
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Hard shrinkage: x where |x| > threshold, else 0."""
    return comparison.where(elementwise.absolute(x) > threshold, x, 0)


@op(result=dtypes.floating, shape=shapes.same)
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Soft shrinkage, x drawn towards 0: x - threshold, x + threshold, 0 between."""
    return x - rounding.clip(x, -threshold, threshold)


@op(result=dtypes.floating, shape=shapes.same)
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """Threshold: x where x > threshold, else default_value.

    Args:
        x: a tensor of any shape.
        threshold: what `x` must be above.
        default_value: what stands where it is not.
    """
    return comparison.where(x > threshold, x, default_value)


@op(result=dtypes.floating, shape=shapes.same)
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """(x + sqrt(x² + b)) / 2, a softplus without exponentials.

    Reference:
        Barron, 2021, https://arxiv.org/abs/2112.11687
    """
    # f(x) = x + f(-x), and f(-|x|) is b / 2 by a sum, which does not cancel and is never 0.
    above = x >= 0
    # |x|, whose own slope at 0 is not the same on every backend.
    size = comparison.where(above, x, -x)
    below = 0.5 * b / (arithmetic.hypot(x, b**0.5) + size)
    return comparison.where(above, x + below, below)


@op(result=dtypes.floating, shape=shapes.same)
def sparse_plus(x: TensorLike) -> Tensor:
    """0 for x <= -1, (x + 1)² / 4 for -1 < x < 1, x for x >= 1."""
    between = elementwise.square(rounding.clip(x, -1, 1) + 1) / 4
    return comparison.where(x >= 1, x, between)


@op(result=dtypes.floating, shape=shapes.same)
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 for x <= -1, (x + 1) / 2 for -1 < x < 1, 1 for x >= 1."""
    return (rounding.clip(x, -1, 1) + 1) / 2


@op(result=dtypes.floating, shape=shapes_nn.halved)
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """Gated linear unit: a * sigmoid(b), where a and b are the halves of x along axis.

    Args:
        x: a tensor whose size along `axis` is even.
        axis: the axis to split.

    Reference:
        Dauphin et al., 2016, https://arxiv.org/abs/1612.08083
    """
    linear, gate = joining.split(x, 2, axis=axis)
    return linear * sigmoid(gate)


@op(result=dtypes.floating, shape=shapes.same)
def softmax(x: TensorLike, axis: int | Sequence[int] | None = -1) -> Tensor:
    """e^x / sum(e^x): positive numbers that add up to 1 along axis.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes to add up over; None for all.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.softmax([1.0, 1.0])).tolist()
        [0.5, 0.5]
    """
    powers = elementwise.exp(x - reductions.max(x, axis=axis, keepdims=True))
    return powers / reductions.sum(powers, axis=axis, keepdims=True)


@op(result=dtypes.floating, shape=shapes.same)
def log_softmax(x: TensorLike, axis: int | Sequence[int] | None = -1) -> Tensor:
    """log(softmax(x)), computed as x - log(sum(e^x)).

    Args:
        x: a tensor of any shape.
        axis: the axis or axes to add up over; None for all.
    """
    centred = x - reductions.max(x, axis=axis, keepdims=True)
    powers = elementwise.exp(centred)
    return centred - elementwise.log(reductions.sum(powers, axis=axis, keepdims=True))


@op(result=dtypes.floating, shape=shapes.same)
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex nearest to x: max(x - τ, 0), adding up to 1.

    Args:
        x: a tensor of any shape.
        axis: the axis that adds up to 1.

    Reference:
        Martins and Astudillo, 2016, https://arxiv.org/abs/1602.02068
    """
    x = shaping.moveaxis(x, axis, -1)
    descending = shaping.flip(sorting.sort(x, axis=-1), axis=-1)
    sums = reductions.cumsum(descending, axis=-1)
    count = creation.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    support = 1 + count * descending > sums
    size = reductions.sum(conversion.cast(support, x.dtype), axis=-1, keepdims=True)
    total = reductions.sum(comparison.where(support, descending, 0), axis=-1, keepdims=True)
    return shaping.moveaxis(relu(x - (total - 1) / size), -1, axis)
