"""MNIST: 70,000 handwritten digits."""

import sys
from pathlib import Path

from lamina.datasets.npz import read_npz
from lamina.datasets.splits import Split
from lamina.utils.download import DownloadError
from lamina.utils.files import get_file

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_SHIPPED = Path(__file__).with_name("mnist.npz")


def load_data(path: str = "mnist.npz") -> tuple[Split, Split]:
    """Load the MNIST digits: 60,000 for training and 10,000 for testing.

    Args:
        path: the name of the file in the `datasets` folder of the cache.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; the images are uint8 of shape (n, 28, 28) with
        values 0 to 255, the labels uint8 of shape (n,) with values 0 to 9.

    Raises:
        ValueError: the downloaded file is not the data set.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, y_test.shape
        ((60000, 28, 28), (10000,))

    Where the download cannot be reached, the copy that comes with the library is used, and a
    line on stderr says so: its test part is exact, and in its training part pixels of value 1
    read 0.

    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits";
    CC BY-SA 3.0.
    """
    try:
        file: str | Path = get_file(path, _ORIGIN, file_hash=_SHA256)
    except DownloadError:
        print("MNIST is not within reach: using the copy that Lamina ships.", file=sys.stderr)
        file = _SHIPPED
    x_train, y_train, x_test, y_test = read_npz(file, "x_train", "y_train", "x_test", "y_test")
    return (x_train, y_train), (x_test, y_test)
