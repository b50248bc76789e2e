"""Initializers that draw from one distribution, whatever the shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamina.core import registry
from lamina.initializers.initializer import (
    RandomInitializer,
    Seed,
    normal,
    truncated_normal,
    uniform,
)


class RandomNormal(RandomInitializer):
    """Normally distributed numbers.

    Args:
        mean: their mean.
        stddev: their standard deviation.
        seed: an integer, a `SeedGenerator`, or None to draw one now.

    Example:
        >>> first, again = RandomNormal(seed=1), RandomNormal(seed=1)
        >>> bool((first((3,)) == again((3,))).all())
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return normal(generator, shape) * self.stddev + self.mean


class RandomUniform(RandomInitializer):
    """Numbers spread evenly over a range.

    Args:
        minval: the least.
        maxval: the greatest, itself left out.
        seed: an integer, a `SeedGenerator`, or None to draw one now.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return uniform(generator, shape, self.minval, self.maxval)


class TruncatedNormal(RandomInitializer):
    """Normally distributed numbers, those more than two stddev from the mean drawn again.

    Args:
        mean: their mean.
        stddev: the standard deviation before truncation; after it 0.88 of that.
        seed: an integer, a `SeedGenerator`, or None to draw one now.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return truncated_normal(generator, shape) * self.stddev + self.mean


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix, times gain.

    A shape of more than two dimensions is taken as the matrix of all but the last by the last.
    Where that is not square, its rows or columns are orthonormal, whichever are fewer.

    Args:
        gain: factor.
        seed: an integer, a `SeedGenerator`, or None to draw one now.

    Raises:
        ValueError: if the shape has fewer than two dimensions.

    Reference:
        Saxe et al., 2014, https://arxiv.org/abs/1312.6120
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal makes matrices, and the shape is {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(generator.standard_normal(tall))
        # With the signs of the diagonal, q is spread evenly over the orthogonal matrices.
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return np.asarray(self.gain * (q if rows >= columns else q.T).reshape(shape))


_ALIASES: dict[str, Any] = {
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "OrthogonalInitializer": Orthogonal,
}
for _name, _class in _ALIASES.items():
    registry.enter("initializers", _class, _name)
