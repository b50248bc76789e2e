"""Finding state: variables and what holds them, by walking attributes in definition order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from lamina.core.variable import Variable


class Holder:
    """Something whose attributes, and the lists and dictionaries in them, may hold variables.

    Layers, metrics, optimizers and seed generators are holders. A list that a program appends to
    later is seen as it is then: nothing is tracked, everything is looked up.
    """

    # Attributes that are no part of the state: bookkeeping, and references to other owners.
    bookkeeping: ClassVar[frozenset[str]] = frozenset()
    # Whether its variables are none of the layer that holds it, as those of metrics and optimizers.
    apart: ClassVar[bool] = False

    def held(self) -> Iterator[Variable | Holder]:
        """The variables and holders in the attributes, each once, in definition order."""
        seen: set[int] = set()
        for name, value in vars(self).items():
            if name not in self.bookkeeping:
                yield from _search(value, seen)


def _search(value: Any, seen: set[int]) -> Iterator[Variable | Holder]:
    if isinstance(value, (Variable, Holder)):
        if id(value) not in seen:
            seen.add(id(value))
            yield value
    elif isinstance(value, (list, tuple, dict, set)) and id(value) not in seen:
        seen.add(id(value))
        for item in value.values() if isinstance(value, dict) else value:
            yield from _search(item, seen)


def unique(items: Iterable[Any]) -> list[Any]:
    """The items, each once by identity, in order."""
    return list({id(item): item for item in items}.values())
