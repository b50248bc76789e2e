"""`.keras` files: zip archives whose members are known by name and lie in them unpacked."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from lamina.core.load_errors import (
    DamagedFileError,
    SizeBudgetError,
    UnsafeContentError,
)
from lamina.saving.window import LastWindow, Window

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets/"
_MOST_MEMBERS = 10_000
# The greatest number of bytes that a layer's file may have.
LARGEST_ASSET = 256 * 2**20
_MAGIC = b"PK\x03\x04"
_PIECE = 2**20
# The directory at a zip archive's end: its mark, and where the number of members stands in it.
_END_MARK = b"PK\x05\x06"
_END_SIZE = 22


def is_archive(start: bytes) -> bool:
    """Whether a file that begins with `start` is a zip archive."""
    return start.startswith(_MAGIC)


class ArchiveReader:
    """A `.keras` archive, refused whole where any member is not what such a file may hold.

    Args:
        file: open for reading.
        name: what messages call it.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file
        self._check_number(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except (
            zipfile.BadZipFile,
            OSError,
            ValueError,
            NotImplementedError,
            struct.error,
        ) as error:
            raise self._damaged(str(error)) from error
        self._members = self._checked()

    def _check_number(self, file: BinaryIO) -> None:
        """Look at the directory's own count before Python makes an object of each member."""
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END_SIZE - 2**16))
        tail = file.read()
        place = tail.rfind(_END_MARK)
        if place < 0 or len(tail) - place < _END_SIZE:
            raise self._damaged(f"the directory at the end of its {size:,} bytes is missing")
        (length,) = struct.unpack("<I", tail[place + 12 : place + 16])
        if length > _MOST_MEMBERS * 512:
            raise self._unsafe("its directory", f"takes {length:,} bytes")

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        infos = self._zip.infolist()
        if len(infos) > _MOST_MEMBERS:
            raise self._unsafe("it", f"has {len(infos):,} members")
        for info in infos:
            name = info.filename
            if name in members:
                raise self._unsafe(repr(name[:80]), "is there twice, and readers differ in which")
            if name not in (CONFIG, METADATA, WEIGHTS) and not _is_asset(name):
                raise self._unsafe(repr(name[:80]), "is no name of a member of a model file")
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise self._unsafe(repr(name[:80]), "is a link or a device")
            if info.flag_bits & 0x1:
                raise self._unsafe(repr(name[:80]), "is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise self._unsafe(repr(name[:80]), "is packed in a way of its own")
            members[name] = info
        starts = sorted((one.header_offset, one.compress_size) for one in infos)
        if not starts or starts[0][0] != 0:
            raise self._unsafe("the archive", "does not begin at the file's first byte")
        for (first, size), (second, _) in itertools.pairwise(starts):
            if first + size > second:
                raise self._unsafe("the archive", "has members that overlap")
        return members

    @property
    def assets(self) -> list[str]:
        """The names of the members that are files of layers."""
        return [name for name in self._members if _is_asset(name) and not name.endswith("/")]

    def read(self, name: str, limit: int) -> bytes:
        """A member as a whole, its checksum verified.

        Raises:
            DamagedFileError: if it is missing, or not what was written.
            SizeBudgetError: if it is larger than `limit` bytes.
        """
        info = self._member(name)
        if info.file_size > limit:
            raise SizeBudgetError(
                f"{self.name}: {name} has {info.file_size:,} bytes, and at most {limit:,} are read."
            )
        with self._reading(name), self._zip.open(info) as member:
            found = member.read(limit + 1)
        if len(found) != info.file_size:
            raise self._damaged(f"{name} has {len(found):,} bytes and says {info.file_size:,}")
        return found

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A member that lies in the archive unpacked, as a file to read and seek in."""
        info = self._member(name)
        with self._reading(name):
            if info.compress_type != zipfile.ZIP_STORED:
                raise self._unsafe(name, "is compressed; unpack the archive and pack it unpacked")
            with self._zip.open(info):  # which holds the member's own header against the directory
                pass
            self._file.seek(info.header_offset + 26)
            name_length, extra_length = struct.unpack("<HH", self._file.read(4))
        start = info.header_offset + 30 + name_length + extra_length
        yield io.BufferedReader(Window(self._file, start, info.file_size), _PIECE)

    def verify(self, name: str) -> None:
        """Raise unless a member's content has the checksum that the archive says."""
        info = self._member(name)
        found = 0
        with self._reading(name), self._zip.open(info) as member:
            while piece := member.read(_PIECE):
                found = zlib.crc32(piece, found)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise self._damaged(f"it has no member {name}")
        return self._members[name]

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except (zipfile.BadZipFile, EOFError, OSError, struct.error, zlib.error) as error:
            raise self._damaged(f"{name}: {error}") from error

    def _damaged(self, what: str) -> DamagedFileError:
        return DamagedFileError(
            f"{self.name} is damaged or cut off: {what}. Use a copy of the file."
        )

    def _unsafe(self, what: str, why: str) -> UnsafeContentError:
        return UnsafeContentError(
            f"{self.name}: {what} {why}. Nothing of it was read. Do not use this file unless you "
            "know how it came to be so."
        )


def _is_asset(name: str) -> bool:
    path = PurePosixPath(name)
    plain = not path.is_absolute() and ".." not in path.parts and "\\" not in name
    return plain and name.startswith(ASSETS) and "\0" not in name


class ArchiveWriter:
    """A new archive, whose members are written where they lie in it.

    Args:
        file: open for writing and reading, empty.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file, "w")

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self._zip.close()

    @contextlib.contextmanager
    def member(self, name: str) -> Iterator[BinaryIO]:
        """A new member, unpacked, with a date that says nothing: a file to write and read.

        `zipfile` itself writes members from their first byte to their last, which HDF5 does not:
        its files would be written twice.
        """
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o644 << 16
        info.header_offset, info.CRC, info.compress_size = self._zip.start_dir, 0, 0
        start = info.header_offset + len(info.FileHeader(zip64=True))
        content = LastWindow(self._file, start)
        try:
            yield cast("BinaryIO", content)
        finally:
            if content.error is not None:
                raise content.error
        content.seek(0)
        while piece := content.read(_PIECE):
            info.CRC = zlib.crc32(piece, info.CRC)
        info.file_size = info.compress_size = content.size
        self._file.seek(info.header_offset)
        self._file.write(info.FileHeader(zip64=True))
        self._zip.start_dir = start + content.size
        self._zip.filelist.append(info)
        self._zip.NameToInfo[name] = info
