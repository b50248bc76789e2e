"""Graphs of operations: what was called on which symbolic tensors, and running it again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lamina.backend.session import get_uid
from lamina.symbolic.tensor import (
    KerasTensor,
    any_symbolic,
    infer,
    inferring,
    leaves,
    map_leaves,
    renewed,
)


def to_snake_case(name: str) -> str:
    """`Conv2DTranspose` -> `conv2d_transpose`.

    Example:
        >>> to_snake_case("Conv2DTranspose"), to_snake_case("LSTM"), to_snake_case("MyLayer")
        ('conv2d_transpose', 'lstm', 'my_layer')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`dense` for the first object of that prefix, then `dense_1`, `dense_2`, …"""
    count = get_uid(prefix) - 1
    return f"{prefix}_{count}" if count else prefix


@dataclass(frozen=True)
class History:
    """Where a symbolic tensor comes from: output `index` of `node`."""

    node: Node
    index: int


_order = itertools.count()


@dataclass(eq=False)
class Node:
    """One call of an operation: its arguments, symbolic tensors among them, and its outputs."""

    operation: Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Any
    order: int = field(default_factory=_order.__next__)

    def inputs(self) -> list[KerasTensor]:
        """The symbolic tensors among the arguments."""
        found = leaves((self.args, self.kwargs))
        return [leaf for leaf in found if isinstance(leaf, KerasTensor)]


class Operation:
    """Something that may be called on tensors and on symbolic tensors: an op or a layer."""

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or not name):
            raise ValueError(f"A name is a string of at least one character, not {name!r}.")
        if name is not None and ("\0" in name or not _is_unicode(name)):
            raise ValueError(
                f"A name is text that a file can hold, without NUL, not {name[:80]!r}."
            )
        self.name = auto_name(to_snake_case(type(self).__name__)) if name is None else name
        self.inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(leaf, KerasTensor) for leaf in leaves((args, kwargs))):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from tensors. Subclasses say how."""
        raise TypeError(f"{type(self).__name__} has no call method, so it cannot be called.")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as symbolic tensors; the call is recorded unless shapes are inferred."""
        outputs = self.compute_output_spec(*args, **kwargs)
        return outputs if inferring() else self.record(args, kwargs, outputs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors of the shapes and types that `call` returns for these."""
        return infer(self.call, *args, **kwargs)

    def record(self, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
        """Note a call in the graph that its arguments belong to; returns `outputs`."""
        # A layer may hand back its very input; its output must have a history of its own.
        outputs = map_leaves(
            lambda leaf: renewed(leaf) if _has_history(leaf) else leaf,
            outputs,
        )
        node = Node(self, args, kwargs, outputs)
        for index, leaf in enumerate(leaves(outputs)):
            if isinstance(leaf, KerasTensor):
                leaf.history = History(node, index)
        self.inbound_nodes.append(node)
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic input of this operation's first call; a list where there are several."""
        found = self._first_node().inputs()
        return found[0] if len(found) == 1 else found

    @property
    def output(self) -> Any:
        """The symbolic output of this operation's first call; a list where there are several."""
        found = leaves(self._first_node().outputs)
        return found[0] if len(found) == 1 else found

    def _first_node(self) -> Node:
        if not self.inbound_nodes:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} has no `input` or `output` yet: it has not "
                "been called on a symbolic tensor, such as Input(shape=…)."
            )
        return self.inbound_nodes[0]

    def get_config(self) -> dict[str, Any]:
        """What makes an equal operation again through `from_config`."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The operation that `get_config` described."""
        return cls(**config)


def _is_unicode(name: str) -> bool:
    """Whether a text has no halves of characters, which have no form in UTF-8."""
    return not any("\ud800" <= one <= "\udfff" for one in name)


def _has_history(leaf: Any) -> bool:
    return isinstance(leaf, KerasTensor) and leaf.history is not None


def nodes_between(inputs: Iterable[KerasTensor], outputs: Any) -> list[Node]:
    """The calls that lead from `inputs` to `outputs`, each after those that it needs.

    Raises:
        ValueError: if an output needs a symbolic tensor that none of the inputs leads to.
    """
    given = {id(tensor) for tensor in inputs}
    found: dict[Node, None] = {}
    pending = [leaf for leaf in leaves(outputs) if isinstance(leaf, KerasTensor)]
    while pending:
        tensor = pending.pop()
        if id(tensor) in given:
            continue
        # What an Input made comes from a call without symbolic arguments.
        if tensor.history is None or not tensor.history.node.inputs():
            raise ValueError(
                f"The outputs depend on {tensor!r}, which does not come from the inputs of the "
                "model. Add it to the inputs, or check which Input each layer was called on."
            )
        node = tensor.history.node
        if node not in found:
            found[node] = None
            pending.extend(node.inputs())
    return sorted(found, key=lambda node: node.order)


class Step(NamedTuple):
    """One node made ready to run: values are read from a list, and results appended to it.

    Attributes:
        operation: what is called.
        compute: what is called where no argument is symbolic.
        source: the place of the only argument; None where `args` and `kwargs` read them.
        args, kwargs: functions from the list of values to the arguments.
        tensors: how many tensors it returns; None for one that is not nested.
        done: the places whose values no later step needs.
    """

    operation: Operation
    compute: Callable[..., Any]
    source: int | None
    args: list[Callable[[list[Any]], Any]]
    kwargs: dict[str, Callable[[list[Any]], Any]]
    tensors: int | None
    done: list[int]


class Program:
    """The calls from `inputs` to `outputs`, made ready to run on data.

    Args:
        nodes: as `nodes_between` returns them.
        inputs: symbolic tensors.
        outputs: nested symbolic tensors.
    """

    def __init__(self, nodes: Sequence[Node], inputs: Sequence[KerasTensor], outputs: Any) -> None:
        places = {id(tensor): place for place, tensor in enumerate(inputs)}
        size = len(inputs)
        last = {}  # place -> the last step that reads it
        self.steps: list[Step] = []
        for number, node in enumerate(nodes):
            last.update({places[id(tensor)]: number for tensor in node.inputs()})
            self.steps.append(_step(node, places))
            for tensor in leaves(node.outputs):
                places[id(tensor)] = size
                size += 1
        self.outputs = _reader(outputs, places)
        kept = {places[id(tensor)] for tensor in leaves(outputs)}
        for place, number in last.items():
            if place not in kept:
                self.steps[number].done.append(place)

    def __call__(self, values: list[Any]) -> Any:
        """The outputs for `values`, one for each input; the list is used up."""
        symbolic = any_symbolic(values)
        for operation, compute, source, args, kwargs, tensors, done in self.steps:
            call = operation if symbolic else compute
            if source is not None:
                result = call(values[source])
            else:
                named = {name: read(values) for name, read in kwargs.items()}
                result = call(*[read(values) for read in args], **named)
            if tensors is None:
                values.append(result)
            else:
                values.extend(_counted(result, tensors, operation))
            for place in done:
                values[place] = None
        return self.outputs(values)


def _step(node: Node, places: dict[int, int]) -> Step:
    operation, args = node.operation, node.args
    single = len(args) == 1 and isinstance(args[0], KerasTensor) and not node.kwargs
    plain = type(operation).__call__ is Operation.__call__
    return Step(
        operation,
        operation.call if plain else operation,
        places[id(args[0])] if single else None,
        [_reader(arg, places) for arg in args],
        {name: _reader(arg, places) for name, arg in node.kwargs.items()},
        None if isinstance(node.outputs, KerasTensor) else len(leaves(node.outputs)),
        [],
    )


def _reader(tree: Any, places: dict[int, int]) -> Callable[[list[Any]], Any]:
    """A function from the list of values to `tree` with its symbolic tensors replaced."""
    if isinstance(tree, KerasTensor):
        place = places[id(tree)]
        return lambda values: values[place]
    if not any_symbolic(tree):
        return lambda values: tree
    if type(tree) in (list, tuple):
        kind, readers = type(tree), [_reader(one, places) for one in tree]
        return lambda values: kind([read(values) for read in readers])
    where = map_leaves(lambda leaf: _reader(leaf, places), tree)
    return lambda values: map_leaves(lambda read: read(values), where)


def _counted(result: Any, count: int, operation: Operation) -> list[Any]:
    found = leaves(result)
    if len(found) != count:
        raise ValueError(
            f"{type(operation).__name__} {operation.name!r} returned {len(found)} tensor(s), and "
            f"{count} when the model was made from it. What it returns must not depend on the data."
        )
    return found
