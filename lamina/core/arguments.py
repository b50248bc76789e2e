"""What a constructor was called with: the one source of configs and of `repr`."""

from __future__ import annotations

import functools
import inspect
from typing import Any

_MISSING = inspect.Parameter.empty


@functools.cache
def signature(cls: Any) -> inspect.Signature | None:
    """The constructor's signature without `self`, read once for each class."""
    try:
        return inspect.signature(cls.__init__).replace(return_annotation=None)
    except (TypeError, ValueError):
        return None


class _Parameters:
    """A constructor's parameters, as `record` needs them.

    Attributes:
        positional: the names of those that may be given by position.
        defaults: all by name, `*name` for one that takes the rest of the positions.
        required: the names of those without a default.
        rest: `*name`, or None.
        open: whether any other keyword is taken.
    """

    def __init__(self, parameters: list[inspect.Parameter]) -> None:
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.positional = [p.name for p in parameters if p.kind in by_position]
        self.defaults: dict[str, Any] = {}
        self.rest: str | None = None
        self.open = False
        for one in parameters:
            if one.kind is one.VAR_POSITIONAL:
                self.rest = f"*{one.name}"
                self.defaults[self.rest] = ()
            elif one.kind is one.VAR_KEYWORD:
                self.open = True
            else:
                self.defaults[one.name] = one.default
        self.required = [name for name, value in self.defaults.items() if value is _MISSING]


@functools.cache
def _parameters(cls: Any) -> _Parameters | None:
    known = signature(cls)
    return None if known is None else _Parameters(list(known.parameters.values())[1:])


@functools.cache
def _below_own_configs(cls: Any) -> Any:
    """The first class that comes after every `get_config` of the program's own.

    None where that is the base class of all, which tells of itself.
    """
    recorded = [one for one in cls.__mro__ if issubclass(one, Recorded)]
    telling = [i for i, one in enumerate(recorded) if "get_config" in vars(one)]
    own = [i for i in telling if not recorded[i].__module__.startswith("lamina.")]
    if not own:
        return cls
    below = own[-1] + 1
    return None if below >= telling[-1] else recorded[below]


def record(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments by name, defaults included; `**kwargs` spread out.

    Arguments that do not fit are left for the constructor itself to refuse.
    """
    known = _parameters(cls)
    if known is None:
        return {}
    found = dict(known.defaults)
    found.update(zip(known.positional, args, strict=False))
    count = len(known.positional)
    if len(args) > count:
        if known.rest is None:
            return {}
        found[known.rest] = args[count:]
    if kwargs:
        twice = not kwargs.keys().isdisjoint(known.positional[: len(args)])
        if twice or not (known.open or kwargs.keys() <= known.defaults.keys()):
            return {}
        found.update(kwargs)
    return {} if any(found[name] is _MISSING for name in known.required) else found


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
        """The constructor's arguments, as attributes hold them where there are such.

        Of a program's own class whose `get_config` adds what that class takes: those of the class
        below it.
        """
        given = self._arguments
        cls: Any = type(self)
        below = _below_own_configs(cls)
        if below is not cls:
            known = None if below is None else _parameters(below)
            taken = {} if known is None else known.defaults
            given = {name: given.get(name, value) for name, value in taken.items()}
        found = {
            name: getattr(self, name, value)
            for name, value in given.items()
            if not name.startswith("*")
        }
        return {name: value for name, value in found.items() if value is not _MISSING}

    def __repr__(self) -> str:
        cls: Any = type(self)
        defaults = signature(cls)
        parts = []
        for name, value in self._arguments.items():
            parameter = defaults.parameters.get(name) if defaults else None
            if parameter is None or value is not parameter.default:
                parts.append(f"{name}={value!r}")
        return f"{cls.__name__}({', '.join(parts)})"


# What every layer's constructor takes, by way of `super().__init__`.
BASE_ARGUMENTS = frozenset({"name", "trainable", "dtype", "autocast"})


def made_with(cls: Any, config: dict[str, Any]) -> Any:
    """An instance by its config, of which name, types and `trainable` may be no arguments.

    A class with `def __init__(self)` has them from its base class: they are set afterwards.
    """
    known = _parameters(cls)
    set_after = ("name", "dtype", "trainable")
    if known is None or known.open or all(key in known.defaults for key in set_after):
        return cls(**config)
    left = {key: config[key] for key in set_after if key in config and key not in known.defaults}
    made = cls(**{key: value for key, value in config.items() if key not in left})
    for key, value in left.items():
        if key == "dtype":
            made.dtype_policy = value
        elif getattr(made, key) != value:
            setattr(made, key, value)
    return made


def refuse_code(name: str, config: dict[str, Any]) -> None:
    """Refuse arguments that no file could bring back.

    Raises:
        NotImplementedError: as in Keras, if one is a lambda.
    """
    for key, value in config.items():
        if getattr(value, "__name__", None) == "<lambda>":
            raise NotImplementedError(
                f"Layer {name!r} has no config: its argument {key!r} is a lambda, which has no "
                "name to find it by. Write a function and register it with "
                "keras.saving.register_keras_serializable(), or give the layer a `get_config`."
            )


# Older spellings of the input's shape, where a constructor has no argument of its own so named.
OLD_SHAPES = frozenset({"input_shape", "batch_input_shape", "batch_shape", "input_dim"})


def old_shapes(cls: Any) -> frozenset[str]:
    """The older spellings that a constructor takes by way of `**kwargs` alone."""
    explicit = signature(cls)
    return OLD_SHAPES.difference(explicit.parameters if explicit else ())


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
