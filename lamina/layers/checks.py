"""What constructors make of sizes and rates: one form of each, or an error that names it."""

from __future__ import annotations

import numbers
import operator
from typing import Any

import numpy as np

from lamina.backend.config import standardize_data_format


def integer(value: Any, least: int = 0) -> int | None:
    """`value` as an `int`, or None where it is no integer of at least `least`."""
    if isinstance(value, bool):
        return None
    try:
        found = operator.index(value)
    except TypeError:
        return None
    return found if found >= least else None


def positive(name: str, value: Any) -> int:
    """`value` as an integer of at least 1."""
    found = integer(value, 1)
    if found is None:
        raise ValueError(f"{name} is an integer of at least 1, not {value!r}.")
    return found


def sizes(name: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """One integer for each of `rank` dimensions, from one for all or one for each."""
    given = value if isinstance(value, (list, tuple)) else (value,) * rank
    found = tuple(one for one in (integer(each, least) for each in given) if one is not None)
    if len(found) != rank or len(given) != rank:
        each = "1 integer" if rank == 1 else f"1 or {rank} integers"
        raise ValueError(f"{name} is {each} of at least {least}, not {value!r}.")
    return found


def strides_or_dilation(
    strides: tuple[int, ...], dilation: tuple[int, ...], given: Any, given_dilation: Any
) -> None:
    """Refuse strides and dilation that are both above 1, in the user's spelling of them."""
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(
            f"strides={given!r} and dilation_rate={given_dilation!r} cannot both be above 1."
        )


def fraction(name: str, value: Any) -> float:
    """`value`, a number from 0 to 1."""
    found = number(value)
    if found is None or not 0 <= found <= 1:
        raise ValueError(f"{name} is a number from 0 to 1, not {value!r}.")
    return found


def number(value: Any) -> float | None:
    """`value` as a number of Python's, from NumPy's and from arrays of one number too; None where
    it is no real number.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    return value if isinstance(value, (int, float)) else float(value)


def only_none(layer: str, **arguments: Any) -> None:
    """Refuse arguments that are taken for Keras's sake and have no meaning here.

    Raises:
        ValueError: names the argument that is not None.
    """
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"{layer} takes {name}=None only, not {value!r}: quantization is no argument of "
                "a layer here."
            )


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """`value` in lower case, one of the words `allowed`."""
    word = value.lower() if isinstance(value, str) else value
    if word not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}.")
    return str(word)


def channel_axis(data_format: str) -> int:
    """Where the channels are: axis 1 or the last."""
    return 1 if data_format == "channels_first" else -1


def spatial_axes(data_format: str, rank: int) -> tuple[int, ...]:
    """The axes between batch and channels, or after both."""
    first = 2 if data_format == "channels_first" else 1
    return tuple(range(first, first + rank))


__all__ = [
    "channel_axis",
    "fraction",
    "integer",
    "number",
    "one_of",
    "only_none",
    "positive",
    "sizes",
    "spatial_axes",
    "standardize_data_format",
]
