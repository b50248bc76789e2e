"""Checks of arguments and lengths that several kinds of data share."""

from typing import Any

from lamina.data.leaves import flatten
from lamina.data.source import EmptyDataError


def named_leaves(x: Any, y: Any, sample_weight: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Every array of a batch with its name, in the order of the flattened batch."""
    pairs: list[tuple[str, Any]] = []
    for value, name in ((x, "x"), (y, "y"), (sample_weight, "sample_weight")):
        leaves, names, _ = flatten(value, prefix + name)
        pairs += zip(names, leaves, strict=True)
    return pairs


def common_length(named: list[tuple[str, Any]], *, allow_empty: bool) -> int:
    """The number of rows that all the named arrays have."""
    sizes = {name: array.shape[0] for name, array in named}
    if not sizes:
        raise EmptyDataError("There is no data: `x` holds no array.")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size}" for name, size in list(sizes.items())[:12])
        raise ValueError(
            f"All arrays must have the same number of rows (their first dimension); got {listed}. "
            "Is one of them cut, or transposed?"
        )
    rows: int = next(iter(sizes.values()))
    if not rows and not allow_empty:
        name, array = named[0]
        raise EmptyDataError(
            f"There is no data: {name} has shape {tuple(array.shape)}, which is 0 rows. "
            "Was everything filtered out before?"
        )
    return rows


def check_count(value: Any, name: str) -> int:
    """`value` as a whole number of at least 1, refused by the argument's name."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ValueError(f"`{name}` must be a whole number of at least 1; got {value!r}.")
    return int(value)
