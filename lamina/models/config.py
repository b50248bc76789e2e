"""Functional models as plain data, in Keras's form, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamina.core.layer import Layer
from lamina.core.plain import is_tagged, untagged
from lamina.core.registry import enter, revive, serialize, sharing, slot_of
from lamina.models.graph import Graph
from lamina.models.op_config import is_op_entry, op_entry, op_from_entry
from lamina.ops.conversion import Cast, View
from lamina.ops.op_call import OpCall
from lamina.symbolic.graph import Node, Operation
from lamina.symbolic.tensor import KerasTensor, leaves

enter(OpCall.slot, OpCall)
enter(Cast.slot, Cast)
enter(View.slot, View)


def graph_config(graph: Graph) -> dict[str, Any]:
    """The layers, the calls between them, and which tensors are inputs and outputs."""
    calls = _calls(graph)

    def place(tensor: KerasTensor) -> list[Any]:
        history = tensor.history
        assert history is not None
        operation = history.node.operation
        return [operation.name, calls[operation].index(history.node), history.index]

    def end(tensor: KerasTensor) -> list[Any]:
        name, node, index = place(tensor)
        assert tensor.history is not None
        return [name, node + _first_call(tensor.history.node.operation), index]

    def reference(value: Any) -> Any:
        if isinstance(value, KerasTensor):
            config = {"shape": value.shape, "dtype": value.dtype, "keras_history": place(value)}
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(value, dict):
            return {key: reference(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(reference(one) for one in value)
        return serialize(value)

    def described(operation: Operation) -> dict[str, Any]:
        nodes = [node for node in calls[operation] if node.inputs()]
        op = op_entry(operation, nodes[0]) if isinstance(operation, OpCall) else None
        if op is not None:
            head, operands = op
            head["config"] = reference(head["config"])
            call = {"args": reference(operands), "kwargs": {}}
            return {**head, "name": operation.name, "inbound_nodes": [call]}
        entry: dict[str, Any] = serialize(operation)
        entry["name"] = operation.name
        entry["inbound_nodes"] = [
            {"args": reference(node.args), "kwargs": reference(node.kwargs)} for node in nodes
        ]
        return entry

    with sharing:
        layers = [described(operation) for operation in graph.operations]
    return {
        "layers": sharing.settle(layers),
        "input_layers": _nested(end, graph.inputs),
        "output_layers": _nested(end, graph.outputs),
    }


def _calls(graph: Graph) -> dict[Operation, list[Node]]:
    """The calls of each operation that belong to the graph, in order."""
    given = [one.history.node for one in graph.flat_inputs if one.history is not None]
    calls: dict[Operation, list[Node]] = {}
    for node in (*given, *graph.nodes):
        calls.setdefault(node.operation, []).append(node)
    return calls


def _nested(place: Any, tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _nested(place, one) for key, one in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_nested(place, one) for one in tree]
    return place(tree)


def layer_from_config(config: dict[str, Any]) -> Any:
    """A layer of a model, with what its own `get_build_config` had said; a call builds the rest."""
    made = revive(slot_of(config), config)
    own = isinstance(made, Layer) and type(made).build_from_config is not Layer.build_from_config
    if own and config.get("build_config"):
        made.build_from_config(config["build_config"])
    return made


def graph_from_config(config: dict[str, Any]) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of the model that `graph_config` described.

    Raises:
        ValueError: names the layers whose inputs never come.
    """
    made: dict[str, Operation] = {}
    results: dict[tuple[str, int], list[Any]] = {}
    waiting: list[tuple[str, int, dict[str, Any]]] = []
    for entry in config["layers"]:
        if is_op_entry(entry):
            operation: Operation = op_from_entry(entry | {"config": untagged(entry["config"])})
        else:
            operation = layer_from_config(entry)
        if entry["name"] in made:
            raise ValueError(
                f"The config of this model has two layers called {entry['name']!r}, and calls are "
                "told apart by names."
            )
        made[entry["name"]] = operation
        if not entry["inbound_nodes"]:
            results[entry["name"], 0] = leaves(operation.output)
        waiting += [(entry["name"], i, call) for i, call in enumerate(entry["inbound_nodes"])]
    while waiting:
        left = []
        for name, index, call in waiting:
            try:
                args, kwargs = (_resolved(call[part], results) for part in ("args", "kwargs"))
            except _NotYet:
                left.append((name, index, call))
                continue
            if not any(isinstance(leaf, KerasTensor) for leaf in leaves((args, kwargs))):
                # It would compute while it is loaded, and whatever the file says.
                raise ValueError(f"A call of {name!r} in the config has no input.")
            results[name, index] = leaves(made[name](*args, **kwargs))
        if len(left) == len(waiting):
            raise ValueError(_stuck(left, made))
        waiting = left
    return tuple(_found(config[key], results, made) for key in ("input_layers", "output_layers"))


class _NotYet(Exception):
    """A tensor that no call has made so far."""


def _stuck(left: list[tuple[str, int, dict[str, Any]]], made: dict[str, Operation]) -> str:
    """What keeps the calls that are left from being made."""
    names = sorted({name for name, _, _ in left})
    wanted = {source for _, _, call in left for source in _sources(call)}
    lacking = sorted(wanted - made.keys())
    why = (
        f"from {', '.join(map(repr, lacking))}, which it lacks"
        if lacking
        else "from calls that it lacks, or that wait for each other"
    )
    text = f"the inputs of {', '.join(map(repr, names))} come {why}."
    return f"The config of this model cannot be put together: {text}"


def _sources(value: Any) -> Iterator[str]:
    """The names of the layers whose tensors are among the arguments of a call."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield str(value["config"]["keras_history"][0])
        else:
            for one in value.values():
                yield from _sources(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _sources(one)


def _resolved(value: Any, results: dict[tuple[str, int], list[Any]]) -> Any:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            name, node, index = value["config"]["keras_history"]
            if (name, node) not in results:
                raise _NotYet
            return results[name, node][index]
        if is_tagged(value):
            return untagged(value)
        return {key: _resolved(one, results) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        found = [_resolved(one, results) for one in value]
        # A key of several slices is a tuple, which JSON has no form for.
        keys = any(isinstance(one, slice) or one is ... for one in found)
        return tuple(found) if keys else type(value)(found)
    return value


def call_number(node: Node) -> int:
    """The number that Keras shows for a call among those of its operation."""
    return node.operation.inbound_nodes.index(node) + _first_call(node.operation)


def _first_call(operation: Operation) -> int:
    """The number of an operation's first call, where inputs and outputs of the model are told.

    There Keras counts from 1 in a functional model, whose own graph is 0 to it.
    """
    functional = getattr(operation, "_graph", None) is not None and not hasattr(operation, "_chain")
    return int(functional)


def _found(
    places: Any, results: dict[tuple[str, int], list[Any]], made: dict[str, Operation]
) -> Any:
    if isinstance(places, dict):
        return {key: _found(one, results, made) for key, one in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        name, node, index = places
        return results[name, node - _first_call(made[name])][index]
    return [_found(one, results, made) for one in places]
