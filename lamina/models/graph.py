"""The graph of a functional model: from symbolic inputs to symbolic outputs, run on data."""

from __future__ import annotations

import collections
import dataclasses
import functools
from typing import Any

import optree

from lamina import ops
from lamina.backend import current
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.core.context import get_mask, local, set_mask
from lamina.core.layer import Layer
from lamina.ops.operand import is_concrete
from lamina.symbolic import dimension
from lamina.symbolic.graph import Node, Operation, Program, nodes_between
from lamina.symbolic.tensor import KerasTensor, leaves

# What Python's own limit of 1,000 nested calls, and the depth of configs in files, leave room for.
_MOST_NESTED = 64


class Graph:
    """Inputs, outputs and the calls between them.

    Args:
        inputs: a symbolic tensor, or a tuple, list or dictionary of them.
        outputs: likewise.
        any_size: whether the sizes of data are left to the layers to judge, as Sequential does.

    Raises:
        ValueError: if an input is no `Input`, appears twice, or does not lead to the outputs.
    """

    def __init__(self, inputs: Any, outputs: Any, any_size: bool = False) -> None:
        if isinstance(outputs, (list, tuple)) and len(outputs) == 1:
            (outputs,) = outputs
        self.inputs = inputs
        self.outputs = outputs
        self.any_size = any_size
        self.flat_inputs: list[KerasTensor] = leaves(inputs)
        self.flat_outputs: list[KerasTensor] = leaves(outputs)
        for role, found in (("inputs", self.flat_inputs), ("outputs", self.flat_outputs)):
            wrong = [one for one in found if not isinstance(one, KerasTensor)]
            if wrong or not found:
                raise ValueError(
                    f"The {role} of a functional model are symbolic tensors, as Input() and layers "
                    f"called on them return; got {wrong[0] if wrong else 'none'!r}."
                )
        if len({id(one) for one in self.flat_inputs}) < len(self.flat_inputs):
            raise ValueError("An input appears twice among the inputs of the model.")
        self.nodes = nodes_between(self.flat_inputs, outputs)
        # The operations in order, and how far each call is from the outputs.
        self.operations, self.depths = self._ordered()
        self._check_names()
        inner = (getattr(one, "_graph", None) for one in self.operations)
        self.nesting: int = 1 + max((one.nesting for one in inner if one is not None), default=0)
        if self.nesting > _MOST_NESTED:
            raise ValueError(
                f"The model is nested {self.nesting} models deep, and {_MOST_NESTED} is the most: "
                "deeper ones could not be run, saved or loaded. Put layers side by side in fewer "
                "models."
            )

    @functools.cached_property
    def program(self) -> Program:
        """The calls made ready to run."""
        return Program(self.nodes, self.flat_inputs, self.outputs)

    @functools.cached_property
    def _told_program(self) -> Program:
        """The same where it is known whether to train: what calls say of that gives way.

        So it is in Keras, which writes defaults of `training` into its files as if they were given.
        """
        nodes = [_untold(node) for node in self.nodes]
        same = all(one is other for one, other in zip(nodes, self.nodes, strict=True))
        return self.program if same else Program(nodes, self.flat_inputs, self.outputs)

    def __getstate__(self) -> dict[str, Any]:
        made = ("program", "_told_program")
        return {key: value for key, value in vars(self).items() if key not in made}

    def _check_names(self) -> None:
        counts = collections.Counter(one.name for one in self.operations)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ValueError(
                f"The model has several layers called {', '.join(map(repr, twice))}; names in a "
                "model are unique. Give each layer a name of its own."
            )

    def _ordered(self) -> tuple[list[Operation], dict[Node, int]]:
        """The operations, farthest from the outputs first: the order of Keras's weights."""
        rank, order = _walked(self.flat_outputs)
        depth: dict[Node, int] = {}
        deepest: dict[Operation, int] = {}
        for node in reversed(order):
            # A call is as deep as the deepest one of its operation that was met before.
            own = max(depth.get(node, 0), deepest.get(node.operation, 0))
            depth[node] = deepest[node.operation] = own
            for source in _sources(node):
                depth[source] = max(depth.get(source, 0), own + 1)
        for one in self.flat_inputs:
            if one.history is not None:  # an input that leads nowhere
                deepest.setdefault(one.history.node.operation, 0)
        return sorted(deepest, key=lambda one: (-deepest[one], rank.get(one, -1))), depth

    @property
    def layers(self) -> list[Layer]:
        """The layers among the operations."""
        return [one for one in self.operations if isinstance(one, Layer)]

    def __call__(self, inputs: Any) -> Any:
        """The outputs for `inputs`, nested as the graph's inputs or by their names."""
        single = len(self.flat_inputs) == 1 and _fits(inputs, self.flat_inputs[0])
        told = local.context is not None and local.context.training is not None
        program = self._told_program if told else self.program
        return program([inputs] if single else self._matched(inputs))

    def _matched(self, inputs: Any) -> list[Any]:
        """The values in the order of the flat inputs, each checked and in its input's type."""
        given = self._by_name(inputs) if isinstance(inputs, dict) else self._flat(inputs)
        if len(given) != len(self.flat_inputs):
            raise ValueError(
                f"The model takes {len(self.flat_inputs)} input(s) ({self._names()}), and was "
                f"called on {len(given)}."
            )
        pairs = zip(given, self.flat_inputs, strict=True)
        return [_fit(value, one, self.any_size) for value, one in pairs]

    def _flat(self, inputs: Any) -> list[Any]:
        # None is left out, unless it stands for an optional input.
        given = optree.tree_leaves(inputs, none_is_leaf=any(map(_is_optional, self.flat_inputs)))
        return list(given)

    def _by_name(self, inputs: dict[str, Any]) -> list[Any]:
        keys = list(self.inputs) if isinstance(self.inputs, dict) else None
        names = keys or [one.name for one in self.flat_inputs]
        missing = [name for name in names if name not in inputs]
        if missing:
            unexpected = [key for key in inputs if key not in names]
            raise ValueError(
                f"The model's inputs are called {', '.join(names)}. Missing from the data: "
                f"{', '.join(missing)}; not expected there: {', '.join(unexpected) or 'nothing'}."
            )
        return (
            leaves({name: inputs[name] for name in names})
            if keys
            else [inputs[name] for name in names]
        )

    def _names(self) -> str:
        return ", ".join(f"{one.name}: {dimension.reveal(one.shape)}" for one in self.flat_inputs)


def _untold(node: Node) -> Node:
    """A call of a layer without its argument `training`."""
    if not isinstance(node.operation, Layer):
        return node
    place = node.operation._signature.training_position
    kwargs = {name: one for name, one in node.kwargs.items() if name != "training"}
    if place < len(node.args):
        args = (*node.args[:place], None, *node.args[place + 1 :])
        return dataclasses.replace(node, args=args, kwargs=kwargs)
    same = len(kwargs) == len(node.kwargs)
    return node if same else dataclasses.replace(node, kwargs=kwargs)


def _walked(outputs: list[KerasTensor]) -> tuple[dict[Operation, int], list[Node]]:
    """What a walk back from the outputs, depth first, meets.

    Returns:
        The operations numbered as they are met first, and the calls in the order in which the walk
        leaves them: each after those that it needs.
    """
    rank: dict[Operation, int] = {}
    left: list[Node] = []
    seen: set[Node] = set()
    pending = [(one.history.node, False) for one in reversed(outputs) if one.history is not None]
    while pending:
        node, done = pending.pop()
        if done:
            left.append(node)
        elif node not in seen:
            seen.add(node)
            rank.setdefault(node.operation, len(rank))
            pending.append((node, True))
            pending.extend((one, False) for one in reversed(_sources(node)))
    return rank, left


def _sources(node: Node) -> list[Node]:
    """The calls that a call's symbolic arguments come from."""
    return [one.history.node for one in node.inputs() if one.history is not None]


def _is_optional(tensor: KerasTensor) -> bool:
    operation = None if tensor.history is None else tensor.history.node.operation
    return getattr(operation, "optional", False)


def _fits(value: Any, expected: KerasTensor) -> bool:
    """Whether `value` is a tensor of the type and shape of `expected`, the batch aside."""
    shape = getattr(value, "shape", None) if is_concrete(value) else None
    if shape is None or len(shape) != len(expected.shape):
        return False
    for size, wanted in zip(shape[1:], expected.shape[1:], strict=True):
        if wanted is not None and size != wanted:
            return False
    return current().dtype(value) == expected.dtype


def _fit(value: Any, expected: KerasTensor, any_size: bool) -> Any:
    """`value` in the type of `expected`, a missing or extra last axis of 1 mended as in Keras."""
    if isinstance(value, KerasTensor) or (value is None and _is_optional(expected)):
        return value
    mask = get_mask(value)
    value = ops.convert_to_tensor(value)
    kind = standardize_dtype(value.dtype)
    if kind != expected.dtype and not (is_float(kind) and is_float(expected.dtype)):
        value = ops.cast(value, expected.dtype)
    rank = len(expected.shape)
    if len(value.shape) == rank + 1 and value.shape[-1] == 1:
        value = ops.squeeze(value, -1)
    elif len(value.shape) == rank - 1 and expected.shape[-1] == 1:
        value = ops.expand_dims(value, -1)
    shape = tuple(value.shape)
    sizes = list(zip(shape, expected.shape, strict=False))[1:]
    wrong = not any_size and any(e is not None and s != e for s, e in sizes)
    if len(shape) != rank or wrong:
        raise ValueError(
            f"Input {expected.name!r} of the model has the shape {expected.shape}, and was given "
            f"data of shape {shape}. The first dimension is the batch; reshape the data, or build "
            "the model with Input(shape=…) of the data."
        )
    if mask is not None:
        set_mask(value, mask)
    return value
