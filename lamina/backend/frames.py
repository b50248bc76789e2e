"""Frames: the values that variables have inside a transformation.

A transformation runs a function that reads and assigns variables. While a `Frame` is entered,
reads of the variables that it was given return its values, and assignments stay in it, on every
backend in the same way: that makes the function pure where a framework needs it, and lets
gradients flow through an assignment to a later read. The transformation then commits what was
written to the frame around it or, outside of all frames, to the variables. Frames nest as
transformations do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any


class Cell:
    """The place where a variable keeps its value, as the backend keeps it."""

    __slots__ = ("__weakref__", "name", "value")

    def __init__(self, value: Any, name: str) -> None:
        self.value = value
        self.name = name


class _Local(threading.local):
    frame: Frame | None = None


local = _Local()
# What `found` returns of a variable that no frame knows: a value may be anything, None too.
ABSENT: Any = object()


class Frame:
    """The values that some variables have inside one transformation.

    Attributes:
        values: of the variables given or written.
        written: the variables assigned inside, in order.
        missed: the variables read inside that the frame had not been given.
    """

    def __init__(self, cells: Iterable[Cell] = (), values: Iterable[Any] = ()) -> None:
        self.values: dict[Any, Any] = dict(zip(cells, values, strict=True))
        self.written: dict[Any, None] = {}
        self.missed: dict[Any, None] = {}
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

    def __init__(
        self, cells: Sequence[Cell], values: Sequence[Any], read: Callable[[Any], Any]
    ) -> None:
        super().__init__(cells, values)
        self.read = read

    def __enter__(self) -> Callable[[Cell], Any]:  # type: ignore[override]
        super().__enter__()
        return lambda cell: self.values[cell] if cell in self.values else self.read(cell)


def found(cell: Cell) -> Any:
    """The value that the frames under way give `cell`, the innermost first; else `ABSENT`."""
    frame = local.frame
    while frame is not None:
        if cell in frame.values:
            return frame.values[cell]
        frame.missed[cell] = None
        frame = frame.parent
    return ABSENT


def kept(cell: Cell, value: Any) -> bool:
    """Whether a frame is under way, which then keeps `value` as what `cell` was assigned."""
    frame = local.frame
    if frame is None:
        return False
    frame.values[cell] = value
    frame.written[cell] = None
    return True


def under_way(frame: Frame | None) -> bool:
    """Whether `frame` has been entered and not left, so that what was computed in it still holds.

    None stands for what is outside of all frames.
    """
    inner = local.frame
    while inner is not frame and inner is not None:
        inner = inner.parent
    return inner is frame
