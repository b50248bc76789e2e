"""The parts of a model that a file holds, each under the path that Keras 3 gives it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from lamina.core.state import Holder
from lamina.symbolic.graph import to_snake_case

# The group of a part's own arrays, below the part's path.
OWN = "vars"


def parts(root: Any, *, backwards: bool = False, counted: bool = True) -> dict[str, Any]:
    """`root` and the layers and optimizers inside it, by path; each once.

    A part's path is the attributes that lead to it, public ones before private ones, each kind by
    the alphabet: `layers/dense_1`, `encoder/cell`. In lists and dictionaries a part is known by
    its class, with a number from the second on.

    Args:
        root: a model, a layer or an optimizer. Its own path is "".
        backwards, counted: False and True; what Keras 2.14 and 2.15 did was to meet attributes
            backwards, and not to count in a list what had been met before.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((3,)), *map(lamina.layers.Dense, (2, 2))])
        >>> list(parts(model))
        ['', 'layers/dense', 'layers/dense_1']
    """
    found: dict[str, Any] = {}
    # With the values themselves: lists that properties make would go, and others get their numbers.
    seen: dict[int, Any] = {}
    # Not by recursion: models may stand in models, to any depth.
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        path, value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if _is_part(value):
            found[path] = value
            inner = list(_attributes(value))[:: -1 if backwards else 1]
        else:
            inner = list(_items(value, () if counted else seen))
        below = [(f"{path}/{name}" if path else name, one) for name, one in inner]
        waiting += reversed(below)
    return found


def _is_part(value: Any) -> bool:
    """Layers and optimizers; a metric's counts and a generator's state are no part of files."""
    return isinstance(value, Holder) and hasattr(value, "load_own_variables")


def _is_listing(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict))


def _attributes(part: Any) -> Iterator[tuple[str, Any]]:
    cls = type(part)
    names = {_shown_name(cls, name) for name in vars(part) if name not in part.bookkeeping}
    names |= {name for base in cls.__mro__ for name in _shown(base)}
    # Kept apart from a model's state, and a part of its files.
    names |= {"optimizer"} & vars(part).keys()
    for name in sorted(names, key=lambda name: (name.startswith("_"), name)):
        try:
            value = getattr(part, name)
        except Exception:  # a program's own property, which may not be ready yet
            continue
        if _is_part(value) or _is_listing(value):
            yield name, value


def _shown_name(cls: type, name: str) -> str:
    """The name of the property that shows a private attribute, where Keras has one too."""
    public = name.lstrip("_")
    if public in getattr(cls, "not_shown_by_keras", ()):
        return name
    return public if isinstance(getattr(cls, public, None), property) else name


def _shown(cls: type) -> Iterator[str]:
    """Properties that show parts under another name: `layers` of a model, and a program's own."""
    if cls.__module__.startswith("lamina."):
        if "_listed_layers" in vars(cls):
            yield "layers"
        return
    for name, value in vars(cls).items():
        if isinstance(value, property):
            yield name


def _items(listing: Any, passed_over: Container[int]) -> Iterator[tuple[str, Any]]:
    used: dict[str, int] = {}
    for one in listing.values() if isinstance(listing, dict) else listing:
        if id(one) in passed_over:
            continue
        if _is_part(one):
            name = to_snake_case(type(one).__name__)
        elif _is_listing(one):
            name = "container"
        else:
            continue
        count = used[name] = used.get(name, -1) + 1
        yield (f"{name}_{count}" if count else name), one
