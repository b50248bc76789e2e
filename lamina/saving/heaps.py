"""The heaps of an HDF5 file, in which texts of any length lie: sound, before HDF5 reads one.

HDF5 goes from entry to entry by their sizes, and for ever round an entry of size 0: one damaged
byte of a heap would hang the process where no timer of Python reaches it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from lamina.core.load_errors import DamagedFileError

_MARK = b"GCOL\x01\0\0\0"
_HEAD = 16
_PIECE = 2**22
# HDF5 makes them of 4,096 bytes, and larger only for a single larger text.
_LARGEST = 64 * 2**20


def check(file: BinaryIO, name: str) -> None:
    """Raise unless each heap in a file can be walked from its first entry to its end.

    Args:
        file: the HDF5 file, with offsets and lengths of eight bytes.
        name: what messages call it.

    Raises:
        DamagedFileError: if a heap cannot.
    """
    for start in _marks(file):
        file.seek(start + len(_MARK))
        size = int.from_bytes(file.read(8), "little")
        file.seek(start)
        heap = file.read(size) if size <= _LARGEST else b""
        if len(heap) != size or not _is_sound(heap):
            raise DamagedFileError(
                f"{name} is damaged: the texts at its byte {start:,} cannot be told apart. Use a "
                "copy of the file."
            )


def _is_sound(heap: bytes) -> bool:
    place = _HEAD
    while place + _HEAD <= len(heap):
        index, size = struct.unpack_from("<H6xQ", heap, place)
        # The size of what is free, whose index is 0, has its head in it.
        place += size if index == 0 else _HEAD + (size + 7) // 8 * 8
        if (index == 0 and size < _HEAD) or place > len(heap):
            return False
    return True


def _marks(file: BinaryIO) -> Iterator[int]:
    """Where heaps begin."""
    start, tail = 0, b""
    while True:
        file.seek(start)
        piece = file.read(_PIECE)
        if not piece:
            return
        whole, place = tail + piece, -1
        while (place := whole.find(_MARK, place + 1)) >= 0:
            yield start - len(tail) + place
        start += len(piece)
        tail = whole[-(len(_MARK) - 1) :]
