"""Files of layers: what `save_assets` of a layer writes and `load_assets` reads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from lamina.saving.archive import ASSETS, LARGEST_ASSET
from lamina.saving.tree import parts


class Members(Protocol):
    """Where files of layers are read from: an archive or a folder."""

    @property
    def assets(self) -> list[str]: ...

    def read(self, name: str, limit: int) -> bytes: ...


def gathered(model: Any) -> Iterator[tuple[str, Path]]:
    """The files that the layers of `model` write, and the names that they have in a model file."""
    for path, part in parts(model).items():
        if not hasattr(part, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            part.save_assets(folder)
            for inside, _, names in os.walk(folder):
                for name in sorted(names):
                    file = Path(inside, name)
                    yield _member(path, file.relative_to(folder).as_posix()), file


def _member(path: str, name: str) -> str:
    return f"{ASSETS}{path}/{name}" if path else f"{ASSETS}{name}"


def restore(model: Any, members: Members) -> None:
    """Give each layer that has `load_assets` a folder with its files.

    The folder is a fresh one, and names in the file never lead out of it.
    """
    if not members.assets:
        return
    for path, part in parts(model).items():
        if not hasattr(part, "load_assets"):
            continue
        start = _member(path, "")
        with tempfile.TemporaryDirectory() as folder:
            for name in members.assets:
                if name.startswith(start):
                    inner = PurePosixPath(name.removeprefix(start))
                    target = Path(folder, *inner.parts)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(members.read(name, LARGEST_ASSET))
            part.load_assets(folder)
