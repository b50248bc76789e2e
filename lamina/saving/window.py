"""A part of a file, as a file."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO


class Window(io.RawIOBase):
    """The `size` bytes of `file` from byte `start` on, to read."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._place = file, start, 0
        self.size = size

    def readable(self) -> bool:
        return True

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


class LastWindow(Window):
    """What lies in `file` from byte `start` to its end, to read and write.

    Attributes:
        error: what kept something from being written, None so far. It is not raised, since HDF5
            goes on to write and flush after an error: whoever made the window raises it.
    """

    def __init__(self, file: BinaryIO, start: int) -> None:
        super().__init__(file, start, 0)
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        count = memoryview(content).nbytes
        if self.error is None:
            try:
                self._file.seek(self._start + self._place)
                self._file.write(content)
            except OSError as error:
                self.error = error
        self._place += count
        self.size = max(self.size, self._place)
        return count

    def truncate(self, size: int | None = None) -> int:
        self.size = self._place if size is None else size
        if self.error is None:
            try:
                self._file.truncate(self._start + self.size)
            except OSError as error:
                self.error = error
        return self.size

    def flush(self) -> None:
        """Do nothing: the file is flushed as a whole."""
