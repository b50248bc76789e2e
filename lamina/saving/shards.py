"""Weights in shards: files of bounded size, and an index that says which arrays each one holds.

Beside `x.weights.json`, the index, lie `x_00000.weights.h5` and so on, each a file of weights. The
index names the shards of each group of arrays, as Keras writes it, and has the digest of each
shard, which Keras passes over: the SHA-256 of its arrays' names and digests.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lamina.core import versions
from lamina.core.atomic import atomic_write, sync_folder, temporary_beside
from lamina.core.load_errors import DamagedFileError, SizeBudgetError, UnsafeContentError
from lamina.saving import json_text
from lamina.saving.arrays import Entry
from lamina.saving.folder import FolderReader
from lamina.saving.hdf5 import DIGEST, Hdf5Reader, Hdf5Writer
from lamina.saving.tree import OWN
from lamina.saving.weights import Stored, arrays_of_parts, by_group, group_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

INDEX = ".weights.json"
_SHARD = ".weights.h5"
_NAME = re.compile(r"([^/\\\0]*)_[0-9]{5,}\.weights\.h5")
_GIGABYTE = 2**30
# Each shard is an open file while it is read.
_MOST = 500


def index_of(path: Path) -> Path:
    """The index that belongs to `path`: itself, or that of the shards of a `.weights.h5` file.

    Raises:
        ValueError: if the path ends in something else.
    """
    for ending in (INDEX, _SHARD):
        if path.name.endswith(ending):
            return path.with_name(path.name.removesuffix(ending) + INDEX)
    raise ValueError(f"The index of shards ends in {INDEX}, and {path} does not.")


def save(root: Any, path: Path, most: float) -> None:
    """Write the arrays of a model in shards of at most `most` GB, and their index to `path`.

    The shards get names that are free, so that those of an index that is there stay as they are
    until the new index, written last, is in its place; then they are removed.

    Args:
        root: the model.
        path: the index, which ends in `.weights.json`.
        most: in units of 2**30 bytes.

    Raises:
        ValueError: if `most` is no positive number, or an array alone is larger.
    """
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not most > 0:
        raise ValueError(f"max_shard_size is a positive number of gigabytes, not {most!r}.")
    with _Shards(path, most * _GIGABYTE) as shards:
        for part_path, part, arrays in arrays_of_parts(root):
            group = group_of(part_path)
            shards.group(group, part.name)
            for name, array in arrays:
                shards.put(group, name, array)
        with _alone(path.parent):
            before = _names_in(path)
            index = shards.place()
            with atomic_write(path) as file:
                file.write(json.dumps(index, indent=4).encode())
            shards.committed = True
            for name in before - index["metadata"][DIGEST].keys():
                path.with_name(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A block in which no other program puts shards into a folder, where the system can lock it.

    Else names that one has removed could be taken by another, and be removed by a third.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _names_in(path: Path) -> set[str]:
    """The shards of the index that is there: those called after it. None where there is none."""
    with contextlib.suppress(OSError, DamagedFileError, UnsafeContentError, SizeBudgetError):
        return {name for name in _Index(path).shards if name.startswith(f"{_stem(path)}_")}
    return set()


def _stem(path: Path) -> str:
    return path.name.removesuffix(INDEX)


@dataclass
class _Shard:
    """A shard under its temporary name, the groups that it has arrays of, and their digests."""

    file: Path
    groups: list[str] = field(default_factory=list)
    digests: Mapping[str, str] = field(default_factory=dict)


class _Shards:
    """Shards that are being written, under temporary names until all of them are."""

    def __init__(self, path: Path, most: float) -> None:
        self._path = path
        self._most = most
        self._size = self._total = 0
        self._writer: Hdf5Writer | None = None
        self._group: tuple[str, str] | None = None
        self._written: list[_Shard] = []
        self._placed: list[Path] = []
        self.committed = False

    def __enter__(self) -> _Shards:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, *rest)
        placed = [] if self.committed else self._placed
        for file in [*(shard.file for shard in self._written), *placed]:
            file.unlink(missing_ok=True)

    def group(self, path: str, name: str) -> None:
        """Begin the arrays of a part."""
        self._group = path, name
        if self._writer is None:
            self._begin()
        else:
            self._writer.group(path, name=name)

    def put(self, group: str, name: str, array: np.ndarray) -> None:
        """Write an array to the shard that is being filled, or to a new one."""
        if array.nbytes > self._most:
            raise ValueError(
                f"Array {group}/{name} has {array.nbytes:,} bytes, and max_shard_size is "
                f"{int(self._most):,}. Nothing was written. Pass a max_shard_size of more than "
                f"{array.nbytes / _GIGABYTE:.3g} GB."
            )
        if self._size and self._size + array.nbytes > self._most:
            self._begin()
        assert self._writer is not None
        if group not in self._written[-1].groups[-1:]:
            self._written[-1].groups.append(group)
        self._writer.array(f"{group}/{name}", array)
        self._size += array.nbytes
        self._total += array.nbytes

    def _begin(self) -> None:
        self._end()
        if len(self._written) == _MOST:
            raise ValueError(
                f"These weights would take more than {_MOST} shards. Nothing was written. Pass a "
                "larger max_shard_size."
            )
        shard = _Shard(temporary_beside(self._path.with_name(_stem(self._path) + _SHARD)))
        self._written.append(shard)
        writer = self._writer = Hdf5Writer(shard.file)
        shard.digests = writer.digests
        self._size = 0
        if self._group is not None:
            writer.group(self._group[0], name=self._group[1])

    def _end(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(None, None, None)

    def place(self) -> dict[str, Any]:
        """Put all shards in their places, and return the index that names them."""
        self._end()
        for shard in self._written:
            with open(shard.file, "r+b") as written:
                os.fsync(written.fileno())
        weights: dict[str, list[str]] = {}
        digests = {}
        for shard in self._written:
            target = self._free()
            os.replace(shard.file, target)
            digests[target.name] = _digest_of(shard.digests)
            for group in shard.groups:
                weights.setdefault(f"/{group}", []).append(target.name)
        sync_folder(self._path.parent)
        head = {"total_size": float(self._total), "lamina_version": versions.LAMINA}
        return {"metadata": {**head, DIGEST: digests}, "weight_map": weights}

    def _free(self) -> Path:
        """The first name of a shard that nothing has, taken so that no other program takes it."""
        number = 0
        while True:
            target = self._path.with_name(f"{_stem(self._path)}_{number:05d}{_SHARD}")
            try:
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except FileExistsError:
                number += 1
                continue
            self._placed.append(target)
            return target


def _digest_of(arrays: Mapping[str, str | None] | Mapping[str, str]) -> str:
    """The SHA-256 of the names and digests of a shard's arrays, in hexadecimal digits."""
    lines = sorted(f"{name}:{found}\n" for name, found in arrays.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Stored]:
    """The arrays of the shards that an index names, by part.

    Raises:
        UnsafeContentError: if it names anything but shards beside it.
        DamagedFileError: if a shard is missing, or is not the one that the index was written with.
    """
    with contextlib.ExitStack() as stack:
        index = _Index(path)
        while True:
            try:
                readers = {name: stack.enter_context(index.opened(name)) for name in index.shards}
                break
            except (DamagedFileError, FileNotFoundError):
                # Another program may have put a new index here, and removed the old one's shards.
                newer = _Index(path)
                if newer.written == index.written:
                    raise
                index = newer
        yield by_group(index.merged(readers))


class _Index:
    """An index that was read: which shards there are, and which groups of arrays each holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            about = os.fstat(file.fileno())
            text = file.read(json_text.LONGEST + 1)
        # Not the text, which may come again when others have had their turn.
        self.written = about.st_ino, about.st_mtime_ns
        found = json_text.parse(text, str(path))
        weights, metadata = found.get("weight_map"), found.get("metadata")
        if not isinstance(weights, dict) or not isinstance(metadata, dict):
            raise self._damaged("it has no weight_map, or no metadata")
        # Each shard's groups.
        self.shards: dict[str, set[str]] = {}
        self._digests = metadata.get(DIGEST)
        for key, names in weights.items():
            if not f"{key}/".endswith(f"/{OWN}/") or not key.startswith("/"):
                raise self._damaged(f"{key[:80]!r} in its weight_map is no group of arrays")
            for name in names if isinstance(names, list) else [names]:
                self._check(name)
                self.shards.setdefault(name, set()).add(key.removeprefix("/"))
        if len(self.shards) > _MOST:
            raise self._unsafe(f"names {len(self.shards):,} shards, and at most {_MOST} are read")
        if self._digests is not None and (
            not isinstance(self._digests, dict) or not self.shards.keys() <= self._digests.keys()
        ):
            raise self._damaged("it has no digest for some of its shards")

    def _check(self, name: Any) -> None:
        known = isinstance(name, str) and _NAME.fullmatch(name)
        if not known or name.startswith("."):
            raise self._unsafe(f"names {str(name)[:80]!r}, which is no shard's file beside it")
        if self._digests is None and known.group(1) != _stem(self.path):
            raise self._unsafe(
                f"names {name[:80]!r}, which is called after another index, and has no digest "
                "by which it could be known. Give the index the name that it had"
            )

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Hdf5Reader]:
        """One of the shards, if it is the one that the index was written with."""
        folder = FolderReader(self.path.parent)
        with folder.opened(name) as file, Hdf5Reader(file, str(self.path.with_name(name))) as found:
            digests = {array: entry.digest for array, entry in found.arrays.items()}
            if self._digests is not None and _digest_of(digests) != self._digests[name]:
                raise self._damaged(
                    f"{name} is not the shard that was written with it, but another file's"
                )
            yield found

    def merged(self, readers: Mapping[str, Hdf5Reader]) -> dict[str, Entry]:
        """The arrays of all shards by path, each where the index says."""
        arrays: dict[str, Entry] = {}
        for name, reader in readers.items():
            for path, entry in reader.arrays.items():
                if path.rpartition("/")[0] not in self.shards[name]:
                    raise self._damaged(f"it does not say that {path[:80]!r} is in {name}")
                if path in arrays:
                    raise self._damaged(f"{path[:80]!r} is in two of its shards")
                arrays[path] = entry
        return arrays

    def _damaged(self, what: str) -> DamagedFileError:
        return DamagedFileError(
            f"{self.path}, an index of shards, is damaged, or its shards are: {what}. Use a copy "
            "of the index and its shards."
        )

    def _unsafe(self, what: str) -> UnsafeContentError:
        return UnsafeContentError(f"{self.path}, an index of shards, {what}. Nothing was read.")
