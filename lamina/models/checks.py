"""The arguments of `fit`, held to their ranges before anything starts."""

from __future__ import annotations

import warnings
from typing import Any

from lamina.backend.config import settings


def check_fit(
    epochs: Any, initial_epoch: Any, batch_size: Any, validation_split: Any, validation_freq: Any
) -> None:
    """Refuse arguments out of range.

    Raises:
        ValueError: names the argument, its range, and what came.
    """
    _whole("epochs", epochs, 0)
    _whole("initial_epoch", initial_epoch, 0)
    if batch_size is not None:
        _whole("batch_size", batch_size, 1)
    if initial_epoch > epochs:
        raise ValueError(
            f"fit counts epochs from initial_epoch={initial_epoch} up to epochs={epochs}, so "
            "epochs is the number to stop at: it must not be below initial_epoch."
        )
    if not 0 <= validation_split < 1:
        raise ValueError(
            f"validation_split is a share of the rows, from 0 to below 1, not {validation_split!r}."
        )
    check_freq(validation_freq)


def limited(epochs: int) -> int:
    """`epochs`, with a warning no more than `lamina.config.max_epochs()`."""
    limit = settings.max_epochs
    if limit is None or epochs <= limit:
        return epochs
    warnings.warn(
        f"Training is limited to {limit} epochs: see lamina.config.set_max_epochs.", stacklevel=4
    )
    return limit


def check_freq(validation_freq: Any) -> None:
    """Refuse a `validation_freq` that is neither a number of epochs nor a list of epochs."""
    if not isinstance(validation_freq, (list, tuple, set)):
        _whole("validation_freq", validation_freq, 1)


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ValueError(f"{name} is a whole number of at least {least}, not {value!r}.")
