"""How many floating-point operations a graph takes: an estimate from its ops."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

# Ops that move data or keep house; every other op counts one for each element that it returns.
_FREE = frozenset(
    {
        *("Const", "Identity", "IdentityN", "Placeholder", "NoOp", "StopGradient", "Cast", "Fill"),
        *("Reshape", "Transpose", "Shape", "ReadVariableOp", "AssignVariableOp", "ExpandDims"),
        *("Slice", "StridedSlice", "ConcatV2", "Pack", "Unpack", "Split", "SplitV", "Squeeze"),
        *("Pad", "PadV2", "BroadcastTo", "Tile", "GatherV2", "ZerosLike", "OnesLike"),
    }
)


def operations_of(graph: Any) -> float:
    """The floating-point operations of one run of `graph`, the graphs that it calls included."""
    return sum(map(_operations, graph.get_operations()))


def _operations(op: Any) -> float:
    called = _called(op)
    if called:
        return _times(op) * max(map(operations_of, called))
    if "MatMul" in op.type:
        transposed = _attribute(op, "transpose_a") or _attribute(op, "adj_x")
        return 2.0 * _size(op.outputs[0]) * (op.inputs[0].shape[-2 if transposed else -1] or 1)
    if op.type == "Einsum":
        return 2.0 * math.prod(_lengths(op).values())
    if "Conv" in op.type:
        return _convolution(op)
    return 0.0 if op.type in _FREE else float(sum(map(_size, op.outputs)))


def _lengths(op: Any) -> dict[str, int]:
    """The length that each letter of an einsum stands for."""
    terms = op.get_attr("equation").decode().partition("->")[0].split(",")
    return {
        letter: length or 1
        for term, x in zip(terms, op.inputs, strict=True)
        if x.shape.rank == len(term)
        for letter, length in zip(term, x.shape, strict=True)
    }


def _convolution(op: Any) -> float:
    """Each place of the output sees the whole filter of its channel, forward and backward."""
    backward = "Backprop" in op.type
    places = op.inputs[2] if backward else op.outputs[0]
    weights = op.outputs[0] if "BackpropFilter" in op.type else op.inputs[1]
    return 2.0 * _size(places) * _size(weights) / ((weights.shape or [1])[-1] or 1)


def _called(op: Any) -> list[Any]:
    """The graphs of the functions that an op calls, of which at most one runs at a time."""
    names = [_attribute(op, key) for key in ("f", "body", "then_branch", "else_branch")]
    names += _attribute(op, "branches") or []
    found = [op.graph._get_function(one.name) for one in names if hasattr(one, "name")]
    return [one.graph for one in found if hasattr(one, "graph")]


def _times(op: Any) -> int:
    """How often a loop runs its body: at most as often as its second input says."""
    if "While" not in op.type:
        return 1
    limit = tf.get_static_value(op.inputs[1])
    return 1 if limit is None or limit < 0 or limit.ndim else int(limit)


def _attribute(op: Any, name: str) -> Any:
    try:
        return op.get_attr(name)
    except ValueError:
        return None


def _size(x: Any) -> int:
    return 1 if x.shape.rank is None else math.prod(length or 1 for length in x.shape)
