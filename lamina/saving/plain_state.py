"""State, nested as Python nests it, as plain JSON and arrays beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamina import ops
from lamina.ops.operand import role_of
from lamina.saving.array_file import is_numeric

# What JSON has no form for is an object with one of these keys.
_ARRAY, _SCALAR, _FLOAT, _TUPLE, _PAIRS = "$array", "$scalar", "$float", "$tuple", "$pairs"


def flattened(value: Any, path: str = "state") -> tuple[Any, dict[str, np.ndarray]]:
    """Split state into what JSON can say and the arrays in it.

    Args:
        value: None, booleans, numbers, text and NumPy arrays, nested in lists, tuples and
            dictionaries. Tensors become arrays.
        path: what the value is called in errors.

    Returns:
        Plain data, in which an array is the number it has in the dictionary; and the dictionary.

    Raises:
        TypeError: something is neither; the message says where.

    Example:
        >>> flattened({"wait": 2, "best": float("inf"), "weights": (np.zeros(2),)})
        ({'wait': 2, 'best': {'$float': 'inf'}, 'weights': {'$tuple': [{'$array': '0'}]}}, \
{'0': array([0., 0.])})
    """
    arrays: dict[str, np.ndarray] = {}
    return _flat(value, path, arrays), arrays


def nested(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The state that `flattened` split.

    Example:
        >>> nested(*flattened({"a": (1, [np.int64(2)]), 3: None}))
        {'a': (1, [np.int64(2)]), 3: None}
    """
    if isinstance(value, list):
        return [nested(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        return arrays[value[_ARRAY]]
    if _SCALAR in value:
        return arrays[value[_SCALAR]][()]
    if _FLOAT in value:
        return float(value[_FLOAT])
    if _TUPLE in value:
        return tuple(nested(one, arrays) for one in value[_TUPLE])
    if _PAIRS in value:
        return {key: nested(one, arrays) for key, one in value[_PAIRS]}
    return {key: nested(one, arrays) for key, one in value.items()}


def _flat(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {_FLOAT: repr(value)}
    if role_of(type(value)) == "tensor":
        value = ops.convert_to_numpy(value)
    if isinstance(value, (np.ndarray, np.generic)) and is_numeric(value.dtype):
        name = str(len(arrays))
        arrays[name] = np.asarray(value)
        return {_ARRAY if isinstance(value, np.ndarray) else _SCALAR: name}
    if type(value) in (list, tuple):
        found = [_flat(one, f"{path}[{place}]", arrays) for place, one in enumerate(value)]
        return found if type(value) is list else {_TUPLE: found}
    if type(value) is dict:
        pairs = [[key, _flat(one, f"{path}[{key!r}]", arrays)] for key, one in value.items()]
        if all(type(key) is str and not key.startswith("$") for key in value):
            return dict(pairs)
        if all(type(key) in (str, int) for key in value):
            return {_PAIRS: pairs}
        path += "'s keys"
    raise TypeError(
        f"{path} is a {type(value).__module__}.{type(value).__qualname__}, which is no plain data: "
        "state consists of None, booleans, numbers, text and NumPy arrays, in lists, tuples and "
        "dictionaries."
    )
