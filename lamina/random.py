"""Random tensors, as `keras.random`.

`seed` is an integer (the same numbers each time), a `SeedGenerator` (the next ones) or None (the
next ones of the process, which `lamina.utils.set_random_seed` makes repeatable).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import ops
from lamina.backend import current, floatx
from lamina.backend.dtypes import is_float_dtype, is_integer, standardize_dtype
from lamina.core.seeds import SeedGenerator, draw_seed
from lamina.ops.control import recorded
from lamina.ops.conversion import dtype as dtype_of
from lamina.ops.row import Tensor, TensorLike
from lamina.symbolic.tensor import KerasTensor, inferring

Seed = int | SeedGenerator | None
Shape = Sequence[int]


def _float(dtype: Any, function: str) -> str:
    name = floatx() if dtype is None else standardize_dtype(dtype)
    if not is_float_dtype(name):
        raise ValueError(f"random.{function} draws floats; its dtype cannot be {name!r}.")
    return current().canonical(name)


def _draw(kernel: str, shape: Shape, dtype: str, seed: Seed, *parameters: Any) -> Tensor:
    """Numbers of `shape` from a kernel whose parameters are numbers or tensors."""
    shape = tuple(shape)
    if inferring():
        return KerasTensor(shape, dtype)
    values = [p if isinstance(p, (int, float)) else ops.convert_to_tensor(p) for p in parameters]
    return _kernel(kernel)(draw_seed(seed), shape, *values, dtype)


def _kernel(name: str) -> Any:
    return current().kernel(name)


@recorded
def uniform(
    shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """Numbers spread evenly over minval <= x < maxval.

    Args:
        shape: the shape of the result.
        minval, maxval: the bounds.
        dtype: the element type; an integer type draws integers. `floatx` where None.
        seed: see the top of this module.

    Example:
        >>> uniform((2, 3), seed=1).shape
        (2, 3)
    """
    name = floatx() if dtype is None else standardize_dtype(dtype)
    if is_integer(name):
        return randint(shape, int(minval), int(maxval), name, seed)
    return _draw("random_uniform", shape, _float(name, "uniform"), seed, minval, maxval)


@recorded
def normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """Numbers from the normal distribution.

    Args:
        shape: the shape of the result.
        mean, stddev: the mean and the standard deviation.
        dtype: a float type; `floatx` where None.
        seed: see the top of this module.
    """
    return _draw("random_normal", shape, _float(dtype, "normal"), seed, mean, stddev)


@recorded
def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """Numbers from the normal distribution, those beyond two `stddev` drawn again.

    Args:
        shape: the shape of the result.
        mean, stddev: of the distribution before it is cut.
        dtype: a float type; `floatx` where None.
        seed: see the top of this module.
    """
    name = _float(dtype, "truncated_normal")
    return _draw("random_truncated_normal", shape, name, seed, mean, stddev)


@recorded
def randint(
    shape: Shape, minval: int, maxval: int, dtype: Any = "int32", seed: Seed = None
) -> Tensor:
    """Integers spread evenly over minval <= x < maxval.

    Args:
        shape: the shape of the result.
        minval, maxval: the bounds.
        dtype: an integer type.
        seed: see the top of this module.
    """
    name = standardize_dtype(dtype)
    if not is_integer(name):
        raise ValueError(f"random.randint draws integers; its dtype cannot be {name!r}.")
    return _draw("random_randint", shape, current().canonical(name), seed, minval, maxval)


@recorded
def categorical(
    logits: TensorLike, num_samples: int, dtype: Any = "int32", seed: Seed = None
) -> Tensor:
    """Classes drawn with probabilities softmax(logits).

    Args:
        logits: `(batch, classes)`.
        num_samples: how many to draw for each row.
        dtype: an integer type.
        seed: see the top of this module.

    Returns:
        Integers of shape `(batch, num_samples)`.
    """
    name = current().canonical(standardize_dtype(dtype))
    logits = ops.convert_to_tensor(logits)
    if inferring():
        return KerasTensor((*logits.shape[:-1], num_samples), name)
    return _kernel("random_categorical")(draw_seed(seed), logits, num_samples, name)


@recorded
def shuffle(x: TensorLike, axis: int = 0, seed: Seed = None) -> Tensor:
    """`x` with its slices along `axis` in random order.

    Args:
        x: a tensor.
        axis: the axis to shuffle.
        seed: see the top of this module.
    """
    x = ops.convert_to_tensor(x)
    if inferring():
        return KerasTensor(x.shape, dtype_of(x))
    return _kernel("random_shuffle")(draw_seed(seed), x, axis)


@recorded
def dropout(
    inputs: TensorLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: Seed = None,
) -> Tensor:
    """`inputs` with a fraction `rate` of its elements set to 0, the others scaled up.

    What is kept is divided by 1 - rate, so that the sum stays the same on average.

    Args:
        inputs: a float tensor.
        rate: the fraction to drop, 0 <= rate < 1.
        noise_shape: the shape of the mask, which is broadcast; None in it stands for the size
            of `inputs`.
        seed: see the top of this module.
    """
    inputs = ops.convert_to_tensor(inputs)
    if inferring():
        return KerasTensor(inputs.shape, dtype_of(inputs))
    key = draw_seed(seed)
    shape = tuple(inputs.shape)
    if noise_shape is not None:
        pairs = zip(noise_shape, shape, strict=True)
        shape = tuple(own if asked is None else asked for asked, own in pairs)
    return _kernel("random_dropout")(key, inputs, rate, shape)


@recorded
def gamma(shape: Shape, alpha: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Numbers from the gamma distribution of rate 1.

    Args:
        shape: the shape of the result.
        alpha: the shape parameter, > 0; broadcast to `shape`.
        dtype: a float type; `floatx` where None.
        seed: see the top of this module.
    """
    return _draw("random_gamma", shape, _float(dtype, "gamma"), seed, alpha)


@recorded
def beta(shape: Shape, alpha: Any, beta: Any, dtype: Any = None, seed: Seed = None) -> Tensor:
    """Numbers between 0 and 1 from the beta distribution.

    Args:
        shape: the shape of the result.
        alpha, beta: the parameters, > 0; broadcast to `shape`.
        dtype: a float type; `floatx` where None.
        seed: see the top of this module.
    """
    return _draw("random_beta", shape, _float(dtype, "beta"), seed, alpha, beta)


@recorded
def binomial(
    shape: Shape, counts: Any, probabilities: Any, dtype: Any = None, seed: Seed = None
) -> Tensor:
    """How many of `counts` trials succeed.

    Args:
        shape: the shape of the result.
        counts: the number of trials; broadcast to `shape`.
        probabilities: the probability that one succeeds.
        dtype: a float type; `floatx` where None.
        seed: see the top of this module.
    """
    name = _float(dtype, "binomial")
    return _draw("random_binomial", shape, name, seed, counts, probabilities)


__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
