"""Sequences of different lengths to one rectangular array."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> NDArray[Any]:
    """Bring sequences to one length: shorter ones are padded, longer ones cut.

    Args:
        sequences: a list of sequences; each holds numbers, or arrays of one common shape.
        maxlen: the length of every result row; by default that of the longest sequence.
        dtype: the type of the result; `object` for strings of different lengths.
        padding: `"pre"` pads before the values, `"post"` after them.
        truncating: `"pre"` drops values from the start, `"post"` from the end.
        value: what to pad with.

    Returns:
        An array of shape `(len(sequences), maxlen, ...)`.

    Raises:
        ValueError: an argument has none of the allowed values, or a sequence has another shape.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]])
        array([[0, 0, 1],
               [0, 2, 3],
               [4, 5, 6]], dtype=int32)
        >>> pad_sequences([[1], [4, 5, 6]], maxlen=2, padding="post", truncating="post")
        array([[1, 0],
               [4, 5]], dtype=int32)
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} is 'pre' or 'post', not {choice!r}.")
    _check_value(value, np.dtype(dtype))
    lengths = _lengths(sequences)
    length = max(lengths) if maxlen is None else maxlen
    if length < 0:
        raise ValueError(f"pad_sequences: maxlen cannot be negative, but is {maxlen}.")
    shape = _item_shape(sequences)
    result = np.full((len(sequences), length, *shape), value, dtype=dtype)
    for position, sequence in enumerate(sequences):
        size = min(lengths[position], length)
        if size == 0:
            continue
        kept = sequence[-size:] if truncating == "pre" else sequence[:size]
        row = np.asarray(kept, dtype=dtype)
        if row.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences: the items of sequence {position} have shape {row.shape[1:]}, "
                f"but those of the first sequence that is not empty have {shape}."
            )
        if padding == "pre":
            result[position, length - size :] = row
        else:
            result[position, :size] = row
    return result


def _check_value(value: Any, dtype: np.dtype[Any]) -> None:
    if isinstance(value, str) and dtype.kind not in "OU":
        raise ValueError(
            f"pad_sequences: the value {value!r} does not fit the dtype {dtype}. "
            "Pass dtype=object for strings."
        )


def _lengths(sequences: Sequence[Any]) -> list[int]:
    """The length of each sequence; an error names what is none."""
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            "pad_sequences: sequences must be a list of sequences, "
            f"not {type(sequences).__name__}. Call list() on a generator first."
        )
    if len(sequences) == 0:
        raise ValueError("pad_sequences: sequences is empty; there is nothing to pad.")
    for position, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(
                f"pad_sequences: each item of sequences must itself be a list, "
                f"but item {position} is {sequence!r:.60}."
            )
    return [len(sequence) for sequence in sequences]


def _item_shape(sequences: Sequence[Any]) -> tuple[int, ...]:
    """The shape of one item, read from the first sequence that is not empty."""
    first = next((sequence for sequence in sequences if len(sequence)), None)
    return () if first is None else np.asarray(first).shape[1:]
