"""What two models must have in common for the state of one to go into the other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lamina.core.variable import Variable

# `dense_3` is what the fourth Dense of a process is called, and the first one in the next.
_COUNTER = re.compile(r"_\d+(?=[_/]|$)")


def fingerprint(model: Any) -> dict[str, Any]:
    """The structure of the state of a model and its optimizer, as plain data."""
    optimizer = model.optimizer
    return {
        "layers": [[type(layer).__name__] for layer in model._flatten_layers()],
        "variables": _described(model._kept_variables),
        "optimizer": [[None if optimizer is None else type(optimizer).__name__]],
        "optimizer variables": _described([] if optimizer is None else optimizer.variables),
        "metric variables": _described(model.metrics_variables),
    }


def first_difference(found: dict[str, Any], own: dict[str, Any]) -> str | None:
    """What differs first between two fingerprints, in words; None where they are equal."""
    for group, there in found.items():
        here = own[group]
        for place, (one, other) in enumerate(zip(there, here, strict=False)):
            if one != other:
                number = f" {place}" if len(there) > 1 else ""
                return f"its {group.removesuffix('s')}{number} is {_said(one)}, here {_said(other)}"
        if len(there) != len(here):
            more = (there if len(there) > len(here) else here)[min(len(there), len(here))]
            return (
                f"it has {len(there)} {group}, here {len(here)}, and the first more {_said(more)}"
            )
    return None


def _described(variables: Iterable[Variable]) -> list[list[Any]]:
    return [[_COUNTER.sub("", one.path), list(one.shape), one.dtype] for one in variables]


def _said(entry: list[Any]) -> str:
    if len(entry) == 1:
        return str(entry[0])
    name, shape, dtype = entry
    return f"{name!r} ({dtype}, shape {tuple(shape)})"
