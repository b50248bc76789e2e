"""Values that JSON has no form for, as the tagged dictionaries that Keras writes them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lamina import ops
from lamina.ops.operand import role_of
from lamina.symbolic.tensor import KerasTensor

_TAGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__bytes__": lambda config: config["value"].encode(),
    "__ellipsis__": lambda config: ...,
    "__keras_tensor__": lambda config: KerasTensor(config["shape"], config["dtype"]),
    "__numpy__": lambda config: np.array(config["value"], _numeric(config["dtype"])),
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__tensor__": lambda config: ops.convert_to_tensor(config["value"], config["dtype"]),
}


def _numeric(dtype: Any) -> np.dtype:
    """A type of plain numbers: one of texts may ask for any number of bytes an element."""
    # NumPy reads other texts as descriptions of compound types, by Python's own compiler.
    if not isinstance(dtype, str) or not dtype.isalnum():
        raise ValueError(f"{dtype!r} is not the name of a type of numbers.")
    found: np.dtype = np.dtype(dtype)
    if found.kind not in "biufcV":
        raise ValueError(f"{dtype!r} is no type of the numbers of an array.")
    return found


def tagged(value: Any) -> Any:
    """`value` as plain data where it is an array, a tensor, bytes, a slice or `...`; else itself.

    Example:
        >>> tagged(slice(1, 4))
        {'class_name': '__slice__', 'config': {'start': 1, 'stop': 4, 'step': None}}
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes):
        return _tag("__bytes__", value=value.decode())
    if isinstance(value, slice):
        return _tag("__slice__", start=value.start, stop=value.stop, step=value.step)
    if value is ...:
        return _tag("__ellipsis__")
    if isinstance(value, KerasTensor):
        return _tag("__keras_tensor__", shape=value.shape, dtype=value.dtype, keras_history=None)
    if isinstance(value, np.ndarray):
        return _tag("__numpy__", value=value.tolist(), dtype=value.dtype.name)
    if role_of(type(value)) == "tensor":
        values = ops.convert_to_numpy(value).tolist()
        return _tag("__tensor__", value=values, dtype=ops.dtype(value))
    return value


def _tag(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": name, "config": config}


def is_tagged(value: Any) -> bool:
    """Whether `value` is what `tagged` makes."""
    return isinstance(value, dict) and value.get("class_name") in _TAGS


def _is_place(value: dict[str, Any]) -> bool:
    """Whether a tag stands for a tensor in the graph of a model, whose config is around it."""
    return value["class_name"] == "__keras_tensor__" and bool(value["config"].get("keras_history"))


def untagged(value: Any) -> Any:
    """`value`, which may be nested, with what `tagged` made back in its place.

    Example:
        >>> untagged([1, tagged(slice(1, 4))])
        [1, slice(1, 4, None)]
    """
    if is_tagged(value) and not _is_place(value):
        return _TAGS[value["class_name"]](untagged(value["config"]))
    if isinstance(value, dict):
        return {key: untagged(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(untagged(one) for one in value)
    return value
