"""Objects as plain data in Keras's form."""

from __future__ import annotations

import inspect
from typing import Any

from lamina.core import registry

_PLAIN = (str, int, float, bool, type(None))


def serialize_keras_object(obj: Any) -> Any:
    """`obj` as plain data, which `deserialize_keras_object` makes an equal object of.

    Args:
        obj: a layer, model, loss or another object with `get_config`; a function; an array, a
            tensor, bytes, a slice; a number, a string, None; or lists, tuples and dictionaries of
            these. A function is its name: code is never stored.

    Returns:
        Numbers, strings, lists and dictionaries. An object is
        `{"module", "class_name", "config", "registered_name"}`.

    Raises:
        TypeError: if there is something in it that has no such form.

    Example:
        >>> import lamina
        >>> serialize_keras_object(lamina.initializers.Constant(2.0))["config"]
        {'value': 2.0}
    """
    if isinstance(obj, dict):
        return {key: serialize_keras_object(one) for key, one in obj.items()}
    if isinstance(obj, (list, tuple)):
        return type(obj)(serialize_keras_object(one) for one in obj)
    found = registry.serialize(obj)
    if inspect.isfunction(obj) and isinstance(found, str):
        # One of ours, which Keras lists among the functions without a module.
        return registry.function_config(found)
    _refuse_others(found)
    return found


def _refuse_others(value: Any) -> None:
    if isinstance(value, dict):
        for one in value.values():
            _refuse_others(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _refuse_others(one)
    elif not isinstance(value, _PLAIN):
        raise TypeError(
            f"{value!r} of type {type(value).__name__} cannot be made plain data: give its class "
            "a method `get_config` that returns the constructor's arguments."
        )
