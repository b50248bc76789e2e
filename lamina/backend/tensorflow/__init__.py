"""TensorFlow behind the contract: https://www.tensorflow.org/api_docs/python/tf."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp
from tensorflow.python.autograph.core import config as autograph

from lamina.backend.contract import Backend, Function, Row
from lamina.backend.dtypes import ALL
from lamina.backend.tensorflow import (
    checkpoints,
    compiled,
    control,
    foreign,
    fused_updates,
    kernels,
    nn,
    random,
    scans,
    transforms,
    variables,
)


class TensorFlowBackend(Backend):
    """Tensors are `tf.Tensor`; programs run as graphs, which XLA compiles where asked."""

    name: ClassVar[str] = "tensorflow"
    install: ClassVar[str] = "pip install 'lamina[tensorflow]'"
    compiles: ClassVar[bool] = True
    steps_a_turn: ClassVar[int] = 4
    tensor_types: tuple[type, ...] = (tf.Tensor,)
    mixins: ClassVar[Mapping[str, type]] = {
        "layer": checkpoints.LayerMixin,
        "optimizer": checkpoints.OptimizerMixin,
        "variable": variables.VariableMixin,
    }
    own: Mapping[str, Function | None] = {**kernels.OWN, **nn.OWN, **random.OWN}

    def namespaces(self) -> Sequence[Any]:
        # Of the same names in tf and tf.nn, half mean something else. What is named as in NumPy
        # comes last: it takes twice the time, finding out types that the rows know.
        return (tf.math, tnp)

    @np.errstate(over="ignore", invalid="ignore")  # as `cast` has it
    def array(self, value: Any, dtype: str | None = None) -> tf.Tensor:
        if dtype is None or hasattr(value, "op"):  # a tensor or a variable of TensorFlow
            tensor = tf.convert_to_tensor(value)
            return tensor if dtype is None else self.cast(tensor, dtype)
        kind = _TYPES[dtype]
        return tf.constant(np.asarray(value).astype(kind.as_numpy_dtype), kind)

    def number(self, value: complex, dtype: str) -> tf.Tensor:
        # Numbers too large for float16 warn, and those that are no bool are refused.
        by_numpy = dtype in ("float16", "bool")
        return self.array(value, dtype) if by_numpy else tf.constant(value, _TYPES[dtype])

    def cast(self, x: tf.Tensor, dtype: str) -> tf.Tensor:
        kind = _TYPES[dtype]
        return x if x.dtype is kind else tf.raw_ops.Cast(x=x, DstT=kind)

    def dtype(self, x: tf.Tensor) -> str:
        return str(x.dtype.name)

    def to_numpy(self, x: tf.Tensor) -> np.ndarray:
        return np.array(x.numpy())  # np.array(x) fails where x is one bfloat16

    def is_traced(self, x: Any) -> bool:
        return bool(tf.is_symbolic_tensor(x))

    def scope(self) -> Callable[[], bool]:
        framed, graph = super().scope(), variables.current_graph()
        return lambda: framed() and variables.inside(graph)

    variable = staticmethod(variables.variable)
    read = staticmethod(variables.read)
    assign = staticmethod(variables.assign)
    substitute = staticmethod(variables.substitute)
    outside_trace = staticmethod(variables.outside_trace)

    jit = staticmethod(compiled.jit)
    value_and_grad = staticmethod(transforms.value_and_grad)
    jvp = staticmethod(transforms.jvp)
    vmap = staticmethod(transforms.vmap)
    scan = staticmethod(scans.scan)
    while_loop = staticmethod(control.while_loop)
    cond = staticmethod(control.cond)
    switch = staticmethod(control.switch)
    remat = staticmethod(transforms.remat)
    custom_gradient = staticmethod(transforms.custom_gradient)
    eval_shape = staticmethod(transforms.eval_shape)

    def update_all(
        self, update: Any, rows: Sequence[Row], memo: dict[str, Any], *shared: tf.Tensor
    ) -> None:
        if not fused_updates.fused(update, rows, shared):
            super().update_all(update, rows, memo, *shared)

    def foreign(self, kind: str, *parts: Any) -> Any:
        if kind == "program":
            return foreign.SavedProgram(*parts)
        if kind not in ("function", "flax"):
            return None
        from lamina.backend.tensorflow import converted  # imports JAX, for those who use it

        return converted.foreign(self, kind, *parts)

    def replica_mean(self, x: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return x
        return replica.all_reduce(tf.distribute.ReduceOp.MEAN, x)

    def devices(self) -> list[str]:
        found = tf.config.list_logical_devices()
        return [f"{one.device_type.lower()}:{one.name.rpartition(':')[2]}" for one in found]

    def device(self, name: str) -> contextlib.AbstractContextManager[Any]:
        return tf.device(name)  # type: ignore[no-any-return]

    def synchronize(self) -> None:
        tf.test.experimental.sync_devices()

    def version(self) -> str:
        return str(tf.__version__)


_TYPES: dict[str, tf.DType] = {name: tf.as_dtype(name) for name in ALL}


def create() -> TensorFlowBackend:
    # A user's tf.function rewrites the Python control flow of what it calls; ours needs none.
    autograph.CONVERSION_RULES = (autograph.DoNotConvert("lamina"), *autograph.CONVERSION_RULES)
    return TensorFlowBackend()


__all__ = ["TensorFlowBackend", "create"]
