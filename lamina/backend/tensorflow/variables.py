"""Variables on TensorFlow: each is a `tf.Variable`, which assignments outside of frames change.

A function of the user's own, compiled by `tf.function`, may run inside a frame. It reads and
assigns the variables themselves: it is traced once, and serves inside of frames and outside of
them. So frames pass on what is assigned in them, unless they isolate their function.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from lamina.backend import frames
from lamina.backend.contract import LEAKED_TENSOR, LeakedTraceError
from lamina.backend.frames import ABSENT, local


class Cell(frames.Cell, tf.__internal__.types.Tensor):  # type: ignore[misc]
    """The place where a variable keeps its value: a `tf.Variable`.

    `tape.gradient` looks at what is called the handle of its sources as at a tensor: it goes by
    `_id` and `dtype`.
    """

    __slots__ = ()

    @property
    def _id(self) -> int:
        inside = found(self)
        return (self.value.handle if inside is ABSENT else inside)._id  # type: ignore[no-any-return]

    @property
    def dtype(self) -> tf.DType:
        return self.value.dtype


class Frame(frames.Frame):
    """A frame that knows the graph in which its function is traced.

    Attributes:
        graph: None where the function runs as it is.
        passes_on: whether variables are assigned at once, too.
    """

    graph: Any = None
    passes_on = False

    @classmethod
    def passing_on(cls, cells: Sequence[Cell], values: Sequence[Any]) -> Frame:
        """A frame that isolates its function as little as the frames around it do."""
        frame = cls(cells, values)
        around: Any = local.frame
        frame.passes_on = around is None or around.passes_on
        return frame

    def __enter__(self) -> Frame:
        self.graph = current_graph()
        super().__enter__()
        return self


class Substitution(frames.Substitution, Frame):  # type: ignore[misc]
    """A frame that hands out its values, and knows its graph."""


class VariableMixin:
    """What makes a variable a source of `tape.gradient` and an operand of TensorFlow's functions.

    Tapes follow the trainable variables that are read while they record, as they do `tf.Variable`.
    """

    _should_act_as_resource_variable = True

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return tf.convert_to_tensor(self.value, dtype, name=name)  # type: ignore[attr-defined]


def variable(value: tf.Tensor, trainable: bool, name: str) -> Cell:
    # A name in TensorFlow's alphabet; the full one is the cell's.
    return Cell(tf.Variable(value, trainable=trainable, name=name.rpartition("/")[2]), name)


def current_graph() -> Any:
    """The graph that is being made; None where what is asked for is done at once."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def inside(outer: Any) -> bool:
    """Whether code that runs now may use the tensors of a graph, or of none."""
    inner = current_graph()
    while inner is not outer and inner is not None:
        inner = getattr(inner, "outer_graph", None)
    return inner is outer


def framed() -> bool:
    """Whether the code that runs now is that of a frame, and no user's own function."""
    frame: Any = local.frame
    if frame is None:
        return False
    graph = current_graph()
    while graph is not frame.graph:
        # The graphs of branches and loops are of other classes; they belong to what is around.
        if graph is None or type(graph) is tf.__internal__.FuncGraph:
            return False
        graph = graph.outer_graph
    return True


def found(cell: Cell) -> Any:
    inside = frames.found(cell)
    if inside is ABSENT or framed():
        return inside
    if not local.frame.passes_on:  # type: ignore[union-attr]
        raise RuntimeError(
            f"A function compiled by tf.function reads the variable {cell.name!r} inside of a "
            "lamina transformation (stateless_call, vmap, scan, …) that gives it another value. "
            "Take tf.function off that function, or put lamina.jit in its place."
        )
    return ABSENT


def read(handle: Any) -> tf.Tensor:
    inside = found(handle)
    return handle.value.value() if inside is ABSENT else inside


def assign(handle: Any, value: tf.Tensor) -> None:
    frame: Any = local.frame
    if framed():
        # What gradients flow through is kept even where it is passed on.
        if not frame.passes_on or value.dtype.is_floating:
            frames.kept(handle, value)
        if not frame.passes_on:
            return
    elif frame is not None:
        _forget(handle)
    if tf.executing_eagerly() and tf.is_symbolic_tensor(value):
        raise LeakedTraceError(
            f"Variable {handle.name!r} was assigned a leaked tensor. {LEAKED_TENSOR}"
        )
    handle.value.assign(value, read_value=False)


def _forget(cell: Cell) -> None:
    """Let all frames read the variable itself from now on."""
    frame = local.frame
    while frame is not None:
        frame.values.pop(cell, None)
        frame.written.pop(cell, None)
        frame = frame.parent


def substitute(handles: Sequence[Any], values: Sequence[Any]) -> Substitution:
    return Substitution(handles, values, read)


def commit(frame: Frame) -> None:
    """Assign what was written in a frame that has been left, where it stands now."""
    for cell in () if frame.passes_on else frame.written:
        assign(cell, frame.values[cell])


@contextlib.contextmanager
def outside_trace() -> Iterator[None]:
    """Make variables here: concrete values, outside of every frame and graph."""
    frame, local.frame = local.frame, None
    try:
        with tf.init_scope():
            yield
    finally:
        local.frame = frame
