"""Variables on JAX, and the frames in which a transformation sees its own values of them.

JAX transforms pure functions. A `Frame` makes a function that reads and assigns variables pure:
while it is entered, reads of the variables it was given return its values, and assignments stay
in it. Frames nest as transformations do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamina.backend.contract import LeakedTraceError


class Cell:
    """The place where a variable keeps its value.

    A value that came from outside or was handed out is *lent*: somebody else may hold the array,
    so its buffer is not donated to a compiled program, which would delete it.
    """

    __slots__ = ("lent", "name", "value")

    def __init__(self, value: Any, name: str) -> None:
        self.value = value
        self.name = name
        self.lent = True

    def owned(self) -> Any:
        """The value in an array that nobody else holds."""
        if self.lent:
            self.value, self.lent = jnp.copy(self.value), False
        return self.value

    def replace(self, value: Any) -> None:
        """Take the value that a compiled program made."""
        self.value, self.lent = value, False


class _Local(threading.local):
    frame: Frame | None = None


local = _Local()


class Frame:
    """The values that some variables have inside one transformation."""

    def __init__(self, cells: Sequence[Cell] = (), values: Sequence[Any] = ()) -> None:
        self.values: dict[Cell, Any] = dict(zip(cells, values, strict=True))
        self.written: dict[Cell, None] = {}
        self.missed: dict[Cell, None] = {}
        self.parent: Frame | None = None

    def __enter__(self) -> Frame:
        self.parent, local.frame = local.frame, self
        return self

    def __exit__(self, *exc_info: object) -> None:
        local.frame = self.parent

    def writes(self) -> list[Any]:
        """The values assigned inside, in the order of `written`."""
        return [self.values[cell] for cell in self.written]


class Substitution(Frame):
    """A frame whose entering hands out the values that its variables have by then."""

    def __enter__(self) -> Callable[[Cell], Any]:  # type: ignore[override]
        super().__enter__()
        return lambda cell: self.values[cell] if cell in self.values else read(cell)


def read(cell: Cell) -> Any:
    frame = local.frame
    while frame is not None:
        if cell in frame.values:
            return frame.values[cell]
        frame.missed[cell] = None
        frame = frame.parent
    cell.lent = True
    return cell.value


def assign(cell: Cell, value: Any) -> None:
    frame = local.frame
    if frame is not None:
        frame.values[cell] = value
        frame.written[cell] = None
        return
    if isinstance(value, jax.core.Tracer):
        raise LeakedTraceError(
            f"Variable {cell.name!r} was assigned a value that jax.jit or jax.grad is tracing; it "
            "would be lost when the trace ends, and the variable with it. Use lamina.jit or "
            "lamina.grad, which carry assignments out, or model.stateless_call, which returns the "
            "new values. The variable keeps its old value."
        )
    cell.value, cell.lent = value, True
