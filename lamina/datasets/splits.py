"""A data set in another order, and in two parts."""

from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Split = tuple[NDArray[Any], NDArray[Any]]


def shuffled(x: NDArray[Any], y: NDArray[Any], random: RandomState) -> Split:
    """The rows of both arrays in one new order.

    `RandomState` is NumPy's old generator, whose numbers never change: the order is Keras's.
    """
    if len(x) != len(y):
        raise ValueError(f"the file has {len(x)} rows and {len(y)} labels; delete it, load again.")
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def check_test_split(test_split: float, all_allowed: bool = False) -> None:
    """Refuse a share of the test part that is none."""
    if not (0 <= test_split < 1 or (all_allowed and test_split == 1)):
        raise ValueError(
            f"load_data: test_split is the share of rows kept for testing, from 0 to "
            f"{'1' if all_allowed else 'below 1'}, not {test_split}."
        )


def split(x: NDArray[Any], y: NDArray[Any], test_split: float) -> tuple[Split, Split]:
    """All rows but the last, which are a share of `test_split`, and those."""
    end = int(len(x) * (1 - test_split))
    return (x[:end], y[:end]), (x[end:], y[end:])
