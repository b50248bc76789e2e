"""JSON out of files: small enough, shallow enough and without surprises, or refused."""

from __future__ import annotations

import json
from typing import Any

from lamina.core.load_errors import DamagedFileError, SizeBudgetError, UnsafeContentError

LONGEST = 16 * 2**20
_DEEPEST = 256
_MOST_NODES = 1_000_000


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
