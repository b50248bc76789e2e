"""Layers that regularize: noise while training, and penalties on outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import ops, random, regularizers
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.layers.checks import fraction, number, standardize_data_format
from lamina.ops.row import Tensor, TensorLike

# Minus scale * alpha of `selu`: what its output tends to for large negative inputs.
_SELU_FLOOR = -1.7580993408473766


class _Noise(Layer):
    """What random layers have in common: a seed, and nothing to do outside training."""

    supports_masking = True

    def _start(self, strength: float, seed: int | None) -> None:
        self.seed = seed
        self.seed_generator = SeedGenerator(seed) if strength > 0 else None
        self.built = True

    def call(self, inputs: TensorLike, training: bool = False) -> Tensor:
        return self._noisy(inputs) if training and self.seed_generator else inputs

    def _noisy(self, inputs: Tensor) -> Tensor:
        raise NotImplementedError

    def _normal(self, inputs: Tensor, mean: float, stddev: float) -> Tensor:
        seed, dtype = self.seed_generator, self.compute_dtype
        return random.normal(ops.shape(inputs), mean, stddev, dtype=dtype, seed=seed)


class Dropout(_Noise):
    """Sets a random fraction of the inputs to 0 while training, and scales up the others.

    What is kept is divided by 1 - rate, so that the sum stays the same on average. Outside
    training nothing changes.

    Args:
        rate: the fraction to drop, from 0 to 1.
        noise_shape: the shape of the random mask, which is broadcast; None in it stands for
            the size of the input: `(None, 1, None)` drops the same features at all steps.
        seed: an integer for the same masks in each run.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.Dropout(0.5, seed=1)
        >>> dropped = layer(ops.ones((1, 100)), training=True)
        >>> sorted(set(dropped[0].tolist()))
        [0.0, 2.0]

    Reference:
        Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self._start(rate, seed)

    def _noisy(self, inputs: Tensor) -> Tensor:
        if self.rate == 1:
            return ops.zeros_like(inputs)
        return random.dropout(inputs, self.rate, self.noise_shape, seed=self.seed_generator)


class _SpatialDropout(_Noise):
    """Drops whole channels: one decision for all places of a channel."""

    rank: ClassVar[int]
    unsaved: ClassVar[frozenset[str]] = frozenset({"trainable"})

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.rate = fraction("rate", rate)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._start(rate, seed)

    def _noisy(self, inputs: Tensor) -> Tensor:
        if self.rate == 1:
            return ops.zeros_like(inputs)
        places = (1,) * self.rank
        last = self.data_format == "channels_last"
        shape = (None, *places, None) if last else (None, None, *places)
        return random.dropout(inputs, self.rate, shape, seed=self.seed_generator)


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences, `(batch, steps, channels)`.

    Neighbouring steps are alike, and dropping single ones would take little information away.

    Args:
        rate: the fraction of channels to drop, from 0 to 1.
        seed: an integer for the same masks in each run.

    Example:
        >>> from lamina import layers, ops
        >>> layers.SpatialDropout1D(0.5)(ops.ones((2, 5, 3)), training=True).shape
        (2, 5, 3)

    Reference:
        Tompson et al., 2014, https://arxiv.org/abs/1411.4280
    """

    rank = 1

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: the fraction of channels to drop, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        seed: an integer for the same masks in each run.

    Reference:
        Tompson et al., 2014, https://arxiv.org/abs/1411.4280
    """

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: the fraction of channels to drop, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        seed: an integer for the same masks in each run.

    Reference:
        Tompson et al., 2014, https://arxiv.org/abs/1411.4280
    """

    rank = 3


class GaussianNoise(_Noise):
    """Adds normal noise of mean 0 while training.

    Args:
        stddev: the standard deviation of the noise, at least 0.
        seed: an integer for the same noise in each run.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GaussianNoise(1.0)(ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        found = number(stddev)
        if found is None or found < 0:
            raise ValueError(f"stddev is a number of at least 0, not {stddev!r}.")
        self.stddev = found
        self._start(found, seed)

    def _noisy(self, inputs: Tensor) -> Tensor:
        return ops.add(inputs, self._normal(inputs, 0.0, self.stddev))


class GaussianDropout(_Noise):
    """Multiplies by normal noise of mean 1 and variance rate / (1 - rate) while training.

    Args:
        rate: as for `Dropout`, whose first two moments the noise has; less than 1.
        seed: an integer for the same noise in each run.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GaussianDropout(0.5)(ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]

    Reference:
        Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate)
        self._start(rate, seed)

    def _noisy(self, inputs: Tensor) -> Tensor:
        if self.rate == 1:
            raise ValueError("GaussianDropout with rate=1 has noise of infinite variance.")
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return ops.multiply(inputs, self._normal(inputs, 1.0, stddev))


class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance: for networks of `selu` units.

    Dropped inputs become the value that `selu` tends to for large negative inputs, and all are
    then scaled and shifted so that inputs of mean 0 and variance 1 keep both.

    Args:
        rate: the fraction to drop, from 0 to 1.
        noise_shape: the shape of the random mask, which is broadcast; None in it stands for
            the size of the input.
        seed: an integer for the same masks in each run.

    Example:
        >>> from lamina import layers, ops
        >>> layers.AlphaDropout(0.5)(ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]

    Reference:
        Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self._start(rate, seed)

    def _noisy(self, inputs: Tensor) -> Tensor:
        if self.rate == 1:
            return ops.zeros_like(inputs)
        shape = ops.shape(inputs)
        noise_shape = self.noise_shape or (None,) * len(shape)
        pairs = zip(noise_shape, shape, strict=True)
        drawn = random.uniform(
            [own if asked is None else asked for asked, own in pairs], seed=self.seed_generator
        )
        kept = ops.where(ops.greater_equal(drawn, self.rate), inputs, _SELU_FLOOR)
        scale = ((1 - self.rate) * (1 + self.rate * _SELU_FLOOR**2)) ** -0.5
        return ops.add(ops.multiply(kept, scale), -scale * _SELU_FLOOR * self.rate)


class ActivityRegularization(Layer):
    """Hands its input on and adds a penalty to the loss: l1 * Σ|x| + l2 * Σx² per example.

    Args:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.ActivityRegularization(l1=0.5)
        >>> output = layer(ops.convert_to_tensor([[1.0, -3.0]]))
        >>> [float(loss) for loss in layer.losses]
        [2.0]
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: TensorLike) -> Any:
        return inputs
