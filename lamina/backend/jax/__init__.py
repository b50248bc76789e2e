"""JAX behind the contract: https://docs.jax.dev."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamina.backend.contract import Backend, Function
from lamina.backend.jax import (
    compiled_cache,
    devices,
    foreign,
    host_memory,
    kernels,
    linear,
    nn,
    optimizer,
    random,
    transforms,
    variables,
)


class JaxBackend(Backend):
    """Tensors are `jax.Array`; programs are compiled by XLA."""

    name: ClassVar[str] = "jax"
    install: ClassVar[str] = "pip install lamina"
    compiles: ClassVar[bool] = True
    mixins: ClassVar[Mapping[str, type]] = {"variable": variables.VariableMixin}
    declines = frozenset(["dot_product_attention"])
    tensor_types = (jax.Array,)
    own: Mapping[str, Function | None] = {**kernels.OWN, **linear.OWN, **nn.OWN, **random.OWN}

    def __init__(self) -> None:
        super().__init__()
        self._times: Counter[Any] = Counter()
        compiled_cache.keep_compiled_programs()
        host_memory.keep_buffers()

    def namespaces(self) -> Sequence[Any]:
        return (jnp, jax.nn, jnp.linalg, lax, jax.scipy.special)

    def array(self, value: Any, dtype: str | None = None) -> jax.Array:
        if dtype is not None:
            dtype = self.canonical(dtype)
            if isinstance(value, (float, int)):
                value = self.number(value, dtype)
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            # JAX may read the array later, or use its memory as the tensor's.
            copy = np.array(value, dtype)
            # asarray takes 16 µs, not 28, and first compiles a program for the shape, in 10 ms.
            kind = (copy.shape, copy.dtype)
            self._times[kind] += 1
            often = copy.nbytes <= _LARGE and self._times[kind] > _OFTEN
            return jnp.asarray(copy) if often else jax.device_put(copy)
        return jnp.asarray(value, dtype=dtype)

    @np.errstate(over="ignore")  # infinity is what a float too large becomes
    def number(self, value: complex, dtype: str) -> np.ndarray:
        return np.asarray(value, dtype)  # 0.2 µs; a jax.Array takes 20

    def cast(self, x: jax.Array, dtype: str) -> jax.Array:
        return lax.convert_element_type(x, self.canonical(dtype))

    def dtype(self, x: jax.Array) -> str:
        return _name(x.dtype)

    def to_numpy(self, x: jax.Array) -> np.ndarray:
        return np.array(x)

    def canonical(self, dtype: str) -> str:
        if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            return dtype
        return _NARROW.get(dtype, dtype)

    def is_traced(self, x: Any) -> bool:
        return isinstance(x, jax.core.Tracer)

    def variable(self, value: jax.Array, trainable: bool, name: str) -> variables.Cell:
        return variables.Cell(value, name)

    read = staticmethod(variables.read)
    assign = staticmethod(variables.assign)
    substitute = staticmethod(variables.substitute)

    outside_trace = staticmethod(transforms.outside_trace)

    jit = staticmethod(transforms.jit)
    value_and_grad = staticmethod(transforms.value_and_grad)
    jvp = staticmethod(transforms.jvp)
    optimizer = staticmethod(optimizer.optimizer)
    vmap = staticmethod(transforms.vmap)
    scan = staticmethod(transforms.scan)
    in_turn = staticmethod(transforms.in_turn)
    while_loop = staticmethod(transforms.while_loop)
    cond = staticmethod(transforms.cond)
    switch = staticmethod(transforms.switch)
    remat = staticmethod(transforms.remat)
    custom_gradient = staticmethod(transforms.custom_gradient)
    eval_shape = staticmethod(transforms.eval_shape)

    def foreign(self, kind: str, *parts: Any) -> Any:
        if kind == "flax":
            return foreign.flax_functions(*parts)
        # What the platforms are that come last matters where TensorFlow runs the function.
        return foreign.ForeignFunction(self, *parts[:-1]) if kind == "function" else None

    def slow_in_loops(self) -> frozenset[str]:
        # XLA's convolutions take one core there. On a GPU (H100) the MNIST program's epoch takes
        # 0.2 s in loops, and 0.5 by steps alone.
        others = super().slow_in_loops()
        return others | _CONVOLUTIONS if devices.current().platform == "cpu" else others

    devices = staticmethod(devices.available)

    def device(self, name: str) -> contextlib.AbstractContextManager[Any]:
        return devices.use(name)

    def version(self) -> str:
        return jax.__version__

    def block(self, tree: Any) -> Any:
        return jax.block_until_ready(tree)  # type: ignore[no-untyped-call]


@functools.cache
def _name(dtype: Any) -> str:
    name: str = dtype.name  # NumPy puts it together in 4 µs
    return name


_CONVOLUTIONS = frozenset(["conv", "depthwise_conv", "conv_transpose"])

_LARGE = 2**20
_OFTEN = 100

_NARROW = {
    "int64": "int32",
    "uint64": "uint32",
    "float64": "float32",
    "complex128": "complex64",
}


def create() -> JaxBackend:
    return JaxBackend()


__all__ = ["Function", "JaxBackend", "create"]
