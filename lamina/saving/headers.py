"""Attributes of an HDF5 file as they lie in it: how long their texts say that they are.

HDF5 asks for as much memory as a text of any length says that it has, up to 4 GiB, before it looks
whether there is such a text. So the lengths are read here first, from the header of the object that
has the attribute.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_SHARED = 0x02
_LARGEST = 64 * 2**20
_MOST_PIECES = 4096


def length_of_texts(file: BinaryIO, address: int, name: str, count: int) -> int | None:
    """The bytes that the texts of an attribute say that they have, all together.

    Args:
        file: the HDF5 file, with offsets and lengths of eight bytes.
        address: of the header of the object that has the attribute.
        name: the attribute's.
        count: how many texts it holds.

    Returns:
        The greatest sum where there are several attributes of the name; None where there is none
        in the header.
    """
    found = [
        sum(length for (length,) in struct.iter_unpack("<I12x", texts))
        for content in _messages(file, address)
        if (texts := _texts(content, name.encode() + b"\0", 16 * count)) is not None
    ]
    return max(found, default=None)


def _texts(content: bytes, name: bytes, size: int) -> bytes | None:
    """What stands for the texts in an attribute's message, if it is the one of that name."""
    version, _, name_size, type_size, space_size = struct.unpack_from("<BBHHH", content)
    start = 9 if version == 3 else 8
    if content[start : start + len(name)] != name:
        return None
    for one in (name_size, type_size, space_size):
        start += (one + 7) // 8 * 8 if version == 1 else one
    texts = content[start : start + size]
    if len(texts) != size:
        raise ValueError("an attribute is cut off")
    return texts


def _messages(file: BinaryIO, address: int) -> Iterator[bytes]:
    """The contents of the messages of a header that are attributes."""
    start = _piece(file, address, 32)
    newer = start.startswith(b"OHDR")
    if newer:
        flags = start[5]
        place = 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        size = int.from_bytes(_piece(file, address + place, width), "little")
        pieces = [(address + place + width, size)]
        head = struct.Struct("<BHB2x" if flags & 0x04 else "<BHB")
    else:
        pieces = [(address + 16, struct.unpack_from("<8xI", start)[0])]
        head = struct.Struct("<HHB3x")
    for number, (begin, size) in enumerate(pieces):
        if number == _MOST_PIECES:
            raise ValueError("a header is in too many pieces")
        piece, place = _piece(file, begin, size), 0
        while place + head.size <= size:
            kind, length, flags = head.unpack_from(piece, place)
            place += head.size
            content = piece[place : place + length]
            place += length
            if kind == _CONTINUATION:
                at, more = struct.unpack_from("<QQ", content)
                # The newer form has a mark before the messages, and a checksum behind them.
                pieces.append((at + 4, more - 8) if newer else (at, more))
            elif kind == _ATTRIBUTE and flags & _SHARED == 0:
                yield content


def _piece(file: BinaryIO, start: int, size: int) -> bytes:
    if not 0 <= size <= _LARGEST or start >= 2**63:
        raise ValueError("a header is of no possible size")
    file.seek(start)
    piece = file.read(size)
    if len(piece) != size:
        raise ValueError("a header is cut off")
    return piece
