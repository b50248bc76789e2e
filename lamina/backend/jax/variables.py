"""Variables on JAX: cells that know whether somebody else may hold their array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from lamina.backend import frames
from lamina.backend.contract import LeakedTraceError
from lamina.backend.frames import ABSENT, Substitution


class Cell(frames.Cell):
    """The place where a variable keeps its value.

    A value that came from outside or was handed out is *lent*: somebody else may hold the array,
    so its buffer is not donated to a compiled program, which would delete it.
    """

    __slots__ = ("lent",)

    def __init__(self, value: Any, name: str) -> None:
        super().__init__(value, name)
        self.lent = True

    def owned(self) -> Any:
        """The value in an array that nobody else holds."""
        if self.lent:
            # Without a program to compile for each shape, as jnp.copy has.
            self.value, self.lent = jax.device_put(self.value, may_alias=False), False
        return self.value

    def replace(self, value: Any) -> None:
        """Take the value that a compiled program made."""
        self.value, self.lent = value, False


def read(handle: Cell) -> Any:
    inside = frames.found(handle)
    if inside is not ABSENT:
        return inside
    handle.lent = True
    return handle.value


def assign(handle: Cell, value: Any) -> None:
    if frames.kept(handle, value):
        return
    if isinstance(value, jax.core.Tracer):
        raise LeakedTraceError(
            f"Variable {handle.name!r} was assigned a value that jax.jit or jax.grad is tracing; "
            "it would be lost when the trace ends, and the variable with it. Use lamina.jit or "
            "lamina.grad, which carry assignments out, or model.stateless_call, which returns the "
            "new values. The variable keeps its old value."
        )
    handle.value, handle.lent = value, True


def substitute(handles: Sequence[Cell], values: Sequence[Any]) -> Substitution:
    return Substitution(handles, values, read)


class VariableMixin:
    """What makes a variable an operand of JAX's own functions."""

    value: Any

    def __jax_array__(self) -> Any:
        return self.value
