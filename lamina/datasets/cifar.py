"""What CIFAR-10 and CIFAR-100 share: a tar of pickled batches of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.config import image_data_format
from lamina.datasets.pickles import read_pickle
from lamina.datasets.splits import Split
from lamina.utils.archives import damage_named, read_tar

# All batches of either have 186 MB.
_MOST_BYTES = 2**28
_PIXELS = 3 * 32 * 32


def read_batches(archive: str | Path, parts: Sequence[Sequence[str]], labels: str) -> list[Split]:
    """Read pictures and labels from batches in a tar archive, which is not extracted.

    Args:
        archive: the archive.
        parts: the names of the batches that make each part.
        labels: the name of the labels in a batch.

    Returns:
        For each part the pictures, uint8 of shape (n, 32, 32, 3), or (n, 3, 32, 32) where
        `image_data_format()` is channels_first; and the labels, int64 of shape (n, 1).

    Raises:
        ValueError: the archive is damaged or holds something else.
    """
    names = [name for part in parts for name in part]
    with damage_named(archive, "Delete it and load again."):
        found = read_tar(Path(archive), names, _MOST_BYTES)
        return [_part([_batch(found[name], labels) for name in part]) for part in parts]


def _batch(content: bytes, labels: str) -> Split:
    """The rows of pixels, and the labels."""
    batch = read_pickle(content)
    rows, values = (batch[name] for name in ("data", labels))
    if not isinstance(rows, np.ndarray) or (rows.dtype, rows.shape[1:]) != ("uint8", (_PIXELS,)):
        raise ValueError("a batch has no rows of pixels")
    if type(values) is not list or not set(map(type, values)) <= {int} or len(values) != len(rows):
        raise ValueError("a batch has no label for each picture")
    return rows, np.array(values, "int64")


def _part(batches: Sequence[Split]) -> Split:
    pictures: NDArray[Any] = np.concatenate([rows for rows, _ in batches])
    pictures = pictures.reshape(-1, 3, 32, 32)
    if image_data_format() == "channels_last":
        # In the order of memory too, which what takes batches of them runs through.
        pictures = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    return pictures, np.concatenate([labels for _, labels in batches]).reshape(-1, 1)
