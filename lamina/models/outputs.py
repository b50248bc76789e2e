"""Models of several outputs: one value for each, however a program nests them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lamina.symbolic.graph import to_snake_case
from lamina.symbolic.tensor import leaves

_NESTS = (dict, list, tuple, type(None))


@dataclass(frozen=True)
class Outputs:
    """The outputs of a model, and what the history calls what is computed of each.

    Args:
        names: the keys of a dictionary in their order, the layers of a graph, or numbers.
        prefixes: what stands before the name of a loss of each output: the output's name where
            there are several, and nothing where a `call` of the user's own returns them in a
            list, which names none of them.
        metric_prefixes: what stands before the name of a metric: the same, but in nested outputs
            the name of the layer alone.
        paths: the keys and numbers that lead to each output in nested ones; none where they are
            a dictionary or a list of tensors, or one tensor.
        by_key: whether they are a dictionary of tensors.
    """

    names: list[str]
    prefixes: list[str]
    metric_prefixes: list[str]
    paths: list[tuple[Any, ...]]
    by_key: bool = False

    @classmethod
    def of(cls, y_pred: Any, graph: Any = None) -> Outputs:
        """The outputs as they are nested in `y_pred`, or symbolic tensors that stand for them."""
        count = len(leaves(y_pred))
        paths = list(_paths(y_pred if graph is None else graph.outputs))
        if any(len(path) > 1 for path in paths):
            return cls._nested(y_pred if graph is None else graph.outputs, paths)
        if isinstance(y_pred, dict):
            names = sorted(y_pred)
        elif graph is not None:
            names = [_layer(one) for one in graph.flat_outputs]
        else:
            names = [f"output_{i}" for i in range(count)] if count > 1 else ["output"]
            return cls(names, [""] * len(names), [""] * len(names), [])
        prefixes = [f"{name}_" if len(names) > 1 else "" for name in names]
        return cls(names, prefixes, prefixes, [], isinstance(y_pred, dict))

    @classmethod
    def _nested(cls, tree: Any, paths: list[tuple[Any, ...]]) -> Outputs:
        layers = [_layer(_at(tree, path)) for path in paths]
        names = []
        for path, layer in zip(paths, layers, strict=True):
            # A key names its output, and a place in a list does not.
            last = layer if layer and not isinstance(path[-1], str) else path[-1]
            names.append("/".join(str(part) for part in (*path[:-1], last)))
        metrics = [f"{layer or name}_" for layer, name in zip(layers, names, strict=True)]
        return cls(names, [f"{name}_" for name in names], metrics, paths)

    def split(self, y_pred: Any) -> list[Any]:
        """The outputs one by one, in the order of the names."""
        if self.paths:
            return [_at(y_pred, path) for path in self.paths]
        return [y_pred[name] for name in self.names] if isinstance(y_pred, dict) else leaves(y_pred)

    def each(self, value: Any, role: str) -> list[Any]:
        """`value` split into one entry for each output; None for outputs that have none.

        Args:
            value: one entry, a list with one for each output, or a dictionary by output name;
                for nested outputs entries nested alike, or a list.
            role: what the entries are, for the error.

        Raises:
            ValueError: if the number of entries or a name does not fit.
        """
        if not self.paths or value is None:
            return per_output(value, self.names, role)
        try:
            # An array or a name has parts as well, and is one entry all the same.
            if all(isinstance(_at(value, path[:-1]), _NESTS) for path in self.paths):
                return [_at(value, path) for path in self.paths]
        except (KeyError, IndexError, TypeError):
            pass  # a list for all outputs is the other form
        if isinstance(value, (list, tuple)) and len(value) == len(self.names):
            return list(value)
        raise ValueError(
            f"The model's outputs are nested ({', '.join(self.names)}), and the {role} are not "
            "nested alike. Nest them as the outputs are, or give a list with one for each."
        )


def _paths(tree: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(tree, (dict, list, tuple)):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, one in items:
            yield from ((key, *path) for path in _paths(one))
    else:
        yield ()


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        if isinstance(tree, str):
            raise TypeError(f"{tree!r} has no parts.")
        tree = None if tree is None else tree[part]
    return tree


def _layer(tensor: Any) -> str:
    """The name of the layer that a symbolic tensor comes from; nothing for others."""
    history = getattr(tensor, "history", None)
    return "" if history is None else str(history.node.operation.name)


def name_of(function: Any) -> str:
    """What a metric or loss made of `function`, or of a loss object, is called."""
    name = getattr(function, "name", None)
    named = getattr(function, "__name__", type(function).__name__)
    return str(name) if name else to_snake_case(named)


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
