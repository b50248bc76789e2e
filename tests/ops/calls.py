"""Calls of ops with the arguments of a `Case`, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

import lamina.backend
from lamina import ops
from lamina.symbolic import KerasTensor
from lamina.symbolic.tensor import inference
from tests.ops.table import Case, I, M, X


def fresh(operand: X | M, dtype: str, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if isinstance(operand, M) and dtype == "bool":
        value = np.broadcast_to(np.eye(operand.shape[-1]), operand.shape)
    elif isinstance(operand, M):
        root = random.uniform(-1, 1, operand.shape)
        value = root @ np.swapaxes(root, -1, -2) + 2 * np.eye(operand.shape[-1])
    else:
        value = random.uniform(operand.low, operand.high, operand.shape)
    if dtype.startswith("uint"):
        value = np.abs(value)
    if getattr(operand, "missing", False) and dtype.startswith(("float", "bfloat")):
        value.ravel()[::3] = np.nan
    # Through the narrow type, so that every backend starts from the same numbers.
    return value if dtype == "float64" else np.asarray(ops.convert_to_numpy(value)).astype(dtype)


def numbers(dtype: str, wide: bool = False):
    """A maker of operands, in double precision where `wide`."""

    def make(operand: X | M, seed: int) -> np.ndarray:
        value = fresh(operand, dtype, seed)
        return value.astype("float64") if wide else value

    return make


def symbols(dtype: str):
    dtype = lamina.backend.current().canonical(dtype)
    return lambda operand, seed: KerasTensor(operand.shape, dtype)


def build(tree, make, index=lambda value: np.asarray(value, _kind(value)), seed=None):
    """A case's arguments with `make(operand, seed)` for its operands."""
    seed = seed if seed is not None else [0]
    if isinstance(tree, (X, M)):
        seed[0] += 1
        return make(tree, seed[0])
    if isinstance(tree, I):
        return index(tree.value)
    if isinstance(tree, dict):
        return {key: build(value, make, index, seed) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)) and any(isinstance(one, (X, M, I)) for one in tree):
        return type(tree)(build(one, make, index, seed) for one in tree)
    return tree


def _kind(value) -> str:
    return "bool" if np.asarray(value).dtype == bool else "int32"


def arguments(case: Case, make, index=None):
    seed = [0]
    index = index or (lambda value: np.asarray(value, _kind(value)))
    args = [build(one, make, index, seed) for one in case.args]
    return args, build(case.kwargs, make, index, seed)


def flat(output) -> list:
    return list(output) if isinstance(output, (list, tuple)) else [output]


def specs(output) -> list:
    return [(tuple(one.shape), keras.backend.standardize_dtype(one.dtype)) for one in flat(output)]


def inferred(function, case: Case, dtype: str) -> list:
    """What the rows say that `function` computes."""
    with inference():
        args, kwargs = arguments(case, symbols(dtype))
        return specs(function(*args, **kwargs))


@dataclass
class Hole:
    """The place of an operand."""

    place: int


def mapped(tree, function):
    if isinstance(tree, dict):
        return {key: mapped(value, function) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(mapped(value, function) for value in tree)
    return function(tree)
