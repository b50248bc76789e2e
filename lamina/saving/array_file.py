"""Arrays in one file, by name: raw bytes, whatever the type of the elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from lamina.saving import h5


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a new file.

    Args:
        path: the file.
        arrays: arrays of numbers by name; the names hold no "/".
    """
    # By a file of Python's: HDF5's own fails to close, and may crash, where the disk is full.
    with open(path, "w+b") as raw_file, h5.File(raw_file, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=raw(array))


def read_array(file: Any, name: str, dtype: str, shape: Sequence[int]) -> np.ndarray:
    """One array of a file that `open_arrays` opened.

    Args:
        file: the file.
        name: the array's name.
        dtype: the name of its element type.
        shape: its shape.

    Raises:
        ValueError: the file has no plain array of that name and size.
    """
    # A link could lead out of the file: nothing is opened that is not inside.
    link = file.get(name, getlink=True)
    found: Any = file[name] if isinstance(link, h5.HardLink) else None
    made = _dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * made.itemsize
    inside = isinstance(found, h5.Dataset) and not (found.is_virtual or found.external)
    if not inside or found.dtype != np.uint8 or found.shape != (size,):
        raise ValueError(f"it has no array {name!r} of {size} bytes")
    held = np.empty(size, np.uint8)
    if size:
        found.read_direct(held)
    return held.view(made).reshape(tuple(shape))


def open_arrays(path: Path) -> Any:
    """The file, to be read by `read_array` in a `with` block."""
    return h5.File(path, "r")


def raw(array: np.ndarray) -> np.ndarray:
    """The bytes of an array, in the order of its elements."""
    own_order = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.ascontiguousarray(own_order).reshape(-1).view(np.uint8)


def is_numeric(dtype: np.dtype) -> bool:
    """Whether arrays of the type can be written: numbers and booleans, the small floats too."""
    return dtype.kind in "biufc" or dtype.type.__module__ == "ml_dtypes"


def _dtype(name: str) -> np.dtype:
    found = np.dtype(getattr(ml_dtypes, name, name))
    if not is_numeric(found):
        raise ValueError(f"{name!r} is no type of numbers")
    return found
