"""JSON of configs; out of files small enough, shallow enough and without surprises, or refused."""

from __future__ import annotations

import json
from typing import Any

from lamina.core.load_errors import (
    DamagedFileError,
    SizeBudgetError,
    UnsafeContentError,
    shortened,
)

LONGEST = 16 * 2**20
_DEEPEST = 256
_MOST_NODES = 1_000_000


def written(tree: dict[str, Any], name: str) -> str:
    """The JSON of a config.

    Args:
        tree: as `registry.serialize` gives it.
        name: what messages call it.

    Raises:
        TypeError: if it holds an object; says which argument of what.
    """
    try:
        return json.dumps(tree)
    except TypeError as error:
        holder, key, value = _first_object(tree)
        raise TypeError(
            f"{name} cannot be written: {key!r} of {holder} is "
            f"{shortened(repr(value), 80)} of type {type(value).__name__}, which "
            f"is no plain data. Give {holder.split()[0]} a method `get_config` that returns "
            "numbers, texts, lists and dictionaries, from which its constructor or "
            "`from_config` can make it again."
        ) from error


def _first_object(tree: Any) -> tuple[str, Any, Any]:
    """The first value in a config that JSON has no form for: what holds it, under which key."""
    holder, key, value = "the model", "config", None
    waiting: list[tuple[str, Any, Any]] = [(holder, key, tree)]
    while waiting:
        holder, key, value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value and isinstance(value.get("config"), dict):
                holder = f"{value['class_name']} {value['config'].get('name', '')!r}"
            waiting += [(holder, name, one) for name, one in reversed(value.items())]
        elif isinstance(value, (list, tuple)):
            waiting += [(holder, key, one) for one in reversed(value)]
        elif not isinstance(value, (str, int, float, type(None))):
            break
    return holder, key, value


def parse(text: str | bytes, name: str) -> dict[str, Any]:
    """The object that `text` describes.

    Args:
        text: JSON, UTF-8 where it is bytes.
        name: what messages call it.

    Raises:
        SizeBudgetError: if it is too long or has too many values.
        UnsafeContentError: if it is nested too deeply or names a key twice.
        DamagedFileError: if it is no JSON, or no object.
    """
    if len(text) > LONGEST:
        raise SizeBudgetError(
            f"{name} has {len(text):,} bytes, and at most {LONGEST:,} are read of a config."
        )
    try:
        found = json.loads(text, object_pairs_hook=_once(name), parse_constant=_constant(name))
    except RecursionError:
        raise _too_deep(name) from None
    except (UnsafeContentError, DamagedFileError):
        raise
    except ValueError as error:
        raise DamagedFileError(f"{name} is no JSON: {error}. Use a copy of the file.") from error
    if not isinstance(found, dict):
        raise DamagedFileError(
            f"{name} should describe an object, and is {type(found).__name__} {str(found)[:40]!r}."
        )
    _check_size(found, name)
    return found


def _once(name: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            keys = [key for key, _ in items]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise UnsafeContentError(
                f"{name} has the key {twice[:80]!r} twice in one object, so that readers differ in "
                "what it says. Do not use this file."
            )
        return found

    return pairs


def _constant(name: str) -> Any:
    def constant(word: str) -> float:
        if word == "NaN":
            raise DamagedFileError(f"{name} holds NaN, which no argument of a layer means.")
        return float(word)

    return constant


def _too_deep(name: str) -> UnsafeContentError:
    return UnsafeContentError(f"{name} is nested deeper than {_DEEPEST} levels; it was not read.")


def _check_size(tree: Any, name: str) -> None:
    nodes, level, depth = 0, [tree], 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > _DEEPEST:
            raise _too_deep(name)
        if nodes > _MOST_NODES:
            raise SizeBudgetError(f"{name} holds more than {_MOST_NODES:,} values.")
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        level = below
