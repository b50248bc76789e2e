"""What data of the user's own says of where it stands, for a training that is to be resumed."""

import hashlib
from typing import Any

import optree

from lamina import ops
from lamina.data.source import Batch

_PAIRS = (("get_state", "set_state"), ("state_dict", "load_state_dict"))


def has_own_state(data: Any) -> bool:
    """Whether the data has `get_state` and `set_state`, or `state_dict` and `load_state_dict`."""
    return any(_has(data, pair) for pair in _PAIRS)


def own_state(data: Any) -> Any:
    """What the data says, as plain data; None where it says nothing."""
    getter = next((pair[0] for pair in _PAIRS if _has(data, pair)), None)
    return None if getter is None else getattr(data, getter)()


def set_own_state(data: Any, state: Any) -> None:
    """Give the data what it said; it is to go on with the batch after the last that was read."""
    setter = next((pair[1] for pair in _PAIRS if _has(data, pair)), None)
    if setter is not None:
        getattr(data, setter)(state)


def digest(batch: Batch) -> str:
    """A digest of all arrays in a batch."""
    found = hashlib.sha256()
    leaves: list[Any] = optree.tree_leaves(batch)
    for leaf in leaves:
        array = ops.convert_to_numpy(leaf)
        found.update(f"{array.dtype.name} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _has(data: Any, pair: tuple[str, str]) -> bool:
    return all(callable(getattr(data, name, None)) for name in pair)
