"""Models that begin in the middle of another one, at what a layer had returned."""

from __future__ import annotations

from typing import Any

from lamina.layers.input import Input
from lamina.symbolic.dimension import reveal
from lamina.symbolic.graph import nodes_between
from lamina.symbolic.tensor import KerasTensor, leaves, map_leaves


def from_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """`inputs` and `outputs` with an `Input` in place of each input that a layer had returned.

    The calls from there to the outputs are noted once more, as calls on the new inputs.
    """
    known = {id(one): _input_like(one) for one in leaves(inputs) if _is_inner(one)}
    if not known:
        return inputs, outputs

    def instead(leaf: Any) -> Any:
        return known.get(id(leaf), leaf)

    for node in nodes_between(leaves(inputs), outputs):
        given = map_leaves(instead, node.args), map_leaves(instead, node.kwargs)
        made = node.operation.record(*given, node.outputs)
        for old, new in zip(leaves(node.outputs), leaves(made), strict=True):
            new.name = old.name
            known[id(old)] = new
    return map_leaves(instead, inputs), map_leaves(instead, outputs)


def _is_inner(tensor: Any) -> bool:
    history = tensor.history if isinstance(tensor, KerasTensor) else None
    return history is not None and bool(history.node.inputs())


def _input_like(tensor: KerasTensor) -> KerasTensor:
    name = f"{tensor.name}CLONE"
    made: KerasTensor = Input(batch_shape=reveal(tensor.shape), dtype=tensor.dtype, name=name)
    return made
