"""Arrays of a file: what a file says of each, its digest, and how it becomes a variable's value."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lamina.core.load_errors import DamagedFileError, UnfitFileError

# The kinds of numbers that a variable may hold; `V` is what NumPy calls those of ml_dtypes.
_KINDS = {"f": "float", "V": "float", "i": "integer", "u": "integer", "b": "boolean"}


@dataclass(frozen=True)
class Entry:
    """One array of a file, not read yet.

    Attributes:
        where: the file and the array's name, for messages.
        shape: as the file says.
        dtype: the type's name, as the file says.
        fetch: reads the values.
        digest: the SHA-256 of its content that the file carries, None where it has none.
    """

    where: str
    shape: tuple[int, ...]
    dtype: str
    fetch: Callable[[], np.ndarray] = field(repr=False)
    digest: str | None = None

    @property
    def nbytes(self) -> int:
        """The bytes of its values in memory."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def read(self) -> np.ndarray:
        """The values, not verified yet.

        Raises:
            DamagedFileError: if they cannot be read.
        """
        try:
            return self.fetch()
        except (OSError, ValueError, RuntimeError, EOFError) as error:
            raise DamagedFileError(
                f"{self.where} cannot be read ({error}): the file is damaged or cut off. "
                "Use a copy of it."
            ) from error

    def verify(self, value: np.ndarray) -> bool:
        """Hold the values that were read against the file's digest, where there is one.

        Returns:
            Whether all of them are finite.

        Raises:
            DamagedFileError: if they are not what the digest says.
        """
        if self.digest is not None and digest(value) != self.digest:
            raise DamagedFileError(
                f"{self.where} is not what was saved: its content does not match the digest "
                "written with it. The file is damaged; use a copy of it."
            )
        return is_finite(value)


def entry_of(where: str, value: np.ndarray) -> Entry:
    """An array that is in no file, for a variable that a file has none for."""
    return Entry(where, value.shape, value.dtype.name, lambda: value, digest(value))


class Beside:
    """Calls on large arrays that run beside what follows, in order, while no more than a few wait.

    Digests are computed so: a disk and a processor can work at the same time.
    """

    _MOST = 3
    # The bytes of an array for which a thread is worth it.
    _LARGE = 2**20

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[Future[Any], Callable[[Any], None]]] = []

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._settle(0)
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def run(
        self,
        function: Callable[[np.ndarray], Any],
        value: np.ndarray,
        then: Callable[[Any], None] = lambda _: None,
    ) -> None:
        """Call `function`; what it returns is handed to `then`, what it raises is raised later."""
        if value.nbytes < self._LARGE:
            then(function(value))
            return
        self._pool = self._pool or ThreadPoolExecutor(2)
        self._waiting.append((self._pool.submit(function, value), then))
        self._settle(self._MOST)

    def _settle(self, most: int) -> None:
        while len(self._waiting) > most:
            call, then = self._waiting.pop(0)
            then(call.result())


def is_finite(value: np.ndarray) -> bool:
    """Whether there is no NaN and no infinity in an array of any type."""
    return value.dtype.kind not in "fV" or bool(np.isfinite(value).all())


def digest(value: np.ndarray) -> str:
    """SHA-256 of an array's type, shape and elements, in hexadecimal digits.

    Example:
        >>> digest(np.zeros(2, "float32"))[:16]
        '24e76ceeb26216c9'
    """
    value = np.ascontiguousarray(value)
    head = f"{value.dtype.name}{tuple(value.shape)}".encode()
    found = hashlib.sha256(head)
    found.update(value.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def check_kind(entry: Entry, dtype: str, variable: str) -> None:
    """Raise unless numbers of the entry's type can become ones of the variable's at all."""
    kinds = [_KINDS.get(np.dtype(one).kind) for one in (entry.dtype, dtype)]
    if kinds[0] is None or kinds[0] != kinds[1]:
        raise UnfitFileError(
            f"{entry.where} is of type {entry.dtype}, and variable {variable!r} of {dtype}. Floats "
            "load into floats, integers into integers and booleans into booleans, where every "
            "value is in the range of the variable's type. Nothing was changed."
        )


def as_type(entry: Entry, value: np.ndarray, dtype: str, variable: str) -> np.ndarray:
    """`value` in the variable's type.

    Raises:
        UnfitFileError: if a value is out of that type's range.
    """
    if value.dtype.name == dtype:
        return value
    with np.errstate(over="ignore", invalid="ignore"):
        found = value.astype(dtype)
        if np.dtype(dtype).kind in "iu":
            fits = bool(np.all(found.astype(object) == value.astype(object)))
        else:
            fits = bool(np.all(np.isfinite(found) | ~np.isfinite(value)))
    if not fits:
        raise UnfitFileError(
            f"{entry.where} holds {value.dtype.name} values that {dtype}, the type of variable "
            f"{variable!r}, has no room for. Nothing was changed."
        )
    return found
