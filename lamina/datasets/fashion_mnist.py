"""Fashion-MNIST: 70,000 pictures of clothes."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamina.datasets.splits import Split
from lamina.utils.files import get_file

_FOLDER = "datasets/fashion-mnist"
_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FILES = {
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
}


def load_data() -> tuple[Split, Split]:
    """Load Fashion-MNIST: 60,000 pictures for training and 10,000 for testing.

    The classes are 0 T-shirt or top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
    7 sneaker, 8 bag, 9 ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; the images are uint8 of shape (n, 28, 28) with
        values 0 to 255, the labels uint8 of shape (n,) with values 0 to 9.

    Raises:
        DownloadError: a file could not be fetched. It is an `OSError`.
        ValueError: a downloaded file is not that of the data set.

    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", 2017; MIT licence, Zalando SE.
    """
    arrays = [
        read_idx(get_file(name, _BASE + name, file_hash=sha256, cache_subdir=_FOLDER))
        for name, sha256 in _FILES.items()
    ]
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of bytes.

    The format: two zero bytes, the type (8: uint8), the number of dimensions, each dimension as
    a big-endian 32-bit number, then the values.

    Args:
        path: the file.

    Returns:
        Its array.

    Raises:
        ValueError: the file is damaged or of another type.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}). Delete it and load again.") from error
    head = 4 + 4 * content[3] if content.startswith(b"\0\0\x08") and len(content) > 3 else 0
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, head, 4)]
    if not head or len(content) != head + math.prod(shape):
        raise ValueError(f"{path} is no IDX file of bytes, or is cut off. Delete it, load again.")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)
