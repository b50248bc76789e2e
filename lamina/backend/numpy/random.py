"""Random numbers in NumPy: each key, a seed and a counter, is the key of a Philox generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Shape = Sequence[int]


def _generator(key: Array) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.asarray(key).astype(np.uint64)))


def random_uniform(key: Array, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Array:
    drawn = _generator(key).random(shape) * (maxval - minval) + minval
    # Rounding to a narrower type may reach the upper bound, which is not part of the range.
    bound = np.nextafter(np.asarray(maxval, dtype), np.asarray(minval, dtype), dtype=dtype)
    below: Array = np.minimum(drawn.astype(dtype), bound)
    return below


def random_normal(key: Array, shape: Shape, mean: Any, stddev: Any, dtype: str) -> Array:
    return np.asarray(_generator(key).normal(mean, stddev, shape)).astype(dtype)


def random_truncated_normal(key: Array, shape: Shape, mean: Any, stddev: Any, dtype: str) -> Array:
    generator = _generator(key)
    drawn = np.asarray(generator.standard_normal(shape))
    while True:
        outside = np.abs(drawn) > 2
        if not outside.any():
            return np.asarray(drawn * stddev + mean).astype(dtype)
        drawn[outside] = generator.standard_normal(np.count_nonzero(outside))


def random_randint(key: Array, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Array:
    return np.asarray(_generator(key).integers(minval, maxval, shape)).astype(dtype)


def random_categorical(key: Array, logits: Array, num_samples: int, dtype: str) -> Array:
    shape = (*logits.shape[:-1], num_samples, logits.shape[-1])
    # Gumbel noise: the largest of logit + noise falls on a class with its probability.
    noise = _generator(key).gumbel(size=shape)
    classes: Array = np.argmax(logits[..., None, :] + noise, axis=-1).astype(dtype)
    return classes


def random_shuffle(key: Array, x: Array, axis: int) -> Array:
    return _generator(key).permutation(x, axis=axis)


def random_gamma(key: Array, shape: Shape, alpha: Any, dtype: str) -> Array:
    return np.asarray(_generator(key).gamma(alpha, size=shape)).astype(dtype)


def random_beta(key: Array, shape: Shape, alpha: Any, beta: Any, dtype: str) -> Array:
    return np.asarray(_generator(key).beta(alpha, beta, shape)).astype(dtype)


def random_binomial(key: Array, shape: Shape, counts: Any, probabilities: Any, dtype: str) -> Array:
    counts = np.asarray(counts).astype(np.int64)
    return np.asarray(_generator(key).binomial(counts, probabilities, shape)).astype(dtype)


def random_dropout(key: Array, x: Array, rate: Any, shape: Shape) -> Array:
    keep = _generator(key).random(shape) >= rate
    return np.where(keep, x / np.asarray(1 - rate, x.dtype), np.zeros((), x.dtype))


OWN: dict[str, Callable[..., Any]] = {
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "random_truncated_normal": random_truncated_normal,
    "random_randint": random_randint,
    "random_categorical": random_categorical,
    "random_shuffle": random_shuffle,
    "random_gamma": random_gamma,
    "random_beta": random_beta,
    "random_binomial": random_binomial,
    "random_dropout": random_dropout,
}
