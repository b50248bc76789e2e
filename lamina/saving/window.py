"""A part of a file, as a file."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO


class Window(io.RawIOBase):
    """What lies in `file` from byte `start` on, `size` bytes at first; writing makes it longer.

    Nothing may lie behind a window that is written to.
    """

    def __init__(self, file: BinaryIO, start: int, size: int = 0) -> None:
        self._file, self._start, self._place = file, start, 0
        self.size = size

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self._file.writable()

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self.size - self._place))
        self._file.seek(self._start + self._place)
        count = self._file.readinto(view[:wanted])  # type: ignore[attr-defined]
        self._place += count
        return int(count)

    def write(self, content: Any) -> int:
        self._file.seek(self._start + self._place)
        self._place += self._file.write(content)
        self.size = max(self.size, self._place)
        return memoryview(content).nbytes

    def truncate(self, size: int | None = None) -> int:
        self.size = self._place if size is None else size
        self._file.truncate(self._start + self.size)
        return self.size
