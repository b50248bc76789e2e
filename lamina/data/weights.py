"""Sample weights: what class weights make of labels, and what no weight may be."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np


class ClassWeights:
    """Weights by class, to be turned into a weight for each row of labels.

    Args:
        class_weight: weight of each class id. A class without one weighs 1.
        warn: whether to warn, once, of labels without a weight.
    """

    def __init__(self, class_weight: Mapping[int, float], *, warn: bool = True) -> None:
        bad = {
            key: weight
            for key, weight in class_weight.items()
            if not np.isfinite(weight) or not float(key).is_integer()
        }
        if bad:
            raise ValueError(f"`class_weight` maps whole class ids to finite weights; got {bad}.")
        self._weights = {int(key): float(weight) for key, weight in class_weight.items()}
        self._warn = warn

    def of(self, y: Any, dtype: np.dtype) -> np.ndarray:
        """Weights for the labels `y`: ids, ids with a last dimension of 1, or one-hot rows."""
        if not isinstance(y, np.ndarray):
            raise ValueError(
                "`class_weight` needs targets that are one array of labels; got "
                f"{'none' if y is None else type(y).__name__}. For several outputs, pass "
                "`sample_weight`."
            )
        ids, places = np.unique(_class_ids(y), return_inverse=True)
        weights = np.array([self._weights.get(int(label), 1.0) for label in ids], dtype)
        lacking = [int(label) for label in ids if int(label) not in self._weights]
        if lacking and self._warn:
            self._warn = False
            warnings.warn(
                f"`class_weight` has no weight for the classes {lacking[:10]}, which the targets "
                "hold: they weigh 1.",
                stacklevel=3,
            )
        return weights[places.reshape(-1)].reshape(places.shape)

    def warn_of_unused(self, y: np.ndarray) -> None:
        """Warn of weights for classes that never occur in the whole of the labels `y`."""
        unused = sorted(set(self._weights) - set(np.unique(_class_ids(y)).tolist()))
        if unused:
            warnings.warn(
                f"`class_weight` has weights for the classes {unused[:10]}, which the targets "
                "never hold.",
                stacklevel=3,
            )


def _class_ids(y: np.ndarray) -> np.ndarray:
    if y.ndim > 1:
        y = np.argmax(y, axis=-1) if y.shape[-1] > 1 else y[..., 0]
    ids = y.astype(np.int64)
    if not np.array_equal(ids, y):
        raise ValueError(
            "`class_weight` needs targets that are whole class ids or one-hot rows; got "
            f"{y[ids != y][0]!s}."
        )
    return ids


def check_weights(array: np.ndarray, name: str) -> None:
    """Refuse weights that are not finite, by name and row; warn where all are zero."""
    finite = np.isfinite(array)
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        raise ValueError(
            f"{name} holds {array[~finite][0]!s} in row {row}; weights must be finite numbers. "
            "Give a row you want left out the weight 0."
        )
    if array.size and not array.any():
        warnings.warn(f"{name} is zero for every row: nothing can be learnt.", stacklevel=3)
