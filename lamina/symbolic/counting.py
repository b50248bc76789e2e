"""How many floating-point operations run, counted while shapes are inferred."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Count:
    """The operations of a block.

    Attributes:
        operations: how many; NaN where something ran of which that is not known.
        kinds: the names of the ops that ran, and "loop" where one of them has bodies of its own.
        in_body: whether the block is in the body of a loop or a branch.
    """

    def __init__(self, in_body: bool = False) -> None:
        self.operations = 0.0
        self.kinds: set[str] = set()
        self.in_body = in_body


class _Local(threading.local):
    count: Count | None = None


_local = _Local()


def under_way() -> Count | None:
    """The count that is being made, if one is."""
    return _local.count


@contextlib.contextmanager
def counting(times: float = 1, in_body: bool = False) -> Iterator[Count]:
    """A block whose operations are counted, and as those of `times` runs in a block around it.

    Args:
        times: how often it runs.
        in_body: whether it is the body of a loop or a branch.

    Example:
        >>> with counting() as outer:
        ...     with counting(times=3) as inner:
        ...         inner.operations += 2
        >>> outer.operations
        6.0
    """
    outer = _local.count
    inner = Count(in_body or (outer is not None and outer.in_body))
    _local.count = inner
    try:
        yield inner
    finally:
        _local.count = outer
        if outer is not None:
            outer.operations += times * inner.operations
            outer.kinds |= inner.kinds | ({"loop"} if in_body else set())


def runs(times: int = 1) -> contextlib.AbstractContextManager[object]:
    """The body of a loop, run `times` times, or of a branch, where operations are being counted."""
    return contextlib.nullcontext() if _local.count is None else counting(times, in_body=True)
