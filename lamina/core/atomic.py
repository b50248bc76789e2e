"""Files and folders that are written whole or not at all."""

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_STALE_SECONDS = 24 * 3600


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, and put it in place when all went well.

    The temporary file is flushed to disk, renamed over the target, and the folder is flushed
    too: whenever the program or the machine stops, `path` is the old file or the complete new
    one. When the body raises, the temporary file is removed and the target is left alone. A new
    file gets the usual permissions, a replaced one keeps its own; a link is written through.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        The path to write to. It does not exist yet.

    Example:
        >>> import pathlib, tempfile
        >>> target = pathlib.Path(tempfile.mkdtemp(), "notes.txt")
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("complete")
        >>> target.read_text()
        'complete'
    """
    target = Path(os.path.realpath(path))
    temporary = temporary_beside(target)
    try:
        yield temporary
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        with open(temporary, "r+b") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; the file appears only when the body ends without an error.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        A binary file to write to, and read from.

    Example:
        >>> import pathlib, tempfile
        >>> target = pathlib.Path(tempfile.mkdtemp(), "weights.bin")
        >>> with atomic_write(target) as file:
        ...     _ = file.write(b"123")
        >>> target.read_bytes()
        b'123'
    """
    with atomic_path(path) as temporary, open(temporary, "w+b") as file:
        yield file


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new folder beside `path` to fill, and put it in place when all went well.

    Files in it are written by `atomic_path` or `atomic_write`, which flush them to disk. Whenever
    the program or the machine stops, there is the complete folder or none.

    Args:
        path: the folder to make, which must not exist; the folder that it is in must.

    Yields:
        The folder to fill. It exists, under a temporary name.

    Raises:
        OSError: something is at `path` already; what was written is removed.

    Example:
        >>> import pathlib, tempfile
        >>> target = pathlib.Path(tempfile.mkdtemp(), "results")
        >>> with atomic_folder(target) as folder, atomic_write(folder / "a.txt") as file:
        ...     _ = file.write(b"complete")
        >>> [file.name for file in target.iterdir()]
        ['a.txt']
    """
    target = Path(path)
    temporary = temporary_beside(target)
    temporary.mkdir()
    try:
        yield temporary
        sync_folder(temporary, strict=True)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(target.parent)


def replace_folder(new: Path, target: Path) -> None:
    """Put the folder `new` in the place of `target`, and remove what was there.

    Linux exchanges the two in one step. Elsewhere the old folder is moved aside first, and there
    is a moment in which neither is at `target`.
    """
    if not _exchange(new, target):
        aside = temporary_beside(target)
        os.rename(target, aside)
        os.rename(new, target)
        new = aside
    sync_folder(target.parent)
    shutil.rmtree(new, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Whether the system has exchanged two paths in one step."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    here, swap = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of <linux/fs.h>
    return rename is not None and rename(here, bytes(one), here, bytes(other), swap) == 0


def sync_folder(folder: str | os.PathLike[str], strict: bool = False) -> None:
    """Flush a folder's entries to disk, where the system can: a rename lasts only after that.

    With `strict`, for a folder that is not in its place yet, a disk that fails is an error.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot flush a folder; the file itself is already flushed.
        if strict and error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            raise
    finally:
        os.close(descriptor)


def temporary_beside(target: Path) -> Path:
    """A fresh name beside `target`, for a file or folder that will take its place.

    What a killed process left under such names of the same target is removed after a day.
    """
    prefix = f".{target.name[:60]}."
    limit = time.time() - _STALE_SECONDS
    pattern = re.compile(re.escape(prefix) + r"[0-9a-f]{16}\.tmp")
    for name in filter(pattern.fullmatch, os.listdir(target.parent)):
        leftover = target.with_name(name)
        with contextlib.suppress(OSError):
            if leftover.lstat().st_mtime >= limit:
                continue
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
    return target.with_name(f"{prefix}{secrets.token_hex(8)}.tmp")
