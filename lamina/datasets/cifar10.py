"""CIFAR-10: 60,000 small pictures of 10 kinds of things."""

from lamina.datasets.cifar import read_batches
from lamina.datasets.splits import Split
from lamina.utils.files import get_file

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
_FOLDER = "cifar-10-batches-py"


def load_data() -> tuple[Split, Split]:
    """Load CIFAR-10: 50,000 colour pictures for training and 10,000 for testing.

    The classes are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
    8 ship, 9 truck.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; the pictures are uint8 of shape (n, 32, 32, 3)
        with values 0 to 255, or (n, 3, 32, 32) where `image_data_format()` is channels_first;
        the labels uint8 of shape (n, 1).

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not the data set.

    The archive holds pickles; they are read without `pickle`, so nothing in them can run. Where
    Keras extracts the archive, here its hash is checked and it is read every time.

    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    # The name that Keras has for the archive, so that one download serves both.
    archive = get_file(f"{_FOLDER}-target_archive", _ORIGIN, file_hash=_SHA256)
    train = [f"{_FOLDER}/data_batch_{number}" for number in range(1, 6)]
    parts = read_batches(archive, (train, [f"{_FOLDER}/test_batch"]), "labels")
    (x_train, y_train), (x_test, y_test) = parts
    return (x_train, y_train.astype("uint8")), (x_test, y_test.astype("uint8"))
