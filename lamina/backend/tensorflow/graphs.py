"""Graphs: what is common to the transformations that trace a function into one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import optree
import tensorflow as tf

from lamina.backend.config import settings
from lamina.backend.tensorflow.variables import Cell, Frame

Function = Callable[..., Any]


def as_tensor(leaf: Any, dtype: Any = None) -> tf.Tensor:
    """A leaf of arguments or results as a tensor; Python numbers as `dtype`, else as int32, floatx.

    Raises:
        TypeError, ValueError: if it is none.
    """
    if isinstance(leaf, tf.Tensor):
        return leaf
    if type(leaf) is int:
        return tf.constant(leaf, dtype or tf.int32)
    if type(leaf) is float:
        return tf.constant(leaf, dtype or settings.floatx)
    return tf.convert_to_tensor(leaf)


def as_tensors(tree: Any) -> Any:
    """`tree` with tensors for its leaves."""
    return optree.tree_map(as_tensor, tree)


def flatten(tree: Any, none_is_leaf: bool = False) -> tuple[list[Any], Any]:
    """The leaves of `tree`, and its structure."""
    return optree.tree_flatten(tree, none_is_leaf=none_is_leaf)


class Rehearsal:
    """A function traced into a graph that is thrown away, to see what it returns and assigns.

    Attributes:
        output: its result, of tensors of that graph.
        cells: the variables that it assigns, where `framed` says to look for them.
    """

    def __init__(
        self, function: Function, inputs: Sequence[tf.TensorSpec], framed: bool = True
    ) -> None:
        frame = Frame()
        with tf.__internal__.FuncGraph("rehearsal").as_default():
            self.inputs = [tf.compat.v1.placeholder(one.dtype, one.shape) for one in inputs]
            with frame if framed else contextlib.nullcontext():
                self.output = as_tensors(function(*self.inputs))
        self.cells: list[Any] = list(frame.written)

    def depends(self, x: tf.Tensor) -> bool:
        """Whether a tensor of the graph is computed from the inputs."""
        sources = {id(one.op) for one in self.inputs}
        seen: set[int] = set()
        waiting = [x.op]
        while waiting:
            op = waiting.pop()
            if id(op) in sources:
                return True
            if id(op) not in seen:
                seen.add(id(op))
                waiting.extend(one.op for one in op.inputs)
        return False


def spec(x: tf.Tensor) -> tf.TensorSpec:
    """The shape and type of a tensor."""
    return tf.TensorSpec(x.shape, x.dtype)


def inside(
    cells: Sequence[Cell], values: Sequence[Any], function: Function, *args: Any
) -> tuple[Any, list[Any]]:
    """`function(*args)` where `cells` have `values`: its result, and their values after it.

    Without cells no frame is made, so that variables are read and assigned natively.
    """
    if not cells:
        return function(*args), []
    with Frame(cells, values) as frame:
        output = function(*args)
    return output, [frame.values[cell] for cell in cells]
