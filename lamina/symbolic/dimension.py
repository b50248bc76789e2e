"""Unknown dimensions: one run of a shape rule under two fillings at once.

A dimension that is None is filled by a prime, and by another: what comes out equal under both
was known all along (`total // rows` of a `(None, 4)` is 4), and what differs is unknown. Instead
of running everything twice, an `Unknown` carries both values through the arithmetic.

The primes are far apart, so that no usual stride maps both to the same quotient, and unlike any
size a model has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

FIRST, SECOND = 1009, 2003


class Unknown(int):
    """An `int` that would be another under the other filling."""

    other: int

    def __new__(cls, value: int, other: int) -> Unknown:
        self = super().__new__(cls, value)
        self.other = other
        return self

    def __repr__(self) -> str:
        return "None"

    __str__ = __repr__

    def __getnewargs__(self) -> tuple[int, int]:  # type: ignore[override]
        return (int(self), self.other)


def paired(value: int, other: int) -> int:
    """The dimension that is `value` under one filling and `other` under the other."""
    return value if value == other else Unknown(value, other)


def other(value: Any) -> Any:
    """The value under the other filling."""
    return value.other if isinstance(value, Unknown) else value


def _lift(name: str) -> Callable[..., Any]:
    compute = getattr(int, name)

    def operate(self: Unknown, *operands: Any) -> Any:
        value = compute(int(self), *(int(x) if type(x) is Unknown else x for x in operands))
        if value is NotImplemented or not isinstance(value, int):
            return value
        return paired(value, compute(self.other, *(other(x) for x in operands)))

    return operate


for _name in ("add", "sub", "mul", "floordiv", "mod", "radd", "rsub", "rmul", "rfloordiv", "rmod"):
    setattr(Unknown, f"__{_name}__", _lift(f"__{_name}__"))
for _name in ("neg", "abs"):
    setattr(Unknown, f"__{_name}__", _lift(f"__{_name}__"))


def unknown(swapped: bool = False) -> Unknown:
    """A dimension of which nothing is known."""
    return Unknown(SECOND, FIRST) if swapped else Unknown(FIRST, SECOND)


def fill(shape: Iterable[int | None], swapped: bool = False) -> tuple[int, ...]:
    """`shape` with every None filled."""
    return tuple(unknown(swapped) if size is None else size for size in shape)


def reveal(shape: Iterable[int | None]) -> tuple[int | None, ...]:
    """`shape` with every filled dimension None again."""
    return tuple(None if size is None or isinstance(size, Unknown) else int(size) for size in shape)
