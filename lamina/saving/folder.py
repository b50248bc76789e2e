"""Model files as folders: the members of an archive, each a file of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from lamina.core.atomic import atomic_write, replace_folder, sync_folder, temporary_beside
from lamina.core.load_errors import DamagedFileError, SizeBudgetError, UnsafeContentError
from lamina.saving.archive import ASSETS, CONFIG

# Opens a new member of a model file, by its name, to be written and read.
Put = Callable[[str], contextlib.AbstractContextManager[BinaryIO]]


class FolderReader:
    """A model's folder; links in it are not followed.

    Args:
        folder: its path.
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    @property
    def assets(self) -> list[str]:
        """The names of the files of layers."""
        found = []
        for inside, _, names in os.walk(self._folder / ASSETS):
            found += [Path(inside, name).relative_to(self._folder).as_posix() for name in names]
        return found

    def _file(self, name: str) -> Path:
        file = self._folder / name
        here = Path(os.path.realpath(self._folder)) / name
        if Path(os.path.realpath(file)) != here:
            raise UnsafeContentError(
                f"{self.name}: {name} is a link, and links are not followed. Copy the file into "
                "the folder."
            )
        if not file.is_file():
            raise DamagedFileError(f"{self.name} has no file {name}: it is incomplete.")
        return file

    def read(self, name: str, limit: int) -> bytes:
        """A member as a whole."""
        file = self._file(name)
        if file.stat().st_size > limit:
            raise SizeBudgetError(
                f"{file} has {file.stat().st_size:,} bytes, and at most {limit:,} are read."
            )
        return file.read_bytes()

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A member as a file."""
        with open(self._file(name), "rb") as file:
            yield file

    def verify(self, name: str) -> None:
        """Do nothing: a folder has no checksums of its own."""


def write_folder(path: Path, fill: Callable[[Put], None]) -> None:
    """Write a folder of members, whole or not at all; a model that is there is replaced.

    Args:
        path: the folder.
        fill: is given what opens a new member of the folder, by its name.

    Raises:
        FileExistsError: if there is something at `path` that is no model.
    """
    if path.exists() and not (path / CONFIG).is_file():
        raise FileExistsError(
            f"{path} is there and is no model's folder: nothing was replaced. Choose another path."
        )
    temporary = temporary_beside(path)
    temporary.mkdir()

    def put(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        target = temporary / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return atomic_write(target)

    try:
        fill(put)
        sync_folder(temporary, strict=True)
        if path.exists():
            replace_folder(temporary, path)
        else:
            os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)
