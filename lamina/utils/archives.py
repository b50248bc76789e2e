"""Tar and zip archives into a new folder, refused whole when one member is not plain."""

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

from lamina.core.atomic import temporary_beside

MAX_MEMBERS = 1_000_000
MAX_BYTES = 200 * 2**30
MAX_RATIO = 100
# What tar writes of a member beside its content: names, times and the like.
MAX_HEADER_BYTES = 2**20
# Small archives may expand more: rows of zeros do so honestly, and 64 MiB harm nobody.
FREE_BYTES = 64 * 2**20

_HEADER_TYPES = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)

_OPENERS: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", gzip.GzipFile),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)


# What tarfile, zipfile and the decompressors raise: numbers that are none or too large among them,
# and RuntimeError for what they do not know, or for headers that tell of headers.
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError),
    *(ValueError, TypeError, SyntaxError, ArithmeticError, LookupError, RuntimeError),
)


class ArchiveError(ValueError):
    """An archive is damaged, or holds what a data set has no need of."""


@contextlib.contextmanager
def staged(
    archive: Path, folder: Path, archive_format: str | Sequence[str] | None = "auto"
) -> Iterator[Path]:
    """Extract an archive into a temporary folder beside `folder`, removed when the body ends.

    The body renames it to where it belongs. Only plain files and folders are taken; a member
    that is a link, a device or a pipe, or whose name leads out of the folder, refuses the whole
    archive, and so do damage and an expansion beyond all measure.

    Args:
        archive: the tar (plain, gzip, bzip2 or xz) or zip file.
        folder: the later place; its parent folder must exist.
        archive_format: `"tar"`, `"zip"`, several of them, or `"auto"` for both.

    Yields:
        The temporary folder with the content.

    Raises:
        ArchiveError: the archive is refused; nothing is left of it.
    """
    temporary = temporary_beside(folder)
    temporary.mkdir()
    try:
        _extract(archive, temporary, archive_format)
        if hasattr(os, "sync"):
            os.sync()  # once for all files: flushing each takes minutes for many small ones
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(archive: Path, folder: Path, archive_format: str | Sequence[str] | None) -> None:
    if archive_format == "auto":
        formats: Sequence[str] = ("tar", "zip")
    else:
        formats = (archive_format,) if isinstance(archive_format, str) else archive_format or ()
    unknown = set(formats) - {"tar", "zip"}
    if unknown:
        raise ValueError(f"archive_format: {sorted(unknown)} is unknown; use 'tar' or 'zip'.")
    limit = min(shutil.disk_usage(folder).free, MAX_BYTES)
    limit = min(limit, max(FREE_BYTES, MAX_RATIO * archive.stat().st_size))
    with open(archive, "rb") as file:
        is_zip = file.read(2) == b"PK"
    if ("zip" if is_zip else "tar") not in formats:
        raise ArchiveError(
            f"The file is no archive of the formats {list(formats)}. "
            "Check the address and archive_format, or leave out extract."
        )
    with damage_named("The archive", "Download it anew, or leave out extract."):
        (_extract_zip if is_zip else _extract_tar)(archive, folder, limit)


def read_tar(archive: Path, names: Collection[str], limit: int) -> dict[str, bytes]:
    """Read members of a tar archive without extracting it.

    Args:
        archive: the archive: plain, gzip, bzip2 or xz.
        names: the names of the members. Those that are not plain files count as missing.
        limit: the bytes that the archive may expand to.

    Returns:
        The content of each member that is there, by its name.

    Raises:
        ArchiveError: the archive expands to more. Damage raises much else; see `damage_named`.
    """
    found = {}
    with _tar_members(archive, limit) as members:
        for member, content in members:
            if content is not None and member.name in names:
                found[member.name] = content.read()
    return found


@contextlib.contextmanager
def damage_named(file: str | Path, advice: str) -> Iterator[None]:
    """Tell of what the libraries raise for a damaged archive in words of our own.

    Args:
        file: what is read, for the message.
        advice: what to do about it.

    Raises:
        ArchiveError: the body met damage, or found something else than it expected.
    """
    try:
        yield
    except ArchiveError:
        raise
    except _DAMAGE as error:
        # An error that the system numbers is the disk's; only a wrong place is the archive's.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = str(error)[:200] or type(error).__name__
        raise ArchiveError(
            f"{str(file)[-160:]} is damaged or holds something else: {reason}. {advice}"
        ) from error


def _extract_zip(archive: Path, folder: Path, limit: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check_count(len(members))
        if sum(member.file_size for member in members) > limit:
            raise _too_large(limit)
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(member.filename, "is a link or a special file")
            if member.flag_bits & 1:
                raise _refused(member.filename, "is encrypted")
            if member.is_dir():
                _place(None, folder, member.filename)
            else:
                with opened.open(member) as content:
                    _place(content, folder, member.filename)


def _extract_tar(archive: Path, folder: Path, limit: int) -> None:
    with _tar_members(archive, limit) as members:
        for member, content in members:
            if content is None and not member.isdir():
                raise _refused(member.name, "is a link or a special file")
            _place(content, folder, member.name)


@contextlib.contextmanager
def _tar_members(
    archive: Path, limit: int
) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]]:
    """The members of a tar archive, one after another, each with its content if it is a file."""
    with (
        open(archive, "rb") as raw,
        _decompressed(raw) as content,
        tarfile.open(fileobj=_Limited(content, limit), mode="r|", tarinfo=_Member) as opened,
    ):

        def members() -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
            for count, member in enumerate(opened, 1):
                _check_count(count)
                is_file = member.isreg() and not member.issparse()
                yield member, opened.extractfile(member) if is_file else None
                # Else a million of them fill the memory.
                opened.members.clear()  # type: ignore[attr-defined]

        yield members()


class _Member(tarfile.TarInfo):
    """A member whose header must be whole; tarfile takes a broken one for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            found = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) in (0, tarfile.BLOCKSIZE) and not any(buf):
                raise  # the end mark, or the end of the file
            raise tarfile.ReadError(f"a member's header is broken ({error})") from error
        if found.type in _HEADER_TYPES and found.size > MAX_HEADER_BYTES:
            # tarfile would read it into memory.
            raise tarfile.ReadError(f"a member's header takes {found.size} bytes")
        return found


def _decompressed(raw: BinaryIO) -> Any:
    start = raw.read(6)
    raw.seek(0)
    opener = next((opener for magic, opener in _OPENERS if start.startswith(magic)), None)
    if opener is None:
        return contextlib.nullcontext(raw)
    return opener(fileobj=raw) if opener is gzip.GzipFile else opener(raw)


class _Limited(io.RawIOBase):
    """A stream that ends in an error when more than `limit` bytes are read from it."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self.limit = limit
        self.remaining = limit

    def read(self, size: int = -1) -> bytes:
        content = self.stream.read(size)
        self.remaining -= len(content)
        if self.remaining < 0:
            raise _too_large(self.limit)
        return content


def _inside(folder: Path, name: str) -> Path:
    """The member's path below the folder; an error where the name leads out of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    absolute = name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")
    if absolute or ".." in parts or any(ord(letter) < 32 for letter in name):
        raise _refused(name, "leads out of the folder or is no plain name")
    return folder.joinpath(*parts)


def _place(content: IO[bytes] | None, folder: Path, name: str) -> None:
    """Make a member's file, or its folder where it has no content."""
    path = _inside(folder, name)
    try:
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            shutil.copyfileobj(content, file, 1 << 18)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise _refused(name, "comes twice, or as a file and as a folder") from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise _refused(name, "has a longer name than the disk takes") from error


def _check_count(count: int) -> None:
    if count > MAX_MEMBERS:
        raise ArchiveError(f"The archive has more than {MAX_MEMBERS} members; it was refused.")


def _too_large(limit: int) -> ArchiveError:
    return ArchiveError(
        f"The archive expands to more than {limit / 2**20:.0f} MiB, which its own size or the "
        "free disk space does not allow; nothing was extracted. If you trust it, leave out "
        "extract, and unpack it by hand."
    )


def _refused(name: str, reason: str) -> ArchiveError:
    return ArchiveError(
        f"The archive was refused as a whole: its member {name[:200]!r} {reason}. "
        "Nothing was extracted."
    )
