"""NumPy's `.npz` files, read without `pickle` even where their arrays hold lists."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lamina.datasets.pickles import read_pickle
from lamina.utils.archives import damage_named

# An array of the data sets here has at most 47 MB.
_MOST_BYTES = 2**28
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: str | Path, *names: str) -> list[NDArray[Any]]:
    """Read arrays of numbers, or of lists of numbers, from a `.npz` file.

    Args:
        path: the file.
        names: the names of the arrays in it.

    Returns:
        The arrays, in the order of the names.

    Raises:
        ValueError: the file is damaged, lacks an array, or holds something else.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "numbers.npz")
        >>> np.savez(path, x=np.arange(3))
        >>> [array.tolist() for array in read_npz(path, "x")]
        [[0, 1, 2]]
    """
    with damage_named(path, "Delete it and load again."), zipfile.ZipFile(path) as archive:
        return [_read(archive, f"{name}.npy") for name in names]


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    member = archive.getinfo(name)
    if member.file_size > _MOST_BYTES:
        raise ValueError(f"{name} takes {member.file_size} bytes; at most {_MOST_BYTES} are read")
    content = archive.read(member)
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"{name} is of version {version} of the format; known are 1.0 and 2.0")
    shape, columns, kind = _HEADERS[version](stream)
    if kind.char == "O":
        found = read_pickle(content[stream.tell() :])
        if not isinstance(found, np.ndarray) or (found.shape, found.dtype) != (shape, kind):
            raise ValueError(f"{name} does not hold the array that its header tells of")
        return found
    if kind.kind not in "biuf":
        raise ValueError(f"{name} is of type {kind!s:.60}; numbers are expected")
    flat = np.frombuffer(content, kind, offset=stream.tell())
    return flat.reshape(shape, order="F" if columns else "C").copy()
