"""NumPy's `.npz` files, read without `pickle` even where their arrays hold lists."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.datasets.pickles import read_pickle
from lamina.utils.archives import damage_named

# An array of the data sets here has at most 47 MB.
_MOST_BYTES = 2**28
_HEADER = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|\x02\x00....)"
    rb"\{'descr': '([<>|]?[biufO]\d?)', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18}L?(?:, ?|(?=\))))*)\),? *\} *\n",
    re.DOTALL,
)


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
    kind, columns, shape, start = _header(content, name)
    if kind.char == "O":
        found = read_pickle(content[start:])
        if not isinstance(found, np.ndarray) or (found.shape, found.dtype) != (shape, kind):
            raise ValueError(f"{name} does not hold the array that its header tells of")
        return found
    flat = np.frombuffer(content, kind, offset=start)
    return flat.reshape(shape, order="F" if columns else "C").copy()


def _header(content: bytes, name: str) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    """The type of an array, whether it is stored by columns, its shape, and where it begins.

    NumPy would have Python's compiler read the header; a pattern knows no more than is wanted.
    """
    found = _HEADER.match(content)
    if not found:
        raise ValueError(f"{name} has no header, or that of other things than numbers or lists")
    kind, columns, shape = (part.decode() for part in found.groups())
    sizes = tuple(int(size) for size in re.findall(r"\d+", shape))
    return np.dtype(kind), columns == "True", sizes, found.end()
