"""HDF5 files: read without following any way out of them, written with a digest on each array.

HDF5 can point to other files: external and soft links, external storage, virtual data sets. A file
is walked link by link from its root, and whatever is no plain group or data set inside it is
refused before it is opened.
"""

from __future__ import annotations

import contextlib
import math
import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from lamina.core.load_errors import DamagedFileError, UnsafeContentError, shortened
from lamina.saving import h5, headers, heaps
from lamina.saving.arrays import Beside, Entry, digest

DIGEST = "sha256"
# Keras writes bfloat16 as two bytes without a meaning, and the type's name beside them.
_NAMED_TYPE = "dtype"
_MAGIC = b"\x89HDF\r\n\x1a\n"
_DEEPEST = 256
_MOST_LINKS = 200_000
# What a chunk may be larger than its array by.
_LARGEST_CHUNK = 2**20
_LONGEST_ATTRIBUTE = 16 * 2**20
# Of a list of names in one attribute: what is in a header ends at 64 kB.
_LARGEST_LIST = 64_512
# Deflate, shuffle and Fletcher's checksum, by their numbers in HDF5's specification.
_FILTERS = frozenset({1, 2, 3})


class Hdf5Reader:
    """A file that was walked whole and holds nothing but groups and plain arrays.

    Args:
        file: a path, or a binary file open for reading.
        name: what messages call it.

    Attributes:
        arrays: the arrays by path, not read yet.
        groups: the paths of the groups, the root's "".
    """

    def __init__(self, file: str | os.PathLike[str] | BinaryIO, name: str) -> None:
        self.name = name
        self._source = file
        self._heaps_are_sound = False
        self.arrays: dict[str, Entry] = {}
        self.groups: list[str] = []
        with _damage(name):
            self._file = h5.File(file, "r")
        try:
            with _damage(name):
                self._walk()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Hdf5Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _walk(self) -> None:
        seen: set[int] = set()
        waiting = [("", h5.h5g.open(self._file.id, b"/"))]
        links = 0
        while waiting:
            path, group = waiting.pop()
            address = h5.h5o.get_info(group).addr
            if address in seen:
                raise self._unsafe(path, "is a group that was met before under another name")
            seen.add(address)
            self.groups.append(path)
            for raw in group:
                links += 1
                inner = f"{path}/{raw.decode()}" if path else raw.decode()
                if links > _MOST_LINKS or inner.count("/") > _DEEPEST:
                    raise self._unsafe(inner, "is one name too many, or nested too deeply")
                self._check_link(group, raw, inner)
                found = h5.h5o.open(group, raw)
                if isinstance(found, h5.h5g.GroupID):
                    waiting.append((inner, found))
                elif isinstance(found, h5.h5d.DatasetID):
                    # One damaged address can make two names lead to one array.
                    place = h5.h5o.get_info(found).addr
                    if place in seen:
                        raise self._unsafe(inner, "is an array that has another name as well")
                    seen.add(place)
                    self.arrays[inner] = self._entry(inner, found)
                else:
                    raise self._unsafe(inner, "is neither a group nor an array")

    def _check_link(self, group: Any, raw: bytes, path: str) -> None:
        kind = group.links.get_info(raw).type
        if kind == h5.h5l.TYPE_HARD:
            return
        names = {h5.h5l.TYPE_SOFT: "a soft link", h5.h5l.TYPE_EXTERNAL: "an external link"}
        raise self._unsafe(path, f"is {names.get(kind, 'a link of an unknown kind')}")

    def _entry(self, path: str, dataset: Any) -> Entry:
        made = dataset.get_create_plist()
        layout = made.get_layout()
        if layout == h5.h5d.VIRTUAL:
            raise self._unsafe(path, "is a virtual data set, made of parts of other files")
        if made.get_external_count():
            raise self._unsafe(path, "is stored in another file")
        filters = {made.get_filter(number)[0] for number in range(made.get_nfilters())}
        if not filters <= _FILTERS:
            raise self._unsafe(path, f"is packed by filters {sorted(filters - _FILTERS)}")
        dtype = self._dtype(path, dataset)
        shape = tuple(int(size) for size in dataset.shape or ())
        if layout == h5.h5d.CHUNKED:
            chunk = math.prod(made.get_chunk()) * dtype.itemsize
            if chunk > math.prod(shape) * dtype.itemsize + _LARGEST_CHUNK:
                raise self._unsafe(path, f"comes in pieces of {chunk:,} bytes, more than it has")
        return Entry(
            f"{self.name}: array {path!r}",
            shape,
            dtype.name,
            lambda: _values(dataset, dtype),
            self._text(dataset, DIGEST),
        )

    def _dtype(self, path: str, dataset: Any) -> np.dtype[Any]:
        kind = dataset.get_type()
        found: np.dtype[Any] = kind.dtype
        halves = isinstance(kind, h5.h5t.TypeOpaqueID) and found.itemsize == 2
        if halves and self._text(dataset, _NAMED_TYPE) == "bfloat16":
            half: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
            return half
        if found.kind not in "fiub" or found.itemsize > 8 or found.shape:
            raise self._unsafe(path, f"is of type {found}, which is no plain number")
        native: np.dtype[Any] = found.newbyteorder("=")
        return native

    def _text(self, holder: Any, name: str) -> str | None:
        """A short text attribute; None where there is none."""
        if not h5.h5a.exists(holder, name.encode()):
            return None
        value = self._attribute(holder, name)
        return value if isinstance(value, str) else None

    def attribute(self, path: str, name: str) -> Any:
        """An attribute of a group: a text, a list of texts or a number; None where there is none.

        Texts come as `str`. Keras spreads long lists over attributes `name0`, `name1`, ….
        """
        with _damage(self.name):
            holder = h5.h5o.open(self._file.id, f"/{path}".encode())
            if h5.h5a.exists(holder, name.encode()):
                return self._attribute(holder, name)
            found: list[Any] = []
            while h5.h5a.exists(holder, f"{name}{len(found)}".encode()):
                found.append(self._attribute(holder, f"{name}{len(found)}"))
            return [one for part in found for one in part] if found else None

    def _attribute(self, holder: Any, name: str) -> Any:
        attribute = h5.h5a.open(holder, name.encode())
        # Not its storage size, which HDF5 cannot say of an empty list.
        if math.prod(attribute.shape or ()) * attribute.dtype.itemsize > _LONGEST_ATTRIBUTE:
            raise self._unsafe(name, "is an attribute of more than 16 MB")
        if attribute.get_type().get_class() not in (
            h5.h5t.STRING,
            h5.h5t.INTEGER,
            h5.h5t.FLOAT,
        ):
            raise self._unsafe(name, "is an attribute that is neither text nor number")
        kind = attribute.get_type()
        if isinstance(kind, h5.h5t.TypeStringID) and kind.is_variable_str():
            self._check_texts(holder, name, math.prod(attribute.shape))
        value = np.empty(attribute.shape, attribute.dtype)
        attribute.read(value)
        return _plain(value)

    def _check_texts(self, holder: Any, name: str, count: int) -> None:
        """Look at texts of any length before HDF5 does: how long they are, and where they lie."""
        if self._file.id.get_create_plist().get_sizes() != (8, 8):
            raise self._unsafe("/", "has addresses of other than 8 bytes")
        address = h5.h5o.get_info(holder).addr
        with self._bytes() as file:
            try:
                length = headers.length_of_texts(file, address, name, count)
            except struct.error as error:
                raise ValueError(str(error)) from error
            if length is None or length > _LONGEST_ATTRIBUTE:
                raise self._unsafe(name, "is an attribute whose texts are longer than 16 MB")
            if not self._heaps_are_sound:
                heaps.check(file, self.name)
        self._heaps_are_sound = True

    def _bytes(self) -> contextlib.AbstractContextManager[BinaryIO]:
        if isinstance(self._source, (str, os.PathLike)):
            return open(self._source, "rb")
        return contextlib.nullcontext(self._source)

    def _unsafe(self, path: str, what: str) -> UnsafeContentError:
        return UnsafeContentError(
            f"{self.name}: {path!r} {what}. A file of weights holds groups and plain arrays of "
            "numbers only; nothing was read. Do not use this file."
        )


def _plain(value: np.ndarray) -> Any:
    def text(one: Any) -> Any:
        return one.decode() if isinstance(one, bytes) else one

    if value.ndim == 0:
        return text(value.item())
    return [text(one) for one in value.tolist()]


def _values(dataset: Any, dtype: np.dtype[Any]) -> np.ndarray:
    value = np.empty(dataset.shape or (), dataset.get_type().dtype)
    if value.size:
        dataset.read(h5.h5s.ALL, h5.h5s.ALL, value)
    if value.dtype.kind == "V":
        return value.view(dtype)
    return value.astype(dtype, copy=False)


@contextlib.contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except (UnsafeContentError, DamagedFileError, FileNotFoundError, PermissionError):
        raise
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, UnicodeError) as error:
        raise DamagedFileError(
            f"{name} cannot be read as HDF5: it is damaged or cut off ({error}). Use a copy of it."
        ) from error


def _in_pieces(path: str, name: str, texts: list[str]) -> dict[str, Any]:
    """An attribute that lists texts; several, `name0`, `name1` and so on, where it is too large."""
    fixed = np.array([text.encode() for text in texts], "S")
    if fixed.nbytes <= _LARGEST_LIST:
        return {name: texts}
    if fixed.itemsize > _LARGEST_LIST:
        longest = shortened(max(texts, key=len), 60)
        raise ValueError(
            f"{name} of {path or 'the file'!r} holds {longest!r}, a name of {fixed.itemsize:,} "
            f"bytes, and HDF5 has room for {_LARGEST_LIST:,} in an attribute. Nothing was written. "
            "Give it a shorter name, or save the model to a file that ends in .keras."
        )
    count = -(-fixed.nbytes // _LARGEST_LIST)
    while max(one.nbytes for one in np.array_split(fixed, count)) > _LARGEST_LIST:
        count += 1
    return {f"{name}{number}": one for number, one in enumerate(np.array_split(fixed, count))}


def is_hdf5(start: bytes) -> bool:
    """Whether a file that begins with `start` is an HDF5 file."""
    return start.startswith(_MAGIC)


class Hdf5Writer:
    """A new HDF5 file.

    Args:
        file: a path, or a binary file of Python's, open for writing and reading: HDF5's own fails
            to close, and may crash, where the disk is full.

    Attributes:
        digests: the digest of each array by path, complete when the block is left.
    """

    def __init__(self, file: str | os.PathLike[str] | BinaryIO) -> None:
        self._opened = contextlib.ExitStack()
        if isinstance(file, (str, os.PathLike)):
            file = self._opened.enter_context(open(file, "w+b"))  # noqa: SIM115
        self._file = self._opened.enter_context(h5.File(file, "w"))
        self._beside = Beside()
        self.digests: dict[str, str] = {}

    def __enter__(self) -> Hdf5Writer:
        return self

    def __exit__(self, *exception: Any) -> None:
        try:
            self._beside.__exit__(*exception)
        finally:
            self._opened.close()

    def group(self, path: str, **attributes: Any) -> None:
        """Make a group, and the groups above it, with attributes: texts, or lists of texts.

        A list that HDF5 has no room for in one attribute is split, as Keras does it.

        Raises:
            ValueError: if a text of a list alone is too long for an attribute.
        """
        made = self._file.require_group(path or "/")
        for name, value in attributes.items():
            made.attrs.update(
                _in_pieces(path, name, value) if isinstance(value, list) else {name: value}
            )

    def array(self, path: str, value: np.ndarray) -> None:
        """Write an array with its digest."""
        stored = value.view("V2") if value.dtype.name == "bfloat16" else value
        made = self._file.create_dataset(path, data=stored)

        def note(found: str) -> None:
            # Of fixed length: it lies with the array, and is read without a heap of texts.
            made.attrs[DIGEST] = np.bytes_(found.encode())
            self.digests[path] = found

        self._beside.run(digest, value, then=note)
        if stored is not value:
            made.attrs[_NAMED_TYPE] = "bfloat16"
