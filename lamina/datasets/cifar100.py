"""CIFAR-100: 60,000 small pictures of 100 kinds of things, in 20 groups."""

from lamina.datasets.cifar import read_batches
from lamina.datasets.splits import Split
from lamina.utils.files import get_file

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
_FOLDER = "cifar-100-python"


def load_data(label_mode: str = "fine") -> tuple[Split, Split]:
    """Load CIFAR-100: 50,000 colour pictures for training and 10,000 for testing.

    Args:
        label_mode: `"fine"` for the 100 classes, `"coarse"` for the 20 groups of them.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; the pictures are uint8 of shape (n, 32, 32, 3)
        with values 0 to 255, or (n, 3, 32, 32) where `image_data_format()` is channels_first;
        the labels int64 of shape (n, 1).

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not the data set, or `label_mode` is unknown.

    The archive holds pickles; they are read without `pickle`, so nothing in them can run. Where
    Keras extracts the archive, here its hash is checked and it is read every time.

    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"load_data: label_mode must be 'fine' or 'coarse', not {label_mode!r}.")
    # The name that Keras has for the archive, so that one download serves both.
    archive = get_file(f"{_FOLDER}-target_archive", _ORIGIN, file_hash=_SHA256)
    parts = ([f"{_FOLDER}/train"], [f"{_FOLDER}/test"])
    train, test = read_batches(archive, parts, f"{label_mode}_labels")
    return train, test
