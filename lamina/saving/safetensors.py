"""Weights as `.safetensors`: a header of names, types and places, and behind it the numbers.

The form is Hugging Face's. An array is called after its part's path and the variable, with dots:
`layers.dense_1.kernel`, `encoder.query_dense.bias`; of a part that stores arrays by code of its
own, after the key that it gives. A name that is taken gets a number. The metadata hold, under
`sha256:` and the name, the digest of each array. The optimizer's state is left out.

Written and read here and not by the package `safetensors`: that one maps the file into memory, so
that a file cut off meanwhile ends the process, and wants all arrays in memory to write them.

Reference:
    https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes  # noqa: F401  gives NumPy the names of the small types
import numpy as np

from lamina.core import versions
from lamina.core.atomic import atomic_write
from lamina.core.load_errors import DamagedFileError, SizeBudgetError
from lamina.core.variable import Variable
from lamina.saving import json_text
from lamina.saving.arrays import Entry, digest
from lamina.saving.weights import (
    Own,
    Stored,
    arrays_of_parts,
    labels,
    of_optimizer,
    own_arrays,
)

ENDING = ".safetensors"
_TYPES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    **{
        f"{kind}{size}": f"{name}{size}"
        for kind, name in (("I", "int"), ("U", "uint"))
        for size in (8, 16, 32, 64)
    },
    **{f"F{size}": f"float{size}" for size in (16, 32, 64)},
}
_NAMES = {name: kind for kind, name in _TYPES.items()}
_METADATA = "__metadata__"
_DIGEST = "sha256:"
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8


class _Names:
    """The names of arrays, each given once."""

    def __init__(self) -> None:
        self._used: set[str] = {_METADATA}

    def of(self, path: str, part: Any, keys: Iterable[str]) -> dict[str, str]:
        """The names of a part's arrays by their keys."""
        keys = list(keys)
        found = {}
        for key, label in zip(keys, labels(part, keys), strict=True):
            plain = name = ".".join([*path.split("/"), label] if path else [label])
            count = 0
            while name in self._used:
                count += 1
                name = f"{plain}_{count}"
            self._used.add(name)
            found[key] = name
        return found


def save(root: Any, path: Path) -> None:
    """Write the arrays of a model, without its optimizer's, to a `.safetensors` file."""
    own = [one for one in own_arrays(root) if not of_optimizer(one[0])]
    header, names = _planned(own)
    with atomic_write(path) as file:
        file.write(_packed(header))
        for part_path, _, arrays in arrays_of_parts(root, own):
            for key, array in arrays:
                name = names[part_path][key]
                value = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
                file.write(value.reshape(-1).view(np.uint8).data)
                header[_METADATA][_DIGEST + name] = digest(array)
        # Digests are as long as the blanks in their place: the header keeps its length.
        file.seek(0)
        file.write(_packed(header))


def _planned(own: Iterable[Own]) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The header, with blanks for digests, and each part's names by the keys of its arrays."""
    metadata = {"lamina_version": versions.LAMINA, "format": "np"}
    header: dict[str, Any] = {_METADATA: metadata}
    found, names, end = _Names(), {}, 0
    for path, part, store in own:
        names[path] = found.of(path, part, store)
        for key, value in store.items():
            name = names[path][key]
            shape, dtype = _described(value)
            if dtype not in _NAMES:
                raise ValueError(
                    f"{name} is of type {dtype}, which safetensors files have no name for. Save "
                    "to a .weights.h5 file."
                )
            start, end = end, end + math.prod(shape) * np.dtype(dtype).itemsize
            header[name] = {
                "dtype": _NAMES[dtype],
                "shape": list(shape),
                "data_offsets": [start, end],
            }
            metadata[_DIGEST + name] = " " * 64
    return header, names


def _described(value: Any) -> tuple[tuple[int, ...], str]:
    if isinstance(value, Variable):
        return value.shape, value._dtype
    array = np.asarray(value)
    return array.shape, array.dtype.name


def _packed(header: dict[str, Any]) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    if len(text) > json_text.LONGEST:
        raise SizeBudgetError(
            f"The header of these weights would have {len(text):,} bytes, and at most "
            f"{json_text.LONGEST:,} are read. Save to a .weights.h5 file."
        )
    text += b" " * (-len(text) % _ALIGNMENT)
    return _LENGTH.pack(len(text)) + text


@contextlib.contextmanager
def opened(path: Path, root: Any) -> Iterator[Stored]:
    """The arrays of a `.safetensors` file, by the parts of `root` whose names they have.

    Raises:
        DamagedFileError: if it is no such file, or is cut off.
    """
    with open(path, "rb") as file:
        entries = _entries(path, file)
        found: Stored = {}
        names = _Names()
        for part_path, part, store in own_arrays(root):
            if of_optimizer(part_path):
                continue
            for key, name in names.of(part_path, part, store).items():
                if name in entries:
                    found.setdefault(part_path, {})[key] = entries.pop(name)
        # What no part has is told by its own name.
        for name, entry in entries.items():
            found[name] = {"": entry}
        yield found


def _entries(path: Path, file: BinaryIO) -> dict[str, Entry]:
    """The arrays that the header tells of: side by side, and as long as the file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(_LENGTH.size)
    length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else size
    first = _LENGTH.size + length
    if first > size:
        begins = f"begins with {start!r}" if start else "is empty"
        raise _damaged(
            path, f"it {begins}, by which its header would end behind the {size:,} bytes it has"
        )
    if length > json_text.LONGEST:
        raise SizeBudgetError(f"{path}: its header has {length:,} bytes, which is too many.")
    header = json_text.parse(file.read(length), f"{path}: the header")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict):
        raise _damaged(path, "its metadata are no object")
    entries, places = {}, []
    for name, told in header.items():
        dtype, shape, place = _checked(path, name, told)
        places.append(place)
        found = metadata.get(_DIGEST + name)
        entries[name] = Entry(
            f"{path}: array {name[:200]!r}",
            shape,
            dtype,
            partial(_values, file, first + place[0], shape, dtype),
            found if isinstance(found, str) else None,
        )
    _check_places(path, sorted(places), size - first)
    return entries


def _checked(path: Path, name: str, told: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    """An array's type, shape and place, from what the header says of it."""
    told = told if isinstance(told, dict) else {}
    kind, shape, place = told.get("dtype"), told.get("shape"), told.get("data_offsets")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _damaged(path, f"array {name[:80]!r} is of type {str(kind)[:20]!r}, which is unknown")
    if not _are_sizes(shape) or not _are_sizes(place) or len(place) != 2:
        raise _damaged(path, f"array {name[:80]!r} has no shape, or no place")
    start, end = place
    if math.prod(shape) * np.dtype(_TYPES[kind]).itemsize != end - start:
        raise _damaged(path, f"array {name[:80]!r} has another number of bytes than its shape")
    return _TYPES[kind], tuple(shape), (start, end)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)


def _check_places(path: Path, places: list[tuple[int, int]], size: int) -> None:
    end = 0
    for start, behind in places:
        if start != end:
            raise _damaged(path, "its arrays overlap, or there is something between them")
        end = behind
    if end != size:
        raise _damaged(path, f"its arrays take {end:,} bytes, and {size:,} are there")


def _values(file: BinaryIO, start: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    value = np.empty(math.prod(shape), dtype)
    file.seek(start)
    if file.readinto(value.view(np.uint8).data) != value.nbytes:  # type: ignore[attr-defined]
        raise EOFError("the file ended before the array did")
    # The file's numbers begin with their lowest byte.
    return (value if sys.byteorder == "little" else value.byteswap()).reshape(shape)


def _damaged(path: Path, what: str) -> DamagedFileError:
    return DamagedFileError(
        f"{path} is no sound safetensors file: {what}. It is damaged or cut off; use a copy of it."
    )
