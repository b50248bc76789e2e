"""How many floating-point operations run, counted while shapes are inferred."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Count:
    """The operations of a block.

    Attributes:
        operations: how many; NaN where something ran of which that is not known.
        in_loop: whether the block is part of a loop's body.
    """

    def __init__(self, in_loop: bool = False) -> None:
        self.operations = 0.0
        self.in_loop = in_loop


class _Local(threading.local):
    count: Count | None = None


_local = _Local()


def under_way() -> Count | None:
    """The count that is being made, if one is."""
    return _local.count


@contextlib.contextmanager
def counting(times: float = 1) -> Iterator[Count]:
    """A block whose operations are counted, and as those of `times` runs in a block around it.

    Example:
        >>> with counting() as outer:
        ...     with counting(times=3) as inner:
        ...         inner.operations += 2
        >>> outer.operations
        6.0
    """
    outer = _local.count
    inner = Count(in_loop=times != 1 or (outer is not None and outer.in_loop))
    _local.count = inner
    try:
        yield inner
    finally:
        _local.count = outer
        if outer is not None:
            outer.operations += times * inner.operations


def repeated(times: int) -> contextlib.AbstractContextManager[object]:
    """A block that stands for `times` runs of it, where operations are being counted."""
    return contextlib.nullcontext() if _local.count is None else counting(times)
