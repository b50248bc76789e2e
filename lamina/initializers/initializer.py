"""The base of initializers, and of those that draw random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from lamina import ops
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.core.named import Named
from lamina.core.seeds import SeedGenerator, host_generator, make_default_seed
from lamina.ops.row import Tensor

Shape = Sequence[int]
Seed = int | SeedGenerator | None


class Initializer(Named):
    """A function of a shape and a type that gives the first value of a weight.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None, **kwargs):
        ...         return lamina.ops.full(shape, 0.5, dtype=dtype)
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(Halves()((2,))).tolist()
        [0.5, 0.5]
    """

    slot: ClassVar[str] = "initializers"

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of that shape and type, `floatx` where `dtype` is None."""
        raise TypeError(
            f"{type(self).__name__} needs a method `__call__(self, shape, dtype=None)`."
        )

    def clone(self) -> Self:
        """Another one of the same config."""
        return type(self).from_config(self.get_config())


class RandomInitializer(Initializer):
    """An initializer that draws numbers, on the host: the same ones on every backend.

    Subclasses define `draw`. With an integer seed, and with None (a seed is then drawn once, when
    the initializer is made), each call with one shape gives the same numbers; with a
    `SeedGenerator` each call gives others.
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict):
            seed = SeedGenerator(seed=seed["config"]["seed"])
        is_integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        if not is_integer and not isinstance(seed, (SeedGenerator, type(None))):
            raise ValueError(
                f"{type(self).__name__}: seed is an integer, a SeedGenerator or None, not {seed!r}."
            )
        self.seed: int | SeedGenerator = make_default_seed() if seed is None else seed

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers, in float64 or float32."""
        raise TypeError(f"{type(self).__name__} needs a method `draw(self, generator, shape)`.")

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        dtype = standardize_dtype(dtype)
        if not is_float(dtype):
            raise ValueError(f"{type(self).__name__} makes floating-point numbers, not {dtype}.")
        values = self.draw(host_generator(self.seed), tuple(shape))
        return ops.convert_to_tensor(values, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        # A seed that was drawn stays out of it: a copy made of the config draws its own.
        config = super().get_config()
        return {**config, "seed": None} if self._arguments.get("seed") is None else config


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers."""
    return generator.standard_normal(shape, dtype=np.float32)


def truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers between -2 and 2; those outside are drawn again."""
    values = generator.standard_normal(math.prod(shape), dtype=np.float32)
    outside = np.flatnonzero(np.abs(values) > 2)
    while outside.size:
        values[outside] = generator.standard_normal(outside.size, dtype=np.float32)
        outside = outside[np.abs(values[outside]) > 2]
    return values.reshape(shape)


def uniform(
    generator: np.random.Generator, shape: tuple[int, ...], low: float, high: float
) -> np.ndarray:
    """Numbers spread evenly from `low` to `high`."""
    return generator.random(shape, dtype=np.float32) * (high - low) + low
