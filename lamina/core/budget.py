"""How much memory variables may take: what cannot be had is refused before it is asked for."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import ml_dtypes  # noqa: F401  gives NumPy the names of the small types
import numpy as np

from lamina.core.load_errors import SizeBudgetError

# Smaller arrays are not worth a look at the system's memory.
_WORTH_A_LOOK = 64 * 2**20
# The share of free memory that a model being loaded may take.
_SHARE = 0.8


class _Budget:
    """What is left for the variables of a model that is being loaded."""

    left: float | None = None


_budget = _Budget()


def free_memory() -> int:
    """Bytes that this process could still get, or the machine's memory where that is not known."""
    found = [_of_the_system(), *_of_the_group()]
    return min(found)


def _of_the_system() -> int:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(
            next(line for line in lines if line.startswith("MemAvailable")).split()[1]
        )
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63  # a system that does not say: allocation itself will have to fail


def _of_the_group() -> Iterator[int]:
    """What a container's limits leave (Linux control groups, version 2)."""
    folder = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):
        limit = int((folder / "memory.max").read_text())
        yield max(0, limit - int((folder / "memory.current").read_text()))


def number_of_bytes(shape: Sequence[int], dtype: str) -> int:
    """The bytes of an array of this shape and type."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def claim(what: str, shape: Sequence[int], dtype: str) -> None:
    """Ask for room for a variable, before it is made.

    Raises:
        SizeBudgetError: names `what`, its bytes and the limit.
    """
    size = number_of_bytes(shape, dtype)
    if size < _WORTH_A_LOOK and _budget.left is None:
        return
    left = free_memory() if _budget.left is None else _budget.left
    if size > left:
        raise SizeBudgetError(
            f"{what} of shape {tuple(shape)} and type {dtype} takes {size:,} bytes, and "
            f"{int(left):,} may be used. Nothing was allocated. Make the layer smaller, or use a "
            "machine with more memory."
        )
    if _budget.left is not None:
        _budget.left -= size


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """A block whose variables together may take 80 % of the memory that is free at its start."""
    before = _budget.left
    _budget.left = _SHARE * free_memory() if before is None else before
    try:
        yield
    finally:
        _budget.left = before
