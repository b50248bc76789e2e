"""`.keras` files and folders: a model's config, its arrays, and the files of its layers."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamina.core import registry, versions
from lamina.core.atomic import atomic_write
from lamina.core.load_errors import (
    DamagedFileError,
    SizeBudgetError,
    shortened,
)
from lamina.saving import assets, json_text
from lamina.saving.archive import CONFIG, METADATA, WEIGHTS, ArchiveReader, ArchiveWriter
from lamina.saving.folder import FolderReader, Put, write_folder
from lamina.saving.hdf5 import Hdf5Reader, Hdf5Writer
from lamina.saving.paths import check_folder, check_kind
from lamina.saving.report import LoadReport
from lamina.saving.tree import OWN
from lamina.saving.weights import Stored, arrays_of_parts, by_group, group_of

Members = ArchiveReader | FolderReader
# Where the metadata say what the config is: a folder has no checksums of its own, as archives have.
CONFIG_DIGEST = "config_sha256"


def write_arrays(root: Any, file: Any) -> None:
    """Write the arrays of a model to an HDF5 file, under Keras's names."""
    with Hdf5Writer(file) as writer:
        for path, part, arrays in arrays_of_parts(root):
            writer.group(group_of(path), name=part.name)
            for name, array in arrays:
                writer.array(f"{group_of(path)}/{name}", array)


def write_model(model: Any, path: Path, zipped: bool) -> None:
    """Write a model to `path`, whole or not at all."""
    config = json_text.written(registry.serialize(model), f"The config of {model.name!r}")
    if len(config) > json_text.LONGEST:
        raise SizeBudgetError(
            f"The config of {model.name!r} has {len(config):,} bytes, and files may have "
            f"{json_text.LONGEST:,}: keep arrays in weights, not in arguments of layers."
        )
    json_text.parse(config, f"The config of {model.name!r}")  # what could not be read is not saved
    metadata = {
        "keras_version": versions.KERAS,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        "lamina_version": versions.LAMINA,
        CONFIG_DIGEST: hashlib.sha256(config.encode()).hexdigest(),
    }
    texts = {METADATA: json.dumps(metadata).encode(), CONFIG: config.encode()}
    if not zipped:
        write_folder(path, lambda put: _put_all(model, texts, put))
        return
    with atomic_write(path) as file, ArchiveWriter(file) as archive:
        _put_all(model, texts, archive.member)


@contextlib.contextmanager
def saving_to(path: Path) -> Iterator[None]:
    """A block whose errors of the disk name `path`, and say what the disk has left."""
    try:
        yield
    except OSError as error:
        folder = Path(os.path.realpath(path)).parent  # a link is written through
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{path} was not written: there is no folder {folder}. Make it first."
            ) from error
        free = shutil.disk_usage(folder).free
        # HDF5 says more, in several lines, and of the temporary file.
        said = os.strerror(error.errno) if error.errno else shortened(str(error), 200)
        kind = type(error) if type(error).__init__ is OSError.__init__ else OSError
        raise kind(
            error.errno,
            f"{path} was not written: {said}. {free:,} bytes are free there. What was there "
            "before is unchanged",
        ) from error


def _put_all(model: Any, texts: dict[str, bytes], put: Put) -> None:
    for name, text in texts.items():
        with put(name) as file:
            file.write(text)
    with put(WEIGHTS) as file:
        write_arrays(model, file)
    for name, asset in assets.gathered(model):
        with open(asset, "rb") as content, put(name) as file:
            shutil.copyfileobj(content, file, 2**20)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Members]:
    """The members of a `.keras` file or folder."""
    if path.is_dir():
        check_folder(path, CONFIG)
        yield FolderReader(path)
        return
    check_kind(path, "zip")
    with open(path, "rb") as file:
        yield ArchiveReader(file, str(path))


def read_config(members: Members, report: LoadReport) -> dict[str, Any]:
    """The config of the model in a file, and into the report what wrote it."""
    name = members.name
    metadata = json_text.parse(members.read(METADATA, 2**20), f"{name}: {METADATA}")
    report.written_by = _writer(metadata, name)
    text = members.read(CONFIG, json_text.LONGEST)
    known = metadata.get(CONFIG_DIGEST)
    if isinstance(members, FolderReader) and known not in (None, hashlib.sha256(text).hexdigest()):
        raise DamagedFileError(
            f"{name}: {CONFIG} is not what was saved: it does not match the digest written with "
            f"it. Use a copy of the folder; if you changed it, take {CONFIG_DIGEST} out of "
            f"{METADATA}."
        )
    return json_text.parse(text, f"{name}: {CONFIG}")


def _writer(metadata: dict[str, Any], name: str) -> str:
    for program, known in (("lamina", versions.LAMINA), ("keras", versions.KERAS)):
        found = metadata.get(f"{program}_version")
        if found is None:
            continue
        if versions.newer(found, known):
            warnings.warn(
                f"{name} was written by {program.capitalize()} {shortened(str(found), 20)}, and "
                f"what is known here ends with {known}: parts of it may be read wrongly or not "
                "at all. Install a newer Lamina if loading fails.",
                stacklevel=5,
            )
        return f"written by {program.capitalize()} {shortened(str(found), 20)}"
    raise DamagedFileError(f"{name}: {METADATA} does not say which version wrote the file.")


@contextlib.contextmanager
def arrays_of(members: Members, report: LoadReport) -> Iterator[Stored]:
    """The arrays of a model file, by part. Those without digests are held against the archive's."""
    with (
        members.opened(WEIGHTS) as file,
        Hdf5Reader(file, f"{members.name}: {WEIGHTS}") as reader,
    ):
        if any(entry.digest is None for entry in reader.arrays.values()):
            members.verify(WEIGHTS)
        stored = by_group(reader.arrays)
        for path in reader.groups:
            if path.endswith(f"/{OWN}"):
                stored.setdefault(path.removesuffix(f"/{OWN}"), {})
        yield stored
