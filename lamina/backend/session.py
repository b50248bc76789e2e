"""What a process remembers between calls: the names given out, and the guard of traced code."""

from __future__ import annotations

import collections
import gc
import secrets
from typing import Any

_counts: collections.Counter[str] = collections.Counter()


def get_uid(prefix: str = "") -> int:
    """How many times `prefix` has been asked for in this process, this time included.

    Example:
        >>> first = get_uid("my_layer")
        >>> get_uid("my_layer") - first
        1
    """
    _counts[prefix] += 1
    return _counts[prefix]


def clear_session(free_memory: bool = True) -> None:
    """Forget the names given out: the next `Dense` layer is called `dense` again.

    Args:
        free_memory: whether to collect garbage, so that models out of use free their memory now.
    """
    _counts.clear()
    if free_memory:
        gc.collect()


class TraceGuard:
    """A number that stands for every Python flag that traced code has looked at.

    Traced code is kept for reuse under this number. Each flag (a layer's or variable's
    `trainable`) owns a random token, and flipping the flag flips the token's bits in `value`:
    set a flag back and the number, and with it the code compiled before, is back too.
    """

    def __init__(self) -> None:
        self.value = 0

    def flip(self, token: int) -> None:
        self.value ^= token


class Token(int):
    """What flips a bit pattern of `TraceGuard`; a copy of its owner has a token of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return new_token, ()


def new_token() -> Token:
    """A random token for `TraceGuard.flip`."""
    return Token(secrets.randbits(62))


guard = TraceGuard()
