"""State in a folder, each time anew beside the time before, so that none is ever lost.

A folder holds generations, `generation-000012` and so on, each of which is a folder of its own:
`arrays.h5` with the arrays, `state.json` with all else and the type, shape and digest of each
array, and `COMMIT` with the sizes and digests of the two files. A generation is made under another
name, `COMMIT` last, and renamed when it is complete and flushed to disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from lamina.core.atomic import atomic_folder, atomic_path, atomic_write, sync_folder
from lamina.saving.array_file import open_arrays, raw, read_array, write_arrays
from lamina.saving.plain_state import flattened, nested

try:
    import fcntl
except ImportError:  # not on Windows, where two trainings in one folder are not told apart
    fcntl = None  # type: ignore[assignment]

KEPT = 2
_FORMAT = 1
_ARRAYS, _STATE, _COMMIT, _LOCK = "arrays.h5", "state.json", "COMMIT", "LOCK"
_NAME = re.compile(r"generation-(\d{6,})")
_LEFTOVER = re.compile(r"\.generation-\d{6,}\.[0-9a-f]{16}\.tmp")


class Generations:
    """The generations of some state in one folder, of which the last two are kept.

    Args:
        folder: where they are; made, with those it is in, by the first `write`.

    Example:
        >>> import tempfile
        >>> generations = Generations(tempfile.mkdtemp())
        >>> for step in range(3):
        ...     path = generations.write({"step": step, "weights": [np.ones(2)]})
        >>> [path.name for path in generations.paths()], generations.read()["step"]
        (['generation-000002', 'generation-000003'], 2)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._damaged: set[Path] = set()
        self._lock: Any = None

    def paths(self) -> list[Path]:
        """The complete generations, the newest last, damaged ones among them."""
        return [path for path in self._all() if (path / _COMMIT).is_file()]

    def write(self, state: Any) -> Path:
        """Write a generation, and remove those before the last two.

        Args:
            state: plain data and NumPy arrays, nested in lists, tuples and dictionaries.

        Returns:
            The new generation's folder.

        Raises:
            TypeError: something in the state is no plain data.
            OSError: it cannot be written; the generations before it are as they were.
        """
        plain, arrays = flattened(state)
        self.folder.mkdir(parents=True, exist_ok=True)
        last = max((int(path.name.rpartition("-")[2]) for path in self._all()), default=0)
        target = self.folder / f"generation-{last + 1:06d}"
        with atomic_folder(target) as folder:
            with atomic_path(folder / _ARRAYS) as path:
                write_arrays(path, arrays)
            content = {"format": _FORMAT, "arrays": _described(arrays), "state": plain}
            with atomic_write(folder / _STATE) as file:
                file.write(json.dumps(content, allow_nan=False).encode())
            record = {name: _measured(folder / name) for name in (_ARRAYS, _STATE)}
            with atomic_write(folder / _COMMIT) as file:
                file.write(json.dumps(record).encode())
        self._prune()
        return target

    def read(self) -> Any:
        """The state of the newest generation that is whole; None where there is none at all.

        Each damaged one is named in a warning, and the one before it taken.

        Raises:
            ValueError: there are generations, and all are damaged.
        """
        found = self.paths()
        for path in reversed(found):
            try:
                return _read(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._damaged.add(path)
                warnings.warn(
                    f"The backup {str(path)!r} is damaged and was left out: {error}. The one "
                    "before it is taken.",
                    stacklevel=2,
                )
        if found:
            raise ValueError(
                f"All backups in {str(self.folder)!r} are damaged: "
                f"{', '.join(path.name for path in found)}. Bring one of them back, or remove them "
                "to start anew. Nothing was changed."
            )
        return None

    def hold(self) -> None:
        """Keep other processes from training with this folder, until `release` or the end.

        Raises:
            RuntimeError: another process has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if fcntl is None:
            return
        file = open(self.folder / _LOCK, "ab")  # noqa: SIM115, it stays open
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            file.close()
            raise RuntimeError(
                f"Another process is training with the backup folder {str(self.folder)!r}: wait "
                "for its end, or give this one a folder of its own. Nothing was changed."
            ) from error
        except OSError:  # a file system without locks: the last complete generation wins
            file.close()
            return
        self._lock = file
        for name in filter(_LEFTOVER.fullmatch, os.listdir(self.folder)):
            shutil.rmtree(self.folder / name, ignore_errors=True)  # of a process that was killed

    def release(self) -> None:
        """Let other processes have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Remove all generations, the oldest first, and the folder if nothing else is in it."""
        for path in self._all():
            _remove(path)
        (self.folder / _LOCK).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what others put there stays
            self.folder.rmdir()

    def _all(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        found = [name for name in os.listdir(self.folder) if _NAME.fullmatch(name)]
        return [self.folder / name for name in sorted(found, key=lambda name: int(name[11:]))]

    def _prune(self) -> None:
        whole = [path for path in self.paths() if path not in self._damaged]
        for path in self._all():
            if path not in whole[-KEPT:]:
                _remove(path)
                self._damaged.discard(path)


def _remove(path: Path) -> None:
    """Remove a generation; without its COMMIT it counts as none, whatever stays of it."""
    with contextlib.suppress(OSError):
        for name in (_COMMIT, _STATE, _ARRAYS):
            (path / name).unlink(missing_ok=True)
        path.rmdir()
        sync_folder(path.parent)


def _described(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        name: {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": _digest(array)}
        for name, array in arrays.items()
    }


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(raw(array).data).hexdigest()


def _measured(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _read(folder: Path) -> Any:
    record = json.loads((folder / _COMMIT).read_bytes())
    for name in (_ARRAYS, _STATE):
        size = (folder / name).stat().st_size
        if size != record[name]["bytes"]:
            raise ValueError(f"{name} has {size} of {record[name]['bytes']} bytes")
        if _measured(folder / name) != record[name]:
            raise ValueError(f"the digest of {name} is another than when it was written")
    content = json.loads((folder / _STATE).read_bytes())
    if content["format"] != _FORMAT:
        raise RuntimeError(  # not damaged: nothing older is to take its place
            f"The backup {str(folder)!r} is of format {content['format']}, and this version of "
            f"Lamina reads format {_FORMAT}: use the version that wrote it. Nothing was changed."
        )
    arrays = {}
    with open_arrays(folder / _ARRAYS) as file:
        for name, about in content["arrays"].items():
            arrays[name] = read_array(file, name, about["dtype"], about["shape"])
            if _digest(arrays[name]) != about["sha256"]:
                raise ValueError(f"the digest of array {name!r} is another than when written")
    return nested(content["state"], arrays)
