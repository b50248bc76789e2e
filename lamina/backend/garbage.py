"""Blocks of code in which Python's collector of garbage does not run."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """A block in which nothing is collected, unless the block says otherwise."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def count_as_old() -> None:
    """Have the collector take all that there is now for what has lasted.

    It looks at that seldom. After an import of a framework it would look through all of it at once.
    """
    if not gc.get_freeze_count():  # else the program has its own idea of what lasts
        gc.freeze()
        gc.unfreeze()
