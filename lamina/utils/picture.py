"""A picture of a model's graph: one box a layer, an arrow for each tensor."""

from __future__ import annotations

import itertools
import pathlib
from typing import Any

from lamina.core.layer import Layer
from lamina.symbolic import dimension
from lamina.symbolic.tensor import leaves


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Any:
    """The model as a graph of pydot.

    Args:
        model: a built model; a subclass without a graph is drawn as a chain of its layers.
        show_shapes: whether boxes give the shapes of inputs and outputs.
        show_dtype: whether they give the types.
        show_layer_names: whether they give the layers' names.
        rankdir: `"TB"` from top to bottom, `"LR"` from left to right.
        expand_nested: whether models inside become clusters of boxes.
        dpi: dots an inch.
        subgraph: whether to return a cluster, for a larger graph.
        show_layer_activations: whether they give the activation functions.
        show_trainable: whether they say what training changes.

    Returns:
        A `pydot.Dot`, or a `pydot.Cluster` with `subgraph`.

    Raises:
        ImportError: if pydot is not installed; says how to install it.
        ValueError: if the model is not built.
    """
    if kwargs:
        raise TypeError(f"model_to_dot has no argument {', '.join(kwargs)}.")
    pydot = _pydot()
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built, so its layers' shapes are unknown: call it on "
            "data, or build(input_shape)."
        )
    if subgraph:
        graph = pydot.Cluster(graph_name=f"cluster_{model.name}", label=f'"{model.name}"')
    else:
        graph = pydot.Dot(graph_type="digraph", rankdir=rankdir, dpi=dpi, splines="spline")
    graph.set_node_defaults(
        shape="box",
        style="rounded,filled",
        fillcolor="#eef2f7",
        color="#46566b",
        fontname="Helvetica",
        fontsize="11",
        margin="0.18,0.1",
    )
    options = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    _draw(pydot, graph, model, options, expand_nested, prefix="")
    return graph


def plot_model(
    model: Any,
    to_file: str = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Any:
    """Write a picture of the model's graph to a file; arguments as `model_to_dot`.

    Args:
        model: a built model.
        to_file: a path that ends in `.png`, `.svg`, `.pdf` or `.dot`; the last needs no Graphviz.

    Returns:
        An `IPython.display.Image` of a `.png` in a notebook, else None.

    Raises:
        ImportError: if pydot, or Graphviz's `dot` command, is not installed.
    """
    graph = model_to_dot(
        model,
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        **kwargs,
    )
    path = pathlib.Path(to_file)
    form = path.suffix.removeprefix(".").lower() or "png"
    try:
        graph.write(str(path), format="raw" if form == "dot" else form)
    except FileNotFoundError as error:
        raise ImportError(
            "plot_model draws with Graphviz, whose `dot` command was not found. Install Graphviz "
            "(https://graphviz.org/download), or write a file that ends in .dot."
        ) from error
    return _shown(path) if form == "png" else None


def _shown(path: pathlib.Path) -> Any:
    try:
        from IPython import display, get_ipython
    except ImportError:
        return None
    return display.Image(filename=str(path)) if get_ipython() is not None else None


def _pydot() -> Any:
    try:
        import pydot
    except ImportError as error:
        raise ImportError(
            "Pictures of models need pydot: pip install 'lamina[pictures]', and Graphviz."
        ) from error
    return pydot


def _draw(
    pydot: Any, graph: Any, model: Any, options: dict[str, bool], expand: bool, prefix: str
) -> None:
    chain = model._graph is None
    operations = model.layers if chain else model._graph.operations
    for one in operations:
        key = f"{prefix}{one.name}"
        if expand and getattr(one, "_graph", None) is not None:
            inner = pydot.Cluster(graph_name=f"cluster_{key}", label=f'"{one.name}"')
            _draw(pydot, inner, one, options, expand, prefix=f"{key}/")
            graph.add_subgraph(inner)
        else:
            graph.add_node(pydot.Node(f'"{key}"', label=_label(one, options)))
    for source, target in _edges(model, operations, chain):
        ends = (_end(source, expand, prefix, last=True), _end(target, expand, prefix, last=False))
        graph.add_edge(pydot.Edge(*ends, color="#46566b", arrowsize="0.7"))


def _edges(model: Any, operations: list[Any], chain: bool) -> list[tuple[Any, Any]]:
    if chain:
        return list(itertools.pairwise(operations))
    return [
        (tensor.history.node.operation, node.operation)
        for node in model._graph.nodes
        for tensor in node.inputs()
        if tensor.history is not None
    ]


def _end(operation: Any, expand: bool, prefix: str, last: bool) -> str:
    """The box that an arrow ends at: inside an expanded model, its first or last layer."""
    key = f"{prefix}{operation.name}"
    while expand and getattr(operation, "_graph", None) is not None:
        graph = operation._graph
        tensor = graph.flat_outputs[0] if last else graph.flat_inputs[0]
        operation = tensor.history.node.operation
        key = f"{key}/{operation.name}"
    return f'"{key}"'


def _label(operation: Any, options: dict[str, bool]) -> str:
    kind = getattr(operation, "class_name", type(operation).__name__)
    lines = [f"{operation.name} ({kind})" if options["names"] else kind]
    activation = getattr(operation, "activation", None)
    if options["activations"] and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', activation)}")
    nodes = operation.inbound_nodes
    if nodes and options["shapes"]:
        lines.append(f"in: {_shapes(nodes[0].inputs()) or '-'}")
        lines.append(f"out: {_shapes(leaves(nodes[0].outputs))}")
    if nodes and options["dtype"]:
        lines.append(", ".join(one.dtype for one in leaves(nodes[0].outputs)))
    if options["trainable"] and isinstance(operation, Layer):
        lines.append("trainable" if operation.trainable else "not trainable")
    return '"' + r"\n".join(lines) + '"'


def _shapes(tensors: list[Any]) -> str:
    return ", ".join(str(dimension.reveal(one.shape)) for one in tensors)
