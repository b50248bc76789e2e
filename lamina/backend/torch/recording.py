"""What PyTorch is asked to do while a function runs, noted as the lines of a program.

`ElementProgram` is a formula of an optimizer, `repetition.py` has whole steps of training.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode, _get_current_function_mode

F = TypeVar("F", bound=Callable[..., Any])

ELEMENTWISE = frozenset(
    [
        *("abs", "absolute", "add", "clamp", "clip", "div", "divide", "eq", "exp", "floor", "ge"),
        *("gt", "isfinite", "isnan", "le", "lerp", "log", "log1p", "logical_and", "logical_not"),
        *("logical_or", "lt", "maximum", "minimum", "mul", "multiply", "ne", "neg", "negative"),
        *("pow", "radd", "reciprocal", "rmul", "rpow", "rsqrt", "rsub", "rtruediv", "sigmoid"),
        *("sign", "sqrt", "square", "sub", "subtract", "tanh", "to", "true_divide", "truediv"),
        *("where", "device", "dtype", "is_floating_point", "requires_grad"),
    ]
)


class NotRecordable(Exception):
    """A function did what no program can repeat."""


class Recorder(TorchFunctionMode):
    """While it is entered, every call of PyTorch is noted by `note`.

    Attributes:
        constants: what the lines name that is no argument and no result of theirs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.constants: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._alive: list[Any] = []  # so that nothing else gets the identity of what has a name

    def take(self, value: Any, name: str | None = None) -> str:
        """Give `value` a name."""
        name = name or f"t{len(self._alive)}"
        self._names[id(value)] = name
        self._alive.append(value)
        return name

    def name_of(self, value: Any) -> str | None:
        return self._names.get(id(value))

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        # An attribute's name is that of what it is got from.
        named = function.__self__ if function.__name__ in ("__get__", "__set__") else function
        self.note(function, named.__name__, args, kwargs, result)
        return result

    def note(self, function: Any, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Note a call, or raise `NotRecordable`."""
        raise NotRecordable(f"{name} is not noted")

    def opaque(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function`, noted as one call whatever it does."""
        raise NotRecordable(f"{function.__name__} is not of PyTorch")

    def refuse(self, reason: str) -> None:
        """Note that something happens which no program can repeat."""
        raise NotRecordable(reason)

    def call(self, function: Any, args: Any, kwargs: Mapping[str, Any]) -> str:
        """A call as it stands in the program."""
        given = [self._text(one) for one in args]
        given += [f"{name}={self._text(one)}" for name, one in kwargs.items()]
        return f"{self._text(function)}({', '.join(given)})"

    def _text(self, value: Any) -> str:
        known = self._names.get(id(value))
        if known is not None:
            return known
        if type(value) in (list, tuple):
            parts = "".join(f"{self._text(one)}, " for one in value)
            return f"({parts})"
        if isinstance(value, slice) and tensors_in((value.start, value.stop, value.step)):
            raise NotRecordable("a slice looks at values")
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name


_current_mode: Callable[[], Any] = _get_current_function_mode


def opaque(function: F) -> F:
    """Have `function` noted as one call, where calls are."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        mode = _current_mode()
        return mode.opaque(function, *args) if isinstance(mode, Recorder) else function(*args)

    return call  # type: ignore[return-value]


def refuse(reason: str) -> None:
    """Say that what happens now cannot be recorded, where calls are."""
    mode = _current_mode()
    if isinstance(mode, Recorder):
        mode.refuse(reason)


def in_place(name: str) -> bool:
    """Whether a function of this name changes its first argument."""
    return bool(re.fullmatch(r"\w*[^_]_|__i(?!nit|nvert|nt__|ndex)\w+__|__setitem__", name))


def tensors_in(values: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among `values`, and in lists and tuples there."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += tensors_in(value)
    return found


def define(name: str, parameters: Sequence[str], lines: Sequence[str], space: Any) -> Any:
    """The function `name` of these parameters and lines, whose other names are in `space`."""
    text = "\n    ".join([f"def {name}({', '.join(parameters)}):", *lines])
    exec(compile(text, f"<lamina.{name}>", "exec"), space)
    return space[name]


class ElementProgram:
    """A formula `update(gradient, parameter, slots, *shared) -> (parameter, changed slots)`.

    Args:
        update: the formula.
        gradient: one element of it, or None.
        parameter: one element of it.
        slots: one element of each.
        shared: scalars.

    Attributes:
        takes_gradient: whether there is a gradient.
        head: of the shared scalars, what is computed of them alone.
        body: of head's result, gradient, parameter and slots, the new parameter and slots.
        changed: the names of the slots that the body returns.

    Raises:
        NotRecordable: if the formula does not work element by element.
    """

    def __init__(
        self,
        update: Callable[..., Any],
        gradient: torch.Tensor | None,
        parameter: torch.Tensor,
        slots: Mapping[str, torch.Tensor],
        shared: Sequence[torch.Tensor],
    ) -> None:
        self.takes_gradient = gradient is not None
        recorder = _ElementRecorder()
        elements = [gradient, parameter, *slots.values()]
        inputs = [recorder.take(one, f"x{i}") for i, one in enumerate(elements)]
        scalars = [recorder.take(one, f"s{i}") for i, one in enumerate(shared)]
        recorder.scalars.update(dict.fromkeys(scalars))
        with recorder:
            new, changed = update(gradient, parameter, slots, *shared)
        self.changed = list(changed)
        results = [recorder.name_of(one) for one in (new, *changed.values())]
        if any(one is None or one in recorder.scalars for one in results):
            raise NotRecordable("a result does not depend on the elements")
        kept = "".join(f"{name}, " for name in recorder.scalars)
        returned = "".join(f"{name}, " for name in results)
        space = recorder.constants
        self.head = define("head", scalars, [*recorder.head, f"return ({kept})"], space)
        lines = [f"({kept}) = computed", *recorder.body, f"return ({returned})"]
        self.body = define("body", ["computed", *inputs], lines, space)


class _ElementRecorder(Recorder):
    """Notes what is done with elements, and apart from it what is done with scalars alone."""

    def __init__(self) -> None:
        super().__init__()
        self.head: list[str] = []
        self.body: list[str] = []
        self.scalars: dict[str, None] = {}

    def note(self, function: Any, name: str, args: Any, kwargs: Any, result: Any) -> None:
        names = [self.name_of(one) for one in tensors_in((args, *kwargs.values()))]
        known = [one for one in names if one is not None]
        if not known:
            return  # a constant
        shared = all(one in self.scalars for one in known)
        if not shared and name.strip("_") not in ELEMENTWISE:
            raise NotRecordable(f"{name} does not work element by element")
        if in_place(name) or isinstance(result, (tuple, list)):
            raise NotRecordable(f"{name} is not a function of one result")
        if isinstance(result, torch.Tensor) and self.name_of(result) is None:
            line = f"{self.take(result)} = {self.call(function, args, kwargs)}"
            (self.head if shared else self.body).append(line)
            if shared:
                self.scalars[str(self.name_of(result))] = None
