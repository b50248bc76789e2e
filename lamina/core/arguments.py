"""What a constructor was called with: the one source of configs and of `repr`."""

from __future__ import annotations

import functools
import inspect
from typing import Any


@functools.cache
def signature(cls: Any) -> inspect.Signature | None:
    """The constructor's signature without `self`, read once for each class."""
    try:
        return inspect.signature(cls.__init__).replace(return_annotation=None)
    except (TypeError, ValueError):
        return None


def record(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments by name, defaults included; `**kwargs` spread out.

    Arguments that do not fit are left for the constructor itself to refuse.
    """
    known = signature(cls)
    if known is None:
        return {}
    try:
        bound = known.bind(None, *args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for parameter in list(known.parameters.values())[1:]:
        value = bound.arguments[parameter.name]
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update(value)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            found[f"*{parameter.name}"] = value
        else:
            found[parameter.name] = value
    return found


class _ConstructorSignature:
    """What `inspect.signature(cls)` and editors show; `__new__` hides the constructor from them."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        known = None if instance is not None else signature(owner)
        if known is None:
            raise AttributeError("__signature__")
        return known.replace(parameters=list(known.parameters.values())[1:])


class Recorded:
    """A class whose instances know what they were made with.

    `get_config` gives each constructor argument as the instance holds it now (an attribute of
    the same name), or as it was passed.
    """

    _arguments: dict[str, Any]
    __signature__ = _ConstructorSignature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        object.__setattr__(instance, "_arguments", record(cls, args, kwargs))
        return instance

    def recorded_config(self) -> dict[str, Any]:
        """The constructor's arguments, as attributes hold them where there are such."""
        return {
            name: getattr(self, name, value)
            for name, value in self._arguments.items()
            if not name.startswith("*")
        }

    def __repr__(self) -> str:
        cls: Any = type(self)
        defaults = signature(cls)
        parts = []
        for name, value in self._arguments.items():
            parameter = defaults.parameters.get(name) if defaults else None
            if parameter is None or value is not parameter.default:
                parts.append(f"{name}={value!r}")
        return f"{cls.__name__}({', '.join(parts)})"


# Older spellings of the input's shape, where a constructor has no argument of its own so named.
OLD_SHAPES = frozenset({"input_shape", "batch_input_shape", "batch_shape", "input_dim"})


def old_input_shape(kwargs: dict[str, Any]) -> tuple[int | None, ...] | None:
    """The batch shape in the older spellings `input_shape=`, `batch_input_shape=`, `input_dim=`."""
    if "batch_input_shape" in kwargs:
        return tuple(kwargs.pop("batch_input_shape"))
    if "batch_shape" in kwargs:
        return tuple(kwargs.pop("batch_shape"))
    if "input_shape" in kwargs:
        shape = kwargs.pop("input_shape")
        return (None, *((shape,) if isinstance(shape, int) else shape))
    if "input_dim" in kwargs:
        return (None, kwargs.pop("input_dim"))
    return None
