"""NumPy behind the contract: the reference, forward only, without a framework."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import ml_dtypes  # gives NumPy the name "bfloat16"
import numpy as np

from lamina.backend.config import settings
from lamina.backend.contract import Backend, Function
from lamina.backend.frames import Cell
from lamina.backend.numpy import control, kernels, linear, nn, random

Array = np.ndarray[Any, Any]
_HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
# What depends on the width of the type that it is given.
_EXACT = ("nan_to_num", "nextafter", "view", "zeros_like", "ones_like", "full_like", "empty_like")


class NumpyBackend(Backend):
    """Tensors are `numpy.ndarray`; everything runs at once, in Python."""

    name: ClassVar[str] = "numpy"
    install: ClassVar[str] = "pip install lamina"
    tensor_types: tuple[type, ...] = (np.ndarray, np.generic)
    own: Mapping[str, Function | None] = {**kernels.OWN, **linear.OWN, **nn.OWN, **random.OWN}

    def namespaces(self) -> Sequence[Any]:
        return (np, np.linalg)

    def _find(self, name: str) -> Function | None:
        found = super()._find(name)
        if found is None:
            return None
        quiet = np.errstate(all="ignore")(found)  # infinities and NaN are results, not warnings
        return quiet if name in _EXACT else _widened(quiet)

    def array(self, value: Any, dtype: str | None = None) -> Array:
        if dtype is not None:
            return np.asarray(value).astype(dtype)
        array = np.asarray(value)
        if not hasattr(value, "__array__"):  # Python's own numbers
            if array.dtype == np.float64:
                return array.astype(settings.floatx)
            if array.dtype == np.int64:
                return array.astype(np.int32)
        return array

    @np.errstate(all="ignore")
    def cast(self, x: Array, dtype: str) -> Array:
        return x.astype(dtype, copy=False)

    def dtype(self, x: Array) -> str:
        return str(x.dtype.name)

    def to_numpy(self, x: Array) -> Array:
        return np.array(x)

    def copy(self, x: Array) -> Array:
        return x.copy()

    def variable(self, value: Array, trainable: bool, name: str) -> Cell:
        return Cell(value, name)

    read = staticmethod(control.read)
    assign = staticmethod(control.assign)
    substitute = staticmethod(control.substitute)
    jit = staticmethod(control.jit)
    value_and_grad = staticmethod(control.value_and_grad)
    jvp = staticmethod(control.jvp)
    vmap = staticmethod(control.vmap)
    scan = staticmethod(control.scan)
    while_loop = staticmethod(control.while_loop)
    cond = staticmethod(control.cond)
    switch = staticmethod(control.switch)
    remat = staticmethod(control.remat)
    custom_gradient = staticmethod(control.custom_gradient)
    eval_shape = staticmethod(control.eval_shape)

    def devices(self) -> list[str]:
        return ["cpu:0"]

    def device(self, name: str) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    def version(self) -> str:
        return np.__version__


def _widened(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """`kernel` on the half-width floats as `float32`, which NumPy knows everywhere."""

    def wide(value: Any) -> Any:
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype in _HALVES:
            return value.astype(np.float32)
        return [wide(one) for one in value] if isinstance(value, list) else value

    @functools.wraps(kernel)
    def call(*args: Any, **kwargs: Any) -> Any:
        return kernel(*[wide(value) for value in args], **kwargs)

    return call


def create() -> NumpyBackend:
    return NumpyBackend()


__all__ = ["NumpyBackend", "create"]
