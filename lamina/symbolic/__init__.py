"""Symbolic tensors and the graphs they belong to."""

from lamina.symbolic.graph import Node, Operation, auto_name, nodes_between, run_graph
from lamina.symbolic.tensor import KerasTensor, infer, inferring, is_keras_tensor

__all__ = [
    "KerasTensor",
    "Node",
    "Operation",
    "auto_name",
    "infer",
    "inferring",
    "is_keras_tensor",
    "nodes_between",
    "run_graph",
]
