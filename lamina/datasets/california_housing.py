"""California housing: prices of homes in 20,640 districts."""

from numpy.random import RandomState

from lamina.datasets.npz import read_npz
from lamina.datasets.splits import Split, check_test_split, shuffled, split
from lamina.utils.files import get_file

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz"
_SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_ROWS = {"large": None, "small": 600}


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Split, Split]:
    """Load the California housing prices of the census of 1990.

    The columns are the median income, the median age of the houses, rooms a household, bedrooms
    a household, inhabitants, inhabitants a household, latitude and longitude.

    Args:
        version: `"large"`, all 20,640 rows, or `"small"`, the first 600 of them.
        path: the name of the file in the `datasets` folder of the cache.
        test_split: the share of rows for testing, from 0 to below 1.
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; float32 of shapes (n, 8) and (n,), the prices in
        dollars.

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not the data set, `version` is unknown, or `test_split` is no
            share.

    R. K. Pace, R. Barry, "Sparse spatial autoregressions", Statistics and Probability Letters
    33, 1997.
    """
    if version not in _ROWS:
        raise ValueError(f"load_data: version must be 'large' or 'small', not {version!r}.")
    check_test_split(test_split)
    file = get_file(path, _ORIGIN, file_hash=_SHA256)
    x, y = (array[: _ROWS[version]] for array in read_npz(file, "x", "y"))
    return split(*shuffled(x, y, RandomState(seed)), test_split)
