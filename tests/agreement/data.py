"""Arrays that layers, losses and metrics are given, the same every time."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def drawn(shape: Any, dtype: str, seed: int = 0) -> Any:
    """An array of a shape, or a list of them: normal numbers, integers below 5, or truth values."""
    if isinstance(shape, list):
        return [drawn(one, dtype, seed + place) for place, one in enumerate(shape)]
    generator = np.random.default_rng(seed)
    if dtype.startswith("int"):
        return generator.integers(0, 5, shape).astype(dtype)
    return generator.normal(size=shape).astype(dtype)


def values(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.uniform(0.05, 0.95, shape).astype("float32")


def logits(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.normal(size=shape).astype("float32") * 3


def bits(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return (values(generator, shape) > 0.5).astype("float32")


def classes(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A class for each position, of as many as the last dimension has."""
    return generator.integers(0, shape[-1], shape[:-1]).astype("int32")


def one_hot(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.eye(shape[-1], dtype="float32")[classes(generator, shape)]


def distribution(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = values(generator, shape)
    return x / x.sum(-1, keepdims=True)


def scalar_classes(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Classes below 3 in the whole shape."""
    return generator.integers(0, 3, shape).astype("int32")


def labels(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Sequences of labels from 1 on, padded with 0, for outputs of (batch, steps, classes)."""
    found = generator.integers(1, shape[-1], (shape[0], max(1, shape[1] // 2)))
    found[0, -1] = 0
    return found.astype("int32")


MAKERS = {
    each.__name__: each
    for each in (*(values, logits, bits, classes, one_hot, distribution, scalar_classes, labels),)
}


def batch(
    y_true: str, y_pred: str | None, shape: tuple[int, ...], weights: str, seed: int
) -> list[Any]:
    """Targets, predictions and weights.

    Args:
        y_true, y_pred: names of the makers above; without `y_pred`, for a metric of values.
        shape: that of predictions.
        weights: "none"; "values" for one each value of the loss, that is without the last
            dimension; "samples" for one a sample, with dimensions of 1 for the others, "rows" for
            one a sample without them.
        seed: which numbers.
    """
    generator = np.random.default_rng([seed, zlib.crc32(repr(shape).encode())])
    found = [MAKERS[one](generator, shape) for one in (y_true, y_pred) if one]
    if weights == "none":
        return found
    size = shape[:-1] if y_pred else shape
    if weights == "samples":
        size = (size[0],) + (1,) * (len(size) - 1)
    return [*found, values(generator, size[:1] if weights == "rows" else size)]
