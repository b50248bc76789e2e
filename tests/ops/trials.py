"""Backends on which ops are tried, one in a block, and what the rows foresee of a call."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec

import jax
import numpy as np
import pytest

import lamina.backend
from lamina.symbolic import KerasTensor
from lamina.symbolic.tensor import inference
from tests.backend.xla import optimizations
from tests.ops.calls import specs
from tests.ops.cases import TABLE
from tests.ops.properties import Call

BACKENDS = [name for name in ("numpy", "jax", "torch", "tensorflow") if find_spec(name)]
WITH_GRADIENTS = BACKENDS[1:]
PAIRS = [
    pytest.param(name, backend, id=f"{name}-{backend}") for name in TABLE for backend in BACKENDS
]


@contextlib.contextmanager
def on(backend: str, optimized: bool = False):
    """A block on a backend that holds types of 64 bits, JAX too, where compiling takes half the
    time without optimizations.
    """
    if backend != "jax":
        with lamina.backend.use(backend) as active:
            yield active
        return
    with optimizations(optimized), jax.enable_x64(True), lamina.backend.use(backend) as active:
        yield active


def foreseen(function, call: Call) -> list:
    """What the rows say of a call's result."""
    with inference():
        symbols = [
            KerasTensor(one.shape, one.dtype.name) if isinstance(one, np.ndarray) else one
            for one in call.leaves
        ]
        args, kwargs = call.arguments(symbols)
        return specs(function(*args, **kwargs))


def on_each_backend(test):
    """A test of one case after another, which runs once whatever backend the tests are run on."""
    return pytest.mark.every_backend(pytest.mark.usefixtures("each_backend")(test))
