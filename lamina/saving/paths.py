"""What a path leads to, told by its content; and errors that name it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamina.core.load_errors import (
    LONGEST_MESSAGE,
    DamagedFileError,
    LoadError,
    MissingFileError,
    describe,
    shortened,
)
from lamina.saving.archive import is_archive
from lamina.saving.hdf5 import is_hdf5

MODEL = (".keras",)
WEIGHTS = (".weights.h5",)
LEGACY = (".h5", ".hdf5")


# What to do with what only TensorFlow reads.
OF_TENSORFLOW = (
    "Such files are not read: load it by the program that wrote it, and save its weights to a "
    "file that ends in .weights.h5."
)


def as_path(filepath: Any) -> Path:
    """`filepath` as a path.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(
            f"A file is named by a string or a path, not by {filepath!r} of type "
            f"{type(filepath).__name__}."
        )
    return Path(os.path.expanduser(os.fspath(filepath)))


def check_there(path: Path) -> None:
    """Raise, with the names beside it that come near, unless `path` is there."""
    if path.exists():
        return
    if path.with_name(f"{path.name}.index").exists():
        raise LoadError(f"{path} is a checkpoint of TensorFlow. {OF_TENSORFLOW}")
    beside = path.parent.is_dir() and sorted(
        one.name for one in path.parent.iterdir() if one.suffix == path.suffix
    )
    hint = f" {path.parent} has {shortened(', '.join(beside), 200)}." if beside else ""
    raise MissingFileError(f"There is no file {path}.{hint}")


def check_kind(path: Path, kind: str) -> None:
    """Raise unless a file begins as a file of `kind`, "zip" or "HDF5", does."""
    start = first_bytes(path)
    if (is_archive if kind == "zip" else is_hdf5)(start):
        return
    what = "is empty" if not start else f"begins with {start[:8]!r}"
    other = " It looks like HDF5: name it .h5." if kind == "zip" and is_hdf5(start) else ""
    other = " It looks like a .keras archive." if kind != "zip" and is_archive(start) else other
    raise DamagedFileError(
        f"{path} is no {kind} file: it {what}.{other} Check that it was copied whole and as a "
        "binary file."
    )


def check_folder(path: Path, member: str) -> None:
    """Raise unless a folder is a model's, which has a file `member`."""
    if (path / member).exists():
        return
    names = sorted(one.name for one in path.iterdir())
    found = shortened(", ".join(names), 160) if names else "nothing"
    foreign = any(name in ("saved_model.pb", "checkpoint") for name in names)
    hint = f"It is of TensorFlow. {OF_TENSORFLOW}" if foreign else "Check the path."
    raise DamagedFileError(
        f"{path} is a folder, and no model's: it has {found}, and no {member}. {hint}"
    )


def first_bytes(path: Path) -> bytes:
    """The first bytes of a file, by which kinds are told apart."""
    with open(path, "rb") as file:
        return file.read(16)


@contextlib.contextmanager
def loading_from(path: Path) -> Iterator[None]:
    """A block whose errors are load errors that name `path`."""
    try:
        yield
    except LoadError as error:
        text = str(error)
        if str(path) in text and len(text) <= LONGEST_MESSAGE:
            raise
        where = "" if str(path) in text else f"{path}: "
        raise type(error)(shortened(where + describe(error, 520))) from error
    except (MemoryError, Exception) as error:
        raise LoadError(
            shortened(f"{path} could not be loaded: {describe(error)} Nothing was changed.")
        ) from error


def may_replace(path: Path, overwrite: bool) -> bool:
    """Whether `path` may be written: it is not there, or `overwrite` or the user says so.

    Raises:
        FileExistsError: if it is there, may not be replaced, and nobody can be asked.
    """
    if overwrite or not path.exists():
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise FileExistsError(
            f"{path} is there already. Pass overwrite=True to replace it, or another path."
        )
    return input(f"{path} is there already. Replace it? [y/n] ").strip().lower().startswith("y")
