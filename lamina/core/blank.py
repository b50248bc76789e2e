"""Variables whose values a file is about to bring: zeros, until it is known which it lacks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from typing import Any


class Blanks:
    """The variables that were made with zeros in the place of their initial values."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Any, Callable[[], Any]]] = []

    def add(self, variable: Any, value: Callable[[], Any]) -> None:
        """Note a variable, and what computes its initial value."""
        self._waiting.append((variable, value))

    def fill(self, known: Collection[int] = ()) -> None:
        """Give their initial values to the variables whose `id` is not among `known`."""
        waiting, self._waiting = self._waiting, []
        for variable, value in waiting:
            if id(variable) not in known:
                variable.assign(value())


class _Current:
    blanks: Blanks | None = None


current_blanks = _Current()


@contextlib.contextmanager
def blank() -> Iterator[Blanks]:
    """A block in which layers do not initialize: drawing numbers takes as long as reading them.

    Whoever enters it fills what is left when the rest is known.
    """
    before, current_blanks.blanks = current_blanks.blanks, Blanks()
    try:
        yield current_blanks.blanks
    finally:
        current_blanks.blanks = before
