"""Symbolic tensors and the graphs they belong to."""

from lamina.symbolic.graph import Node, Operation, Program, auto_name, nodes_between
from lamina.symbolic.tensor import KerasTensor, infer, inferring

__all__ = [
    "KerasTensor",
    "Node",
    "Operation",
    "Program",
    "auto_name",
    "infer",
    "inferring",
    "nodes_between",
]
