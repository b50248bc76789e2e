"""The table that `model.summary()` prints."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from lamina.backend.dtypes import bits
from lamina.core.variable import Variable
from lamina.models.config import call_number
from lamina.models.profile import bytes_text
from lamina.symbolic import dimension
from lamina.symbolic.tensor import leaves


def summary_text(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> str:
    """The table as text that fits `line_length`, or the terminal where that is None."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    buffer = io.StringIO()
    console = Console(file=buffer, width=line_length, highlight=False, markup=False)
    several = _branches(model)
    table = Table(box=box.HEAVY_HEAD, show_lines=True, width=console.width)
    ratios = _ratios(positions, 3 + several + show_trainable)
    titles = ["Layer (type)", "Output Shape", "Param #"]
    titles += ["Connected to"] if several else []
    titles += ["Trainable"] if show_trainable else []
    for title, ratio in zip(titles, ratios, strict=True):
        justify: Any = "right" if title == "Param #" else "left"
        table.add_column(title, ratio=ratio, justify=justify, overflow="fold")
    for cells in _rows(model, several, expand_nested, show_trainable, layer_range):
        table.add_row(*cells)
    console.print(f'Model: "{model.name}"')
    console.print(table)
    for line in _totals(model):
        console.print(line)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def _ratios(positions: list[float] | None, count: int) -> list[int]:
    """Relative widths of the columns, from their right edges where given."""
    if positions:
        edges = [0.0, *positions][: count + 1]
        scale = 1.0 if edges[-1] <= 1.0 else edges[-1]
        return [max(round(100 * (b - a) / scale), 1) for a, b in itertools.pairwise(edges)]
    return [45, 34, 21, 30, 16][:count] if count > 3 else [45, 34, 21]


def _rows(
    model: Any, several: bool, expand_nested: bool, show_trainable: bool, layer_range: Any
) -> list[list[str]]:
    rows: list[list[str]] = []

    def visit(owner: Any, depth: int) -> None:
        operations = owner._graph.operations if owner._graph is not None else owner.layers
        if hasattr(owner, "_chain"):
            operations = owner.layers
        for one in _within(operations, layer_range if depth == 0 else None):
            inner = expand_nested and hasattr(one, "_graph") and bool(one.layers)
            kind = getattr(one, "class_name", type(one).__name__)
            inset = f"{'    ' * (depth - 1)}   └ " if depth else ""
            cells = [f"{inset}{one.name} ({kind})", _shape(one, owner), _count(one)]
            if several:
                cells.append("-" if depth else _sources(one, owner))
            if show_trainable:
                cells.append(_trained(one))
            rows.append(cells)
            if inner:
                visit(one, depth + 1)

    visit(model, 0)
    return rows


def _trained(operation: Any) -> str:
    if not getattr(operation, "weights", None):
        return "-"
    return "Y" if operation.trainable else "N"


def _within(operations: list[Any], layer_range: Any) -> list[Any]:
    """The operations from the first to the last name or pattern of `layer_range`."""
    if not layer_range:
        return operations
    places = []
    for pattern in layer_range:
        found = [i for i, one in enumerate(operations) if re.match(pattern, one.name)]
        if not found:
            raise ValueError(f"layer_range names {pattern!r}, and no layer is called so.")
        places.append(found)
    return operations[min(places[0]) : max(places[-1]) + 1]


def _shape(operation: Any, owner: Any) -> str:
    nodes, graph = _nodes(operation, owner), getattr(operation, "_graph", None)
    if nodes:
        found = [dimension.reveal(one.shape) for one in leaves(nodes[0].outputs)]
    elif graph is not None:
        found = [one.shape for one in graph.flat_outputs]
    else:
        found = _built_for(operation)
    if not found:
        return "?"
    return str(found[0]) if len(found) == 1 else f"[{', '.join(map(str, found))}]"


def _built_for(layer: Any) -> list[Any]:
    """The shapes of the outputs for the input that a layer was built for, where they are known."""
    shapes = getattr(layer, "_build_shapes", None)
    if not shapes:
        return []
    try:
        outputs = layer.compute_output_shape(**shapes)
    except Exception:  # a method of the program's own
        return []
    return [outputs] if isinstance(outputs, tuple) else leaves(outputs)


def _nodes(operation: Any, owner: Any) -> list[Any]:
    """The calls of `operation` that belong to the graph of `owner`."""
    if owner._graph is None:
        return list(operation.inbound_nodes)
    inside = {id(node) for node in owner._graph.nodes}
    inside |= {id(one.history.node) for one in owner._graph.flat_inputs if one.history}
    return [node for node in operation.inbound_nodes if id(node) in inside]


def _count(operation: Any) -> str:
    if not hasattr(operation, "weights"):
        return "0"
    return f"{elements(operation.weights):,}" if operation.built else "0 (unbuilt)"


def _sources(operation: Any, owner: Any) -> str:
    found = []
    for node in _nodes(operation, owner):
        for tensor in node.inputs():
            if tensor.history is not None:
                source, index = tensor.history.node, tensor.history.index
                call = call_number(source)
                found.append(f"{source.operation.name}[{call}][{index}]")
    return ", ".join(found) or "-"


def _branches(model: Any) -> bool:
    """Whether the graph is more than a chain, so that a column must say what feeds what."""
    if model._graph is None or hasattr(model, "_chain"):
        return False
    depths = model._graph.depths
    called = [node.operation for node in depths]
    beside = len(set(depths.values())) < len(depths) or len(set(called)) < len(called)
    return beside or any(len(node.inputs()) > 1 for node in depths)


def elements(variables: list[Variable]) -> int:
    """How many numbers variables hold."""
    return int(sum(np.prod(v.shape, dtype=np.int64) for v in variables))


def byte_count(tensors: Iterable[Any]) -> int:
    """The bytes that variables or symbolic tensors take."""
    return sum(
        math.prod(one.shape) * (8 if one.dtype == "bool" else bits(one.dtype)) // 8
        for one in tensors
    )


def _totals(model: Any) -> list[str]:
    trained, fixed = model.trainable_weights, model.non_trainable_weights
    optimizer = []
    if model.optimizer is not None and model.optimizer.built:
        optimizer = model.optimizer.variables
    groups = [
        ("Total params", [*trained, *fixed, *optimizer]),
        ("Trainable params", trained),
        ("Non-trainable params", fixed),
    ]
    groups += [("Optimizer params", optimizer)] if optimizer else []
    return [
        f" {title}: {elements(found):,} ({bytes_text(byte_count(found))})"
        for title, found in groups
    ]
