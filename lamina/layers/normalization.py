"""Normalization by statistics of the batch, or of each example."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from lamina import constraints, initializers, ops, regularizers
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.core.variable import Variable
from lamina.ops.normalization import over_replicas, standardize_batch
from lamina.ops.row import Tensor, TensorLike


class _Normalization(Layer):
    """What normalizations have in common: a factor gamma and an offset beta."""

    supports_masking = True

    def _start(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        initializer: tuple[Any, Any],
        regularizer: tuple[Any, Any],
        constraint: tuple[Any, Any],
    ) -> None:
        """Keep the arguments that all have; the pairs are those of beta and of gamma."""
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer, self.gamma_initializer = map(initializers.get, initializer)
        self.beta_regularizer, self.gamma_regularizer = map(regularizers.get, regularizer)
        self.beta_constraint, self.gamma_constraint = map(constraints.get, constraint)

    def _add_scale_and_offset(self, shape: Sequence[int]) -> None:
        self.gamma = self._add(shape, "gamma") if self.scale else None
        self.beta = self._add(shape, "beta") if self.center else None

    def _add(self, shape: Sequence[int], name: str) -> Variable:
        # Kept in full precision: statistics are computed in float32 whatever the policy is.
        return self.add_weight(
            shape,
            getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
            autocast=False,
            name=name,
        )

    def _scale_and_offset(self) -> tuple[Tensor | None, Tensor | None]:
        gamma, beta = self.gamma, self.beta
        return None if gamma is None else gamma.value, None if beta is None else beta.value

    def _wide(self, inputs: TensorLike) -> Tensor:
        """`inputs` in a float type that sums of squares fit in."""
        dtype = self.compute_dtype
        return ops.cast(inputs, "float32" if dtype in ("float16", "bfloat16") else dtype)

    def _size(self, input_shape: Sequence[int | None], axis: int) -> int:
        rank = len(input_shape)
        if not -rank <= axis < rank:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} works along axis {axis}, and its input of "
                f"shape {tuple(input_shape)} has {rank} axes only. Set axis= to one of them."
            )
        size = input_shape[axis]
        if size is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs to know the size of axis {axis} of its "
                f"input, and was called on the shape {tuple(input_shape)}. Give it in the Input."
            )
        return size


def _checked(clipping: dict[str, float]) -> dict[str, float]:
    """The bounds of batch renormalization, if they are such."""
    lowest, highest = clipping.get("rmin", 0.0), clipping.get("rmax", math.inf)
    known = {"rmin", "rmax", "dmax"} >= clipping.keys()
    if not known or lowest > highest or clipping.get("dmax", 0.0) < 0.0:
        raise ValueError(
            "renorm_clipping holds rmin, rmax and dmax, or some of them, rmin at most rmax and "
            f"dmax at least 0, not {clipping!r}."
        )
    return clipping


class BatchNormalization(_Normalization):
    """Normalizes each channel by the mean and variance of the batch.

    While training: y = gamma * (x - mean(x)) / sqrt(var(x) + epsilon) + beta, and the moving
    statistics follow those of the batch: moving = moving * momentum + batch * (1 - momentum).
    Outside training, or with `trainable=False`, the moving statistics stand in for the batch's.

    Args:
        axis: the axis of the channels.
        momentum: how slowly the moving statistics follow.
        epsilon: added to the variance.
        center: whether to add beta.
        scale: whether to multiply by gamma.
        beta_initializer, gamma_initializer: for the two, of shape `(channels,)`.
        moving_mean_initializer, moving_variance_initializer: for the moving statistics.
        beta_regularizer, gamma_regularizer: penalties on the two.
        beta_constraint, gamma_constraint: projections of the two, applied after each step.
        renorm: whether to normalize by the batch and then correct to the running statistics, so
            that small or uneven batches are normalized as they will be outside of training:
            y = gamma * (r * (x - mean(x)) / std(x) + d) + beta, with r = std(x) / renorm_stddev,
            d = (mean(x) - renorm_mean) / renorm_stddev and std(x) = sqrt(var(x) + epsilon). r and
            d count as constants (Ioffe, 2017, https://arxiv.org/abs/1702.03275).
        renorm_clipping: bounds `"rmin"` and `"rmax"` of r, and `"dmax"` of |d|; any of them.
        renorm_momentum: how slowly `renorm_mean` and `renorm_stddev` follow the batch's.
        synchronized: whether the statistics are those of the whole batch where several processes
            have a part each; see `ops.moments`.

    The call takes `mask`, booleans of shape `(batch, steps)`: what it leaves out does not count
    in the statistics.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.BatchNormalization(epsilon=0.0)
        >>> layer(ops.convert_to_tensor([[1.0], [3.0]]), training=True).tolist()
        [[-1.0], [1.0]]
        >>> round(float(layer.moving_mean[0]), 3)
        0.02

    Reference:
        Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.momentum = momentum
        self.renorm = renorm
        self.renorm_clipping = _checked(renorm_clipping or {}) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        self._start(
            epsilon,
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        size = self._size(input_shape, self.axis)
        self._add_scale_and_offset((size,))
        self.moving_mean = self._add_moving(size, "moving_mean", self.moving_mean_initializer)
        self.moving_variance = self._add_moving(
            size, "moving_variance", self.moving_variance_initializer
        )
        if self.renorm:
            self.moving_stddev = self._add_moving(size, "moving_stddev", self._first_stddev)
            self.renorm_mean = self._add_moving(size, "renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = self._add_moving(size, "renorm_stddev", self._first_stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def _first_stddev(self, shape: Sequence[int], dtype: str) -> Tensor:
        return ops.sqrt(self.moving_variance.value)

    def _add_moving(self, size: int, name: str, initializer: Any) -> Variable:
        return self.add_weight((size,), initializer, trainable=False, autocast=False, name=name)

    def call(
        self, inputs: TensorLike, training: bool | None = None, mask: TensorLike | None = None
    ) -> Tensor:
        gamma, beta = self._scale_and_offset()
        learning = training and self.trainable
        if learning and mask is None and not (self.renorm or self.synchronized):
            x = ops.cast(inputs, self.compute_dtype)
            outputs, mean, variance = standardize_batch(x, self.axis, beta, gamma, self.epsilon)
        else:
            x = self._wide(inputs)
            mean, variance = self.moving_mean.value, self.moving_variance.value
            if learning:
                mean, variance = self._moments(x, mask)
                if self.renorm:
                    gamma, beta = self._corrected(mean, variance, gamma, beta)
            outputs = ops.batch_normalization(
                x, mean, variance, self.axis, beta, gamma, self.epsilon
            )
        if learning:
            self._follow(mean, variance)
        return ops.cast(outputs, self.compute_dtype)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of the batch."""
        followed = [(self.moving_mean, mean, self.momentum)]
        if self.renorm:
            stddev = ops.sqrt(variance + self.epsilon)
            followed.append((self.moving_stddev, stddev, self.momentum))
            followed.append((self.renorm_mean, mean, self.renorm_momentum))
            followed.append((self.renorm_stddev, stddev, self.renorm_momentum))
        else:
            followed.append((self.moving_variance, variance, self.momentum))
        for moving, batch, momentum in followed:
            moving.assign(moving * momentum + batch * (1.0 - momentum))
        if self.renorm:
            squares = ops.square(self.moving_stddev.value)
            self.moving_variance.assign(ops.maximum(squares - self.epsilon, 0.0))

    def _corrected(
        self, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Factor and offset that bring what the batch normalizes to the running statistics."""
        bounds, known = self.renorm_clipping or {}, self.renorm_stddev.value
        r = ops.sqrt(variance + self.epsilon) / known
        r = ops.clip(r, bounds.get("rmin", 0.0), bounds.get("rmax", math.inf))
        d = (mean - self.renorm_mean.value) / known
        most = bounds.get("dmax", math.inf)
        factor, offset = ops.stop_gradient(r), ops.stop_gradient(ops.clip(d, -most, most))
        if gamma is not None:
            factor, offset = factor * gamma, offset * gamma
        return factor, offset if beta is None else offset + beta

    def _moments(self, x: Tensor, mask: TensorLike | None) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel, over the places that the mask leaves."""
        rank = len(x.shape)
        axes = tuple(axis for axis in range(rank) if axis != self.axis % rank)
        if mask is None:
            return ops.moments(x, axes, synchronized=self.synchronized)
        mask = ops.cast(mask, x.dtype)
        weights = ops.broadcast_to(
            ops.reshape(mask, (*ops.shape(mask), *(1,) * (rank - len(mask.shape)))), ops.shape(x)
        )

        def total(x: Tensor) -> Tensor:
            return over_replicas(ops.sum(x, axis=axes, keepdims=True), self.synchronized)

        count = total(weights) + 1e-7
        mean = total(x * weights) / count
        variance = total(ops.square(x - mean) * weights) / count
        return ops.squeeze(mean, axes), ops.squeeze(variance, axes)


class LayerNormalization(_Normalization):
    """Normalizes each example by its own mean and variance along `axis`.

    y = gamma * (x - mean(x)) / sqrt(var(x) + epsilon) + beta

    Args:
        axis: the axis or axes of the statistics; gamma and beta have their sizes.
        epsilon: added to the variance.
        center: whether to add beta.
        scale: whether to multiply by gamma.
        beta_initializer, gamma_initializer: for the two.
        beta_regularizer, gamma_regularizer: penalties on the two.
        beta_constraint, gamma_constraint: projections of the two, applied after each step.
        rms_scaling: whether to leave the mean where it is: y = gamma * x / sqrt(var(x) + epsilon),
            without beta. Kept for old programs, and no root mean square; see `RMSNormalization`.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.LayerNormalization(epsilon=0.0)
        >>> layer(ops.convert_to_tensor([[1.0, 3.0], [10.0, 30.0]])).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]

    Reference:
        Ba et al., 2016, https://arxiv.org/abs/1607.06450
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if rms_scaling:
            warnings.warn(
                "LayerNormalization(rms_scaling=True) divides by the standard deviation and not by "
                "the root mean square. Use RMSNormalization for that.",
                stacklevel=2,
            )
        self.rms_scaling = rms_scaling
        self.axis: Any = axis if isinstance(axis, int) else list(axis)
        self._start(
            epsilon,
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        # A sorted list from now on, negative axes first, as Keras has it in the configs of built
        # layers and in the shape of their weights.
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = [self._size(input_shape, axis) for axis in self.axis]
        if self.rms_scaling:
            self.gamma, self.beta = self._add(shape, "gamma"), None
        else:
            self._add_scale_and_offset(shape)

    def call(self, inputs: TensorLike) -> Tensor:
        x = self._wide(inputs)
        gamma, beta = self._scale_and_offset()
        axes = tuple(self.axis)
        if self.rms_scaling:
            _, variance = ops.moments(x, axes, keepdims=True)
            known = {axis % len(x.shape) for axis in axes}
            along = [size if axis in known else 1 for axis, size in enumerate(x.shape)]
            outputs = x * ops.rsqrt(variance + self.epsilon) * ops.reshape(gamma, along)
        else:
            outputs = ops.layer_normalization(x, gamma, beta, axis=axes, epsilon=self.epsilon)
        return ops.cast(outputs, self.compute_dtype)


class GroupNormalization(_Normalization):
    """Normalizes each group of channels of each example by its mean and variance.

    Between instance normalization (as many groups as channels) and layer normalization over all
    axes (one group).

    Args:
        groups: their number, a divisor of the number of channels; -1 for one channel each.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center: whether to add beta.
        scale: whether to multiply by gamma.
        beta_initializer, gamma_initializer: for the two, of shape `(channels,)`.
        beta_regularizer, gamma_regularizer: penalties on the two.
        beta_constraint, gamma_constraint: projections of the two, applied after each step.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GroupNormalization(groups=2)(ops.ones((2, 5, 5, 6))).shape
        (2, 5, 5, 6)

    Reference:
        Wu and He, 2018, https://arxiv.org/abs/1803.08494
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.groups = groups
        self.axis = axis
        self._start(
            epsilon,
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        size = self._size(input_shape, self.axis)
        self.groups = size if self.groups == -1 else self.groups
        if self.groups < 1 or size % self.groups:
            raise ValueError(
                f"GroupNormalization {self.name!r} has groups={self.groups}, which does not divide "
                f"the {size} channels of its input of shape {tuple(input_shape)}."
            )
        self._add_scale_and_offset((size,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: TensorLike) -> Tensor:
        x = self._wide(inputs)
        shape, rank = ops.shape(x), len(x.shape)
        axis = self.axis % rank
        channels = shape[axis]
        grouped = (*shape[:axis], self.groups, channels // self.groups, *shape[axis + 1 :])
        x = ops.reshape(x, grouped)
        places = tuple(one for one in range(1, rank + 1) if one not in (axis, axis + 1))

        def mean_of_group(x: Tensor) -> Tensor:
            # Over places first: both at once are read in leaps, and take a CPU 5 times as long.
            x = ops.mean(x, places, keepdims=True) if places else x
            return ops.mean(x, axis + 1, keepdims=True)

        # One factor and one offset for each channel of an example, and one pass over `x`.
        along = (self.groups, channels // self.groups, *(1,) * (rank - 1 - axis))
        mean = mean_of_group(x)
        variance = mean_of_group(ops.square(x - ops.stop_gradient(mean)))
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.reshape(self.gamma, along)
        offset = -mean * factor
        if self.beta is not None:
            offset = offset + ops.reshape(self.beta, along)
        return ops.cast(ops.reshape(x * factor + offset, shape), self.compute_dtype)


class RMSNormalization(Layer):
    """Divides each example by its root mean square: y = scale * x / sqrt(mean(x²) + epsilon).

    Args:
        axis: the axis or axes of the mean; scale has their sizes.
        epsilon: added to the mean of squares.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.RMSNormalization(epsilon=0.0)
        >>> layer(ops.convert_to_tensor([[2.0, -2.0]])).tolist()
        [[1.0, -1.0]]

    Reference:
        Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis: Any = axis if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.axis = [self.axis] if isinstance(self.axis, int) else self.axis
        axes = sorted(axis % len(input_shape) for axis in self.axis)
        shape = [input_shape[axis] for axis in axes]
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.rms_normalization(
            inputs, self.scale, axis=tuple(self.axis), epsilon=self.epsilon
        )


class UnitNormalization(Layer):
    """Gives vectors the length 1: y = x / ‖x‖.

    Args:
        axis: the axis or axes along which lengths are taken.

    Example:
        >>> from lamina import layers, ops
        >>> unit = layers.UnitNormalization()(ops.convert_to_tensor([[3.0, 4.0]]))
        >>> round(float(unit[0, 0]), 4)
        0.6
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)

    def call(self, inputs: TensorLike) -> Tensor:
        axes = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        squares = ops.sum(ops.square(inputs), axis=axes, keepdims=True)
        return inputs * ops.rsqrt(ops.maximum(squares, 1e-12))
