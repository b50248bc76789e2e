"""Initializers whose spread follows from the numbers of inputs and outputs of a weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lamina.initializers.initializer import (
    RandomInitializer,
    Seed,
    normal,
    truncated_normal,
    uniform,
)

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
# The standard deviation of a standard normal number between -2 and 2.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Numbers of mean 0 and variance scale / n, n the number of a weight's inputs or outputs.

    Args:
        scale: factor of the variance, positive.
        mode: what n is: `"fan_in"`, the inputs of each output; `"fan_out"`, the outputs of each
            input; `"fan_avg"`, the mean of the two.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: an integer, a `SeedGenerator`, or None to draw one now.
        input_axes: the axes of the inputs, where they are not the last but one and those of the
            window; given together with `output_axes`.
        output_axes: the axes of the outputs.

    Raises:
        ValueError: if `scale` is not positive, or `mode` or `distribution` is another word.

    Example:
        >>> weights = VarianceScaling(2.0, seed=0)((200, 100))
        >>> round(float((weights**2).mean()), 3)  # 2 / 200
        0.01
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"scale is a positive number, not {scale!r}.")
        if mode.lower() not in _MODES:
            raise ValueError(f"mode is one of {', '.join(_MODES)}, not {mode!r}.")
        distribution = distribution.lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(
                f"distribution is one of {', '.join(_DISTRIBUTIONS)}, not {distribution!r}."
            )
        self.scale = scale
        self.mode = mode.lower()
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        stddev = math.sqrt(self.scale / max(1.0, count[self.mode]))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            return uniform(generator, shape, -limit, limit)
        if self.distribution == "untruncated_normal":
            return normal(generator, shape) * stddev
        return truncated_normal(generator, shape) * (stddev / _TRUNCATED_STDDEV)


def fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """The numbers of inputs of each output and of outputs of each input of a weight.

    The last axis counts outputs, the last but one inputs, and the axes before are a window.

    Example:
        >>> fans((3, 3, 8, 16))
        (72, 144)
    """
    if input_axes is not None and output_axes is not None:
        return (
            math.prod(shape[axis] for axis in input_axes),
            math.prod(shape[axis] for axis in output_axes),
        )
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class _Preset(VarianceScaling):
    """A `VarianceScaling` of fixed scale, mode and distribution."""

    preset: ClassVar[tuple[float, str, str]]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.preset, seed, input_axes, output_axes)


class GlorotUniform(_Preset):
    """Numbers spread evenly within ±sqrt(6 / (inputs + outputs)); also called Xavier.

    Args:
        seed: an integer, a `SeedGenerator`, or None to draw one now.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Example:
        >>> bool(abs(GlorotUniform(seed=0)((4, 2))).max() <= 1)
        True

    Reference:
        Glorot and Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html
    """

    preset = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal numbers of variance 2 / (inputs + outputs); also called Xavier.

    Takes the arguments of `GlorotUniform`.

    Reference:
        Glorot and Bengio, 2010, https://proceedings.mlr.press/v9/glorot10a.html
    """

    preset = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Preset):
    """Numbers spread evenly within ±sqrt(6 / inputs), for layers with relu.

    Takes the arguments of `GlorotUniform`.

    Reference:
        He et al., 2015, https://arxiv.org/abs/1502.01852
    """

    preset = (2.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal numbers of variance 2 / inputs, for layers with relu.

    Takes the arguments of `GlorotUniform`.

    Reference:
        He et al., 2015, https://arxiv.org/abs/1502.01852
    """

    preset = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Numbers spread evenly within ±sqrt(3 / inputs).

    Takes the arguments of `GlorotUniform`.

    Reference:
        Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """

    preset = (1.0, "fan_in", "uniform")


class LecunNormal(_Preset):
    """Truncated normal numbers of variance 1 / inputs, for layers with selu.

    Takes the arguments of `GlorotUniform`.

    Reference:
        Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """

    preset = (1.0, "fan_in", "truncated_normal")
