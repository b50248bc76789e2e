"""Models of several outputs: one value for each, however a program nests them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from lamina.symbolic.tensor import leaves


@dataclass(frozen=True)
class Outputs:
    """The outputs of a model, and what the history calls what is computed of each.

    Args:
        names: the keys of a dictionary in their order, the layers of a graph, or numbers.
        prefixes: what stands before the name of a metric of each output: the output's name where
            there are several, and nothing where a `call` of the user's own returns them in a
            list, which names none of them.
    """

    names: list[str]
    prefixes: list[str]

    @classmethod
    def of(cls, y_pred: Any, graph: Any = None) -> Outputs:
        """The outputs as they are nested in `y_pred`, or symbolic tensors that stand for them."""
        count = len(leaves(y_pred))
        if isinstance(y_pred, dict):
            names = sorted(y_pred)
        elif graph is not None:
            names = [one.history.node.operation.name for one in graph.flat_outputs]
        else:
            names = [f"output_{i}" for i in range(count)] if count > 1 else ["output"]
            return cls(names, [""] * len(names))
        return cls(names, [f"{name}_" if len(names) > 1 else "" for name in names])

    def split(self, y_pred: Any) -> list[Any]:
        """The outputs one by one, in the order of the names."""
        return [y_pred[name] for name in self.names] if isinstance(y_pred, dict) else leaves(y_pred)


def name_of(function: Any) -> str:
    """What a metric or loss made of `function`, or of a loss object, is called."""
    name = getattr(function, "name", None) or getattr(function, "__name__", type(function).__name__)
    return str(name).strip("<>")


def unique_name(name: str, taken: Container[str]) -> str:
    """`name`, or `name_1` and so on where that is taken."""
    count, found = 1, name
    while found in taken:
        found, count = f"{name}_{count}", count + 1
    return found


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
