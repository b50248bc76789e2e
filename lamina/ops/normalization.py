"""Normalization: tensors brought to a common mean, spread or length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend import current, is_keras_tensor
from lamina.backend.config import epsilon as default_epsilon
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.ops import (
    arithmetic,
    control,
    conversion,
    dtypes,
    elementwise,
    reductions,
    shapes,
    shaping,
)
from lamina.ops.row import Shape, Tensor, TensorLike, op
from lamina.ops.shapes import canonical_axes

_HALF = ("float16", "bfloat16")


def _wide(x: Tensor) -> Tensor:
    """`x` in 32 bits at least: squares of half-width floats overflow, and their sums are coarse."""
    return conversion.cast(x, "float32") if standardize_dtype(x.dtype) in _HALF else x


def _pair(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    common = dtypes.floating(types, dtype)[0]
    return common, (str(common), str(common))


def _of_x(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """Computed and returned in the first operand's type if that is a float."""
    common = types[0] if is_float(types[0]) else dtypes.floating(types, dtype)[0]
    return common, common


@op(result=_pair)
def moments(
    x: TensorLike, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes: mean(x), mean((x - mean(x))²).

    Args:
        x: a tensor; half-width floats are added up in 32 bits, and what is beyond their range
            becomes its limit.
        axes: the axes to reduce.
        keepdims: leave 1 in the place of each.
        synchronized: whether the moments are those of what all processes have that run the
            program side by side, in equal parts, under `torch.distributed` or a strategy of
            `tf.distribute`. On JAX a batch spread over devices is one tensor, whose moments are
            those of the whole in any case.

    Returns:
        `(mean, variance)`.

    Example:
        >>> from lamina import ops
        >>> mean, variance = ops.moments([1.0, 3.0], 0)
        >>> float(mean), float(variance)
        (2.0, 1.0)
    """
    wide = _wide(x)
    axes = axes if isinstance(axes, int) else tuple(axes)
    mean = over_replicas(reductions.mean(wide, axis=axes, keepdims=True), synchronized)
    # The gradient through the mean is zero; without it the backward pass is one pass shorter.
    squares = elementwise.square(wide - control.stop_gradient(mean))
    variance = over_replicas(reductions.mean(squares, axis=axes, keepdims=keepdims), synchronized)
    if not keepdims:
        mean = shaping.squeeze(mean, axis=axes)
    if wide is x:
        return mean, variance
    # The variance of half-width floats is soon beyond their range.
    kind = standardize_dtype(x.dtype)
    return conversion.saturate_cast(mean, kind), conversion.saturate_cast(variance, kind)


def over_replicas(x: Tensor, synchronized: bool) -> Tensor:
    """The mean of `x` over all processes that run the program side by side, or `x` as it is."""
    return current().replica_mean(x) if synchronized and not is_keras_tensor(x) else x


def _along(vector: Tensor, x: Tensor, axis: int | Sequence[int]) -> Tensor:
    """`vector` shaped so that it lies along `axis` of `x`."""
    if vector.shape == ():
        return vector
    axes = canonical_axes(axis, len(x.shape))
    shape = [size if i in axes else 1 for i, size in enumerate(x.shape)]
    return shaping.reshape(vector, shape)


@op(result=dtypes.floating, shape=shapes.same)
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset.

    Args:
        x: a tensor.
        mean, variance, offset, scale: vectors along `axis`; None for no scale or no offset.
        axis: the axis of the features.
        epsilon: keeps the root from being 0.

    Reference:
        Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167
    """
    factor = elementwise.rsqrt(variance + epsilon)
    if scale is not None:
        factor = factor * scale
    shift = -mean * factor
    if offset is not None:
        shift = shift + offset
    return x * _along(factor, x, axis) + _along(shift, x, axis)


def _standardized(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """Of a half-width float its own type, but moments of 32 bits; else one type for all."""
    if types[0] in _HALF:
        return None, (types[0], "float32", "float32")
    common = str(dtypes.floating(types, dtype)[0])
    return common, (common, common, common)


def _with_moments(x: Shape, axis: int, *others: Any) -> list[Shape]:
    return [x, (x[axis],), (x[axis],)]


@op(result=_standardized, shape=_with_moments)
def standardize_batch(
    x: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalization by the batch's own moments, over all axes but one, and these moments.

    Args:
        x: a tensor; half-width floats are computed in 32 bits, which their moments keep.
        axis: the axis of the features.
        offset, scale: vectors along `axis`; None for none.
        epsilon: keeps the root from being 0.

    Returns:
        `(y, mean, variance)`; no gradient is promised through the moments.

    Example:
        >>> from lamina.ops.normalization import standardize_batch
        >>> y, mean, variance = standardize_batch([[1.0], [3.0]], -1, epsilon=0.0)
        >>> float(y[1, 0]), float(mean[0]), float(variance[0])
        (1.0, 2.0, 1.0)
    """
    wide = _wide(x)
    axes = [one for one in range(len(x.shape)) if one != axis % len(x.shape)]
    mean, variance = moments(wide, axes)
    y = batch_normalization(wide, mean, variance, axis, offset, scale, epsilon)
    return conversion.cast(y, x.dtype), mean, variance


@op(result=_of_x, shape=shapes.same)
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and variance over axis.

    Args:
        x: a tensor; half-width floats are computed in 32 bits.
        gamma, beta: of the sizes of `x` along `axis`; None for neither scale nor offset.
        axis: the axis or axes to normalize over.
        epsilon: keeps the root from being 0; `backend.epsilon()` where None.

    Reference:
        Ba et al., 2016, https://arxiv.org/abs/1607.06450
    """
    wide = _wide(x)
    axes = axis if isinstance(axis, int) else tuple(axis)
    mean, variance = moments(wide, axes, keepdims=True)
    factor = elementwise.rsqrt(variance + (default_epsilon() if epsilon is None else epsilon))
    result = (wide - mean) * factor
    if gamma is not None:
        result = result * _along(_wide(gamma), x, axis)
    if beta is not None:
        result = result + _along(_wide(beta), x, axis)
    return conversion.cast(result, x.dtype)


@op(result=_of_x, shape=shapes.same)
def rms_normalization(
    x: TensorLike,
    scale: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Tensor:
    """Root-mean-square normalization: x / sqrt(mean(x²) + epsilon) * scale, the mean over axis.

    Args:
        x: a tensor; half-width floats are computed in 32 bits.
        scale: of the sizes of `x` along `axis`; None for no scale.
        axis: the axis or axes to normalize over.
        epsilon: keeps the root from being 0; `backend.epsilon()` where None.

    Reference:
        Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467
    """
    wide = _wide(x)
    axes = axis if isinstance(axis, int) else tuple(axis)
    squares = reductions.mean(elementwise.square(wide), axis=axes, keepdims=True)
    result = wide * elementwise.rsqrt(squares + (default_epsilon() if epsilon is None else epsilon))
    if scale is not None:
        result = result * _along(_wide(scale), x, axis)
    return conversion.cast(result, x.dtype)


@op(result=dtypes.floating, shape=shapes.same)
def normalize(
    x: TensorLike,
    axis: int | Sequence[int] | None = -1,
    order: int = 2,
    epsilon: float | None = None,
) -> Tensor:
    """Unit length: x divided by its norm along axis: (sum |x|^order)^(1 / order).

    Args:
        x: a tensor.
        axis: the axis or axes of the norm; None for all.
        order: which norm; an integer, 1 or more.
        epsilon: the least that is divided by; `backend.epsilon()` where None.

    Raises:
        ValueError: if `order` is no such integer.

    Example:
        >>> from lamina import ops
        >>> [round(float(x), 2) for x in ops.normalize([3.0, 4.0])]
        [0.6, 0.8]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize takes an integer order of 1 or more, not {order!r}.")
    least = default_epsilon() if epsilon is None else epsilon
    axes = axis if axis is None or isinstance(axis, int) else tuple(axis)
    if order == 2:
        # Bounded under the root, where the gradient at 0 is finite.
        squares = reductions.sum(elementwise.square(x), axis=axes, keepdims=True)
        return x * elementwise.rsqrt(arithmetic.maximum(squares, least**2))
    powers = reductions.sum(elementwise.absolute(x) ** order, axis=axes, keepdims=True)
    return x / arithmetic.maximum(powers ** (1 / order), least)
