"""Walks for state made once in a block instead of at every question.

What a layer or an optimizer holds is looked up by walking its attributes, so that nothing has to
be tracked. While many steps of training run, and while one question leads to others, the answers
do not change: in a block of `standing` each is remembered until a variable is made or a `trainable`
flag is set.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from lamina.backend.session import guard

T = TypeVar("T")


class _Local(threading.local):
    # By holder and question; the holder is kept, so that no other gets its identity.
    answers: dict[tuple[int, str, int], tuple[Any, list[Any]]] | None = None


_local = _Local()


@contextlib.contextmanager
def standing() -> Iterator[None]:
    """A block in which objects that hold state get no variable or holder that was made before."""
    before, _local.answers = _local.answers, {}
    try:
        yield
    finally:
        _local.answers = before


def forget() -> None:
    """Walk anew from here on: there is a new variable."""
    if _local.answers:
        _local.answers.clear()


def once(walk: Callable[[Any], list[T]]) -> Callable[[Any], list[T]]:
    """A decorator of a method that walks for a list."""
    question = walk.__qualname__

    @functools.wraps(walk)
    def ask(self: Any) -> list[T]:
        answers = _local.answers
        if answers is None:
            with standing():  # for the questions that this one asks
                return walk(self)
        key = (id(self), question, guard.value)
        known = answers.get(key)
        if known is None:
            known = answers[key] = (self, walk(self))
        return list(known[1])

    return ask
