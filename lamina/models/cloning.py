"""Copies of models: the same layers and calls with new weights, changed on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optree

from lamina.core import registry
from lamina.layers.input import Input, InputLayer
from lamina.models.model import Functional, Model
from lamina.models.sequential import Sequential
from lamina.symbolic.graph import Operation
from lamina.symbolic.tensor import KerasTensor, leaves, map_leaves


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same layers and calls, with new weights; compiled alike if it was compiled.

    A subclass of `Model` is made anew from its config, whole.

    Args:
        model: a `Sequential`, a functional model, or a subclass of `Model` with `get_config`.
        input_tensors: symbolic tensors for the inputs, nested as the model's; new ones of the
            same shapes and types where None. What another layer returned stands for an `Input`
            of its shape.
        clone_function: takes a layer or an op of the graph, inputs left out, and returns the one
            that stands in its place; what its config describes where None.
        call_function: takes a new layer and the arguments of a call, and returns its outputs:
            for calls before or behind the layer's own. For functional models.
        recursive: whether models inside are cloned layer by layer too, by the same functions, and
            not as one layer by `clone_function`. A Sequential inside has no use for
            `call_function`.

    Returns:
        A `Sequential` for a Sequential; a model of the same class for others, or `Functional` for
        a functional subclass with a constructor of its own.

    Raises:
        ValueError: if `model` is no model, if an argument does not apply to one of its kind, or
            if `input_tensors` are nested otherwise than the inputs.

    Example:
        >>> import lamina
        >>> x = lamina.Input((4,))
        >>> model = lamina.Model(x, lamina.layers.Dense(2)(x))
        >>> def behind_each(layer, *args, **kwargs):
        ...     return lamina.layers.ReLU()(layer(*args, **kwargs))
        >>> copy = clone_model(model, call_function=behind_each)
        >>> [type(layer).__name__ for layer in copy.layers]
        ['InputLayer', 'Dense', 'ReLU']
    """
    if kwargs:
        raise ValueError(f"clone_model has no argument {', '.join(map(repr, kwargs))}.")
    if not isinstance(model, Model):
        raise ValueError(
            f"clone_model takes a model, not {model!r}. For a layer, take "
            "type(layer).from_config(layer.get_config())."
        )
    for name, function in (("clone_function", clone_function), ("call_function", call_function)):
        if function is not None and not callable(function):
            raise ValueError(f"{name} is a function or None, not {function!r}.")
    cloning = _Cloning(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                f"call_function is for functional models: {model.name!r} is a Sequential, whose "
                "layers are only listed. Add layers to it by clone_function, or make it functional."
            )
        clone = cloning.sequential(model, input_tensors)
    elif model._graph is not None:
        clone = cloning.functional(model, input_tensors)
    else:
        if not (input_tensors is clone_function is call_function is None):
            raise ValueError(
                f"input_tensors, clone_function and call_function are for Sequential and "
                f"functional models: {model.name!r} is a {type(model).__name__}, whose `call` "
                "says what its layers do."
            )
        clone = registry.deserialize(registry.serialize(model), {type(model).__name__: type(model)})
    if not clone.compiled:
        clone.compile_from_config(model.get_compile_config())
    return clone


@dataclass(frozen=True)
class _Cloning:
    """How the parts of a model are cloned; see `clone_model`."""

    clone_function: Callable[[Any], Any] | None
    call_function: Callable[..., Any] | None
    recursive: bool

    def part(self, operation: Any) -> Any:
        """What stands in the place of a layer or an op."""
        inside = isinstance(operation, Model) and (
            isinstance(operation, Sequential) or operation._graph is not None
        )
        if self.recursive and inside:
            if isinstance(operation, Sequential):
                return self.sequential(operation, None)
            return self.functional(operation, None)
        if self.clone_function is not None:
            return self.clone_function(operation)
        return type(operation).from_config(operation.get_config())

    def sequential(self, model: Sequential, input_tensors: Any) -> Sequential:
        """The clone of a Sequential."""
        clone = Sequential(name=model.name, trainable=model.trainable)
        first = model._chain[0] if model._chain else None
        if input_tensors is not None:
            clone.add(_input_for(_only(input_tensors)))
        elif isinstance(first, InputLayer):
            clone.add(type(first).from_config(first.get_config()))
        for layer in model.layers:
            clone.add(self.part(layer))
        return clone

    def functional(self, model: Model, input_tensors: Any) -> Any:
        """The clone of a functional model."""
        graph = model._graph
        assert graph is not None
        inputs = map_leaves(_new_input, graph.inputs)
        if input_tensors is not None:
            inputs = _as_inputs(input_tensors, graph.inputs)
        values = {id(old): new for old, new in zip(graph.flat_inputs, leaves(inputs), strict=True)}
        called = {node.operation for node in graph.nodes}
        made: dict[Operation, Any] = {
            one: self.part(one) for one in graph.operations if one in called
        }
        call = self.call_function or (lambda layer, *args, **kwargs: layer(*args, **kwargs))

        def renamed(tree: Any) -> Any:
            return map_leaves(lambda leaf: values.get(id(leaf), leaf), tree)

        for node in graph.nodes:
            outputs = call(made[node.operation], *renamed(node.args), **renamed(node.kwargs))
            pairs = zip(leaves(node.outputs), leaves(outputs), strict=True)
            values.update((id(old), new) for old, new in pairs)
        plain = type(model).__init__ in (Model.__init__, Functional.__init__)
        cls: Any = type(model) if plain else Functional
        return cls(inputs, renamed(graph.outputs), name=model.name, trainable=model.trainable)


def _new_input(tensor: KerasTensor) -> Any:
    source = None if tensor.history is None else tensor.history.node.operation
    if isinstance(source, InputLayer):
        return type(source).from_config(source.get_config()).output
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype)


def _only(input_tensors: Any) -> Any:
    found = leaves(input_tensors)
    if len(found) != 1:
        raise ValueError(f"A Sequential has one input, and input_tensors are {len(found)}.")
    return found[0]


def _input_for(tensor: Any) -> Any:
    """`tensor` if it is an `Input`, else an `Input` like it."""
    if isinstance(tensor, InputLayer):
        return tensor.output
    if not isinstance(tensor, KerasTensor):
        raise ValueError(
            "input_tensors are symbolic tensors, as Input(shape=…) makes them, and there is one "
            f"{type(tensor).__name__} among them."
        )
    source = None if tensor.history is None else tensor.history.node.operation
    return tensor if isinstance(source, InputLayer) else _new_input(tensor)


def _as_inputs(input_tensors: Any, inputs: Any) -> Any:
    """`input_tensors` nested as `inputs`, a single one by itself or in a list."""
    given = map_leaves(_input_for, input_tensors)
    if len(leaves(inputs)) == len(leaves(given)) == 1:
        return map_leaves(lambda _: leaves(given)[0], inputs)
    kinds = [optree.tree_structure(_plain(one)) for one in (given, inputs)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"input_tensors must be nested as the model's inputs, {inputs!r}, and are "
            f"{input_tensors!r}."
        )
    return given


def _plain(tree: Any) -> Any:
    """`tree` with lists for tuples: the two are one and the same for inputs."""
    if isinstance(tree, dict):
        return {key: _plain(one) for key, one in tree.items()}
    return [_plain(one) for one in tree] if isinstance(tree, (list, tuple)) else 0
