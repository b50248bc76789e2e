"""What Hypothesis may draw for a class, and one configuration that it drew."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy
Choice = Strategy[Any] | Callable[[dict[str, Any]], Strategy[Any]]


@dataclass(frozen=True)
class Made:
    """An argument that is an object of the library: made of the same arguments in both."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One configuration of a class: its constructor's arguments, and what it is called on."""

    name: str
    arguments: dict[str, Any]
    given: dict[str, Any]

    def make(self, module: Any) -> Any:
        """The object, of the classes of one library."""
        return getattr(module, self.name)(**resolve(module, self.arguments))

    def __str__(self) -> str:
        words = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        given = ", ".join(f"{key}={value!r}" for key, value in self.given.items())
        return f"{self.name}({words}) on {given}"


@dataclass(frozen=True)
class Draw:
    """What may be drawn for one class.

    Attributes:
        required: a strategy for each argument that is always given.
        optional: a strategy for each argument that is given half of the time.
        given: strategies for what the object is called on; which keys there are, its kind says.
            Here and above, a function of the arguments drawn before may stand for a strategy.
        unlike: keys of the config that Keras writes in another way, or not always.
        rebuilt: whether the config alone makes the object again.
        tolerance: the largest relative difference.
        drawn: whether values are random numbers, of which only shape and type agree.
        left_out: configurations that are not compared: why, and which.
    """

    required: Mapping[str, Choice] = field(default_factory=dict)
    optional: Mapping[str, Choice] = field(default_factory=dict)
    given: Mapping[str, Choice] = field(default_factory=dict)
    unlike: frozenset[str] = frozenset()
    rebuilt: bool = True
    tolerance: float = 1e-5
    drawn: bool = False
    left_out: Mapping[str, Callable[[Case], bool]] = field(default_factory=dict)

    def cases(self, name: str) -> Strategy[Case]:
        """Configurations of the class `name`."""

        @st.composite
        def drawn(draw: Any) -> Case:
            arguments: dict[str, Any] = {}
            for key, one in self.required.items():
                arguments[key] = draw(_strategy(one, arguments))
            for key, one in self.optional.items():
                if draw(st.booleans()):
                    arguments[key] = draw(_strategy(one, arguments))
            given = {key: draw(_strategy(one, arguments)) for key, one in self.given.items()}
            return Case(name, arguments, given)

        return drawn().filter(lambda case: not any(out(case) for out in self.left_out.values()))


def _strategy(choice: Choice, arguments: dict[str, Any]) -> Strategy[Any]:
    return choice if isinstance(choice, Strategy) else choice(arguments)


def named(library: Any, name: str) -> Any:
    """What a dotted name means in a library."""
    return functools.reduce(getattr, name.split("."), library)


def resolve(module: Any, value: Any) -> Any:
    """A value in which each `Made` is the object of one library."""
    if isinstance(value, Made):
        return named(module, value.name)(**resolve(module, value.arguments))
    if isinstance(value, dict):
        return {key: resolve(module, one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(resolve(module, one) for one in value)
    return value
