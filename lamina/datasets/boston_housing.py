"""Boston housing: prices of homes in 506 districts."""

from numpy.random import RandomState

from lamina.datasets.npz import read_npz
from lamina.datasets.splits import Split, check_test_split, shuffled, split
from lamina.utils.files import get_file

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz"
_SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """Load the Boston housing prices of the 1970s, 506 districts in all.

    Among its columns is one that the authors made of the share of black inhabitants; use
    `california_housing` for anything but to show what is wrong with that.

    Args:
        path: the name of the file in the `datasets` folder of the cache.
        test_split: the share of rows for testing, from 0 to below 1.
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; float64 of shapes (n, 13) and (n,), the prices
        in thousands of dollars.

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not the data set, or `test_split` is no share.

    D. Harrison, D. L. Rubinfeld, "Hedonic prices and the demand for clean air", Journal of
    Environmental Economics and Management 5, 1978.
    """
    check_test_split(test_split)
    file = get_file(path, _ORIGIN, file_hash=_SHA256)
    x, y = read_npz(file, "x", "y")
    return split(*shuffled(x, y, RandomState(seed)), test_split)
