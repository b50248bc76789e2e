"""Finding state: variables and what holds them, by walking attributes in definition order."""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType
from typing import Any, ClassVar

from lamina.core.variable import Variable
from lamina.core.walks import once


class Holder:
    """Something whose attributes, and the lists and dictionaries in them, may hold variables.

    Layers, metrics, optimizers and seed generators are holders. A list that a program appends to
    later is seen as it is then: nothing is tracked, everything is looked up.
    """

    # Attributes that are no part of the state: bookkeeping, and references to other owners.
    bookkeeping: ClassVar[frozenset[str]] = frozenset()
    # Whether its variables are none of the layer that holds it, as those of metrics and optimizers.
    apart: ClassVar[bool] = False

    @once
    def held(self) -> list[Variable | Holder]:
        """The variables and holders in the attributes, each once, in definition order."""
        found: dict[int, Any] = {}
        skipped = self.bookkeeping
        _search([value for name, value in vars(self).items() if name not in skipped], found)
        return [one for one in found.values() if isinstance(one, (Variable, Holder))]


# Most attributes are of these classes.
_PLAIN = frozenset([type(None), bool, int, float, str, FunctionType])


def _search(values: Iterable[Any], found: dict[int, Any]) -> None:
    """Add to `found`, by identity, variables, holders, containers, and what is in these."""
    for value in values:
        if value.__class__ in _PLAIN:
            continue
        if isinstance(value, (Variable, Holder)):
            found[id(value)] = value
        elif isinstance(value, (list, tuple, dict, set)) and id(value) not in found:
            found[id(value)] = value
            _search(value.values() if isinstance(value, dict) else value, found)


def unique(items: Iterable[Any]) -> list[Any]:
    """The items, each once by identity, in order."""
    return list({id(item): item for item in items}.values())
