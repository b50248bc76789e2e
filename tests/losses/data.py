"""What tests of losses and metrics share: random data, and what a docstring has to say."""

import inspect

import numpy as np

RANDOM = np.random.default_rng(0)


def values(shape):
    return RANDOM.uniform(0.05, 0.95, shape).astype("float32")


def bits(shape):
    return (values(shape) > 0.5).astype("float32")


def one_hot(shape):
    return np.eye(shape[-1], dtype="float32")[classes(shape)]


def classes(shape):
    return RANDOM.integers(0, shape[-1], shape[:-1])


def distribution(shape):
    x = values(shape)
    return x / x.sum(-1, keepdims=True)


def logits(shape):
    return RANDOM.normal(size=shape).astype("float32") * 3


def labels(shape):
    """Targets of CTC, shape `(batch, 2)`, for logits of this shape."""
    found = RANDOM.integers(1, shape[-1], (shape[0], 2))
    found[::2, 1] = 0
    return found


def class_of_each(shape):
    return RANDOM.integers(0, 2, shape[:1])


def unit(shape):
    x = RANDOM.normal(size=shape).astype("float32")
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def places(shape):
    """The class of each place of an image, one of three."""
    return RANDOM.integers(0, 3, shape)


def missing_from_docstring(one):
    """The arguments that the docstring of a loss or metric says nothing of, or `"Example:"`."""
    words = [*(f"{name}: " for name in inspect.signature(one).parameters), "Example:"]
    return [word.strip(" :") for word in words if word not in one.__doc__]
