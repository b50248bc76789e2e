"""Models of several outputs: one value for each, however a program nests them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.symbolic.tensor import leaves


def output_names(y_pred: Any, graph: Any = None) -> list[str]:
    """A name for each output: the keys of a dictionary, the layers of a graph, or numbers."""
    if isinstance(y_pred, dict):
        return list(y_pred)
    found = leaves(y_pred)
    if graph is not None:
        return [one.history.node.operation.name for one in graph.flat_outputs]
    return [f"output_{i}" for i in range(len(found))] if len(found) > 1 else ["output"]


def per_output(value: Any, names: Sequence[str], role: str) -> list[Any]:
    """`value` split into one entry for each output; None for outputs that have none.

    Args:
        value: one entry, a list with one for each output, or a dictionary by output name.
        names: the outputs.
        role: what the entries are, for the error.

    Raises:
        ValueError: if the number of entries or a name does not fit.
    """
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict):
        unknown = [key for key in value if key not in names]
        if unknown:
            raise ValueError(
                f"The {role} name(s) {', '.join(map(str, unknown))} are no outputs of the model. "
                f"Its outputs are: {', '.join(names)}."
            )
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(
                f"The model has {len(names)} output(s) ({', '.join(names)}), and the {role} are "
                f"{len(value)}. Give one for each, None for an output without, or a dictionary."
            )
        return list(value)
    if len(names) > 1:
        raise ValueError(
            f"The model has {len(names)} outputs ({', '.join(names)}), and the {role} are one "
            "value. Give a list with one for each, or a dictionary by name."
        )
    return [value]
