"""Setting the last rows of arrays aside for validation."""

from typing import Any

import numpy as np

from lamina.data.checks import common_length
from lamina.data.leaves import flatten, is_array_like, to_array


def split_validation(data: Any, validation_split: float) -> tuple[Any, Any]:
    """Split arrays into training rows and the last rows, for validation.

    The first `floor(rows * (1 - validation_split))` rows train; the rest validate. The split is
    made before any shuffling.

    Args:
        data: an array or a nested tuple, list or dict of arrays; None stays None.
        validation_split: the fraction of rows that validate, between 0 and 1.

    Returns:
        Training data and validation data, each in the structure of `data`.

    Raises:
        ValueError: `data` holds something that is no array (a generator, a dataset), lengths
            differ, the fraction is not between 0 and 1, or one part would be empty.

    Example:
        >>> split_validation((np.arange(5), None), 0.4)
        ((array([0, 1, 2]), None), (array([3, 4]), None))
    """
    if not 0 < validation_split < 1:
        raise ValueError(f"`validation_split` must lie between 0 and 1; got {validation_split!r}.")
    leaves, names, structure = flatten(data, "data")
    for leaf in leaves:
        if not (is_array_like(leaf) or isinstance(leaf, (list, tuple))):
            raise ValueError(
                "`validation_split` works on arrays in memory only; got a "
                f"{type(leaf).__name__}. Pass `validation_data` instead."
            )
    arrays = [to_array(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
    rows = common_length(list(zip(names, arrays, strict=True)), allow_empty=False)
    cut = _cut(rows, validation_split)
    train: Any = structure.unflatten([array[:cut] for array in arrays])
    validation: Any = structure.unflatten([array[cut:] for array in arrays])
    return train, validation


def _cut(rows: int, fraction: float) -> int:
    cut = int(np.floor(rows * (1.0 - fraction)))
    if cut == 0 or cut == rows:
        raise ValueError(
            f"`validation_split={fraction}` of {rows} rows leaves {cut} for training and "
            f"{rows - cut} for validation; both need at least one. Pass more data or another "
            "fraction."
        )
    return cut
