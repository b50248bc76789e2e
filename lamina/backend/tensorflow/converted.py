"""Pure functions of JAX inside of layers on TensorFlow; importing this module imports JAX."""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf
from jax.experimental import jax2tf

from lamina.backend.contract import Backend
from lamina.backend.jax.foreign import ForeignFunction, Tree, flax_functions


class ConvertedFunction(ForeignFunction):
    """A pure function of JAX that TensorFlow runs, on `platforms`: this machine's where None."""

    def __init__(
        self, backend: Backend, call: Any, init: Any, params: Tree, state: Tree, platforms: Any
    ) -> None:
        super().__init__(backend, call, init, params, state)
        self._platforms = platforms

    def _run(self, tensors: dict[str, Tree], flags: dict[str, bool]) -> Any:
        call = functools.partial(self._call, **flags)
        converted = jax2tf.convert(
            lambda given: call(**given), native_serialization_platforms=self._platforms
        )
        return tf.autograph.experimental.do_not_convert(converted)(tensors)


def foreign(backend: Backend, kind: str, *parts: Any) -> Any:
    return flax_functions(*parts) if kind == "flax" else ConvertedFunction(backend, *parts)
