"""Scans on TensorFlow: written out where they are short or values are known, else graph loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import optree
import tensorflow as tf

from lamina.backend.tensorflow.control import alike, commit
from lamina.backend.tensorflow.graphs import Rehearsal, as_tensor, flatten, inside, spec
from lamina.backend.tensorflow.variables import framed, read

Function = Callable[..., Any]
# What goes from step to step: the carry, the values of the variables that are assigned, and an
# array for each output.
State: TypeAlias = tuple[Sequence[Any], Sequence[Any], Sequence[Any]]


def scan(
    function: Function, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool
) -> tuple[Any, Any]:
    leaves, treedef = flatten(xs)
    elements = [as_tensor(leaf) for leaf in leaves]
    size = elements[0].shape[0] if elements else length
    step = _Step(function, init, treedef)
    short = size is not None and (unroll is True or size <= int(unroll))
    if size and (tf.executing_eagerly() or short):
        return _written_out(step, elements, size, reverse)
    if size is None:
        size, together = tf.shape(elements[0])[0], 1
    else:
        together = int(unroll) if size and elements else 1
    return _looped(step, elements, size, reverse, together)


class _Step:
    """The body of a scan: a function of a carry and an element."""

    def __init__(self, function: Function, init: Any, elements: Any) -> None:
        self.function = function
        leaves, self.carry = flatten(init)
        self.start = [as_tensor(leaf) for leaf in leaves]
        self.elements = elements
        self.outputs: Any = None

    def __call__(self, *flat: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Flat carry and element in, the next carry and the output out, flat too."""
        count = len(self.start)
        carry = optree.tree_unflatten(self.carry, flat[:count])
        element = optree.tree_unflatten(self.elements, flat[count:])
        carry, output = self.function(carry, element)
        leaves, self.outputs = flatten(output)
        return alike(self.start, self.carry, carry), [as_tensor(leaf) for leaf in leaves]

    def result(self, carry: Sequence[tf.Tensor], ys: Sequence[tf.Tensor]) -> tuple[Any, Any]:
        last = optree.tree_unflatten(self.carry, carry)
        return last, optree.tree_unflatten(self.outputs, ys)


def _written_out(
    step: _Step, elements: Sequence[tf.Tensor], size: int, reverse: bool
) -> tuple[Any, Any]:
    """One step after the other; `size` is not 0."""
    rows = list(zip(*(tf.unstack(x, size) for x in elements), strict=True)) or [()] * size
    carry, outputs = step.start, []
    for row in reversed(rows) if reverse else rows:
        carry, output = step(*carry, *row)
        outputs.append(output)
    if reverse:
        outputs.reverse()
    return step.result(carry, [tf.stack(ys) for ys in zip(*outputs, strict=True)])


def _looped(
    step: _Step, elements: Sequence[tf.Tensor], size: Any, reverse: bool, together: int
) -> tuple[Any, Any]:
    """Turns of `together` steps each; the steps left over are at the end of the elements."""
    turns, rest = size // together, size % together if together > 1 else 0
    whole = turns * together
    loop = _Loop(step, elements, size, reverse)
    left_over = [tf.unstack(x[whole:], rest) for x in elements] if rest else []
    if rest and reverse:
        loop.state = loop.after(left_over, whole, loop.state)
    arrays = [_by_turns(x[:whole] if rest else x, turns, together) for x in elements]
    loop.run(arrays, turns, together)
    if rest and not reverse:
        loop.state = loop.after(left_over, whole, loop.state)
    carry, values, ys = loop.state
    commit(loop.cells, values)
    return step.result(carry, [array.stack() for array in ys])


class _Loop:
    """A scan in the graph, and its state so far."""

    def __init__(
        self, step: _Step, elements: Sequence[tf.Tensor], size: Any, reverse: bool
    ) -> None:
        self.step, self.reverse = step, reverse
        # Rehearsed: the arrays of outputs are made before the loop.
        first = [tf.TensorSpec(x.shape[1:], x.dtype) for x in elements]
        rehearsal = Rehearsal(step, [*map(spec, step.start), *first], framed())
        carry, outputs = rehearsal.output
        self.cells = rehearsal.cells
        self.shapes = [_general(a, b) for a, b in zip(step.start, carry, strict=True)]
        # Written step by step: stacking what a turn puts out takes longer.
        ys = [tf.TensorArray(y.dtype, size, element_shape=y.shape) for y in outputs]
        self.state: State = step.start, [read(cell) for cell in self.cells], ys

    def after(self, rows: Sequence[Sequence[tf.Tensor]], place: Any, state: State) -> State:
        """The state after the steps over `rows`, which lie at `place` and behind it."""
        carry, values, ys = state
        order = list(enumerate(zip(*rows, strict=True))) if rows else [(0, ())]
        for k, row in reversed(order) if self.reverse else order:
            (carry, output), values = inside(self.cells, values, self.step, *carry, *row)
            ys = [array.write(place + k, y) for array, y in zip(ys, output, strict=True)]
        return carry, values, ys

    def run(self, arrays: Sequence[tf.TensorArray], turns: Any, together: int) -> None:
        """The turns; one costs as much as some steps of a small function do."""

        def body(i: tf.Tensor, *flat: Any) -> list[Any]:
            turn = turns - 1 - i if self.reverse else i
            rows = [tf.unstack(array.read(turn), together) for array in arrays]
            state = self.after(rows, turn * together, self._split(flat))
            return [i + 1, *state[0], *state[1], *state[2]]

        start = [tf.constant(0), *self.state[0], *self.state[1], *self.state[2]]
        invariants = [one.shape if isinstance(one, tf.Tensor) else None for one in start]
        invariants[1 : 1 + len(self.shapes)] = self.shapes
        unknown = any(shape.rank is None or None in shape for shape in self.shapes)
        found = tf.while_loop(
            lambda i, *flat: i < turns,
            body,
            start,
            shape_invariants=invariants if unknown else None,
            maximum_iterations=turns,
        )
        self.state = self._split(found[1:])

    def _split(self, flat: Sequence[Any]) -> State:
        first = len(self.step.start)
        second = first + len(self.cells)
        return list(flat[:first]), list(flat[first:second]), list(flat[second:])


def _by_turns(x: tf.Tensor, turns: Any, together: int) -> tf.TensorArray:
    """Elements, those of a turn in one tensor."""
    now = tf.shape(x)
    rest = [now[i] if size is None else size for i, size in enumerate(x.shape[1:], 1)]
    array = tf.TensorArray(x.dtype, turns, element_shape=[together, *x.shape[1:]])
    return array.unstack(tf.reshape(x, [turns, together, *rest]))


def _general(one: tf.Tensor, other: tf.Tensor) -> tf.TensorShape:
    return one.shape.most_specific_compatible_shape(other.shape)
