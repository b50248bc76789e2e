"""Control flow on TensorFlow: plain Python where values are known, else part of the graph.

Outside of frames, branches and loop bodies assign variables natively. Inside of one, which keeps
assignments for gradients to flow through, the variables that a function assigns are found by a
rehearsal, and their values are carried through.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import optree
import tensorflow as tf

from lamina.backend.tensorflow.graphs import Rehearsal, as_tensor, as_tensors, flatten, inside, spec
from lamina.backend.tensorflow.variables import Cell, assign, framed, read

Function = Callable[..., Any]


def _carried(*rehearsals: Rehearsal) -> list[Cell]:
    """The variables whose values are to be carried through."""
    return list(dict.fromkeys(cell for one in rehearsals for cell in one.cells))


def _commit(cells: Sequence[Cell], values: Sequence[tf.Tensor]) -> None:
    for cell, value in zip(cells, values, strict=True):
        assign(cell, value)


# Branches -----------------------------------------------------------------------------------


def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    if tf.executing_eagerly():
        return as_tensors(true_fn() if pred else false_fn())
    return _branched([true_fn, false_fn], lambda branches: tf.cond(pred, *branches))


def switch(index: Any, branches: Sequence[Function], operands: Sequence[Any]) -> Any:
    last = len(branches) - 1
    if tf.executing_eagerly():
        return as_tensors(branches[min(max(int(index), 0), last)](*operands))
    functions = [functools.partial(branch, *operands) for branch in branches]
    clipped = tf.clip_by_value(index, 0, last)
    return _branched(functions, lambda branches: tf.switch_case(clipped, branches))


def _branched(functions: Sequence[Function], choose: Callable[[list[Function]], Any]) -> Any:
    cells: list[Cell] = []
    if framed():
        cells = _carried(*(Rehearsal(function, ()) for function in functions))
    before = [read(cell) for cell in cells]
    structures: list[Any] = []

    def flat(function: Function) -> list[tf.Tensor]:
        output, values = inside(cells, before, function)
        leaves, treedef = flatten(output)
        structures.append(treedef)
        if treedef != structures[0]:
            raise TypeError(
                "The branches of a cond or switch return different structures: "
                f"{structures[0]} and {treedef}."
            )
        return [*map(as_tensor, leaves), *values]

    found = choose([functools.partial(flat, function) for function in functions])
    # TensorFlow returns a lone tensor of a list as it is.
    results = [found] if isinstance(found, tf.Tensor) else list(found or ())
    count = len(results) - len(cells)
    _commit(cells, results[count:])
    return optree.tree_unflatten(structures[0], results[:count])


# Loops --------------------------------------------------------------------------------------


def while_loop(cond: Function, body: Function, loop_vars: tuple[Any, ...]) -> Any:
    if tf.executing_eagerly():
        while cond(*loop_vars):
            loop_vars = tuple(body(*loop_vars))
        return as_tensors(loop_vars)
    leaves, treedef = flatten(tuple(loop_vars))
    start = [as_tensor(leaf) for leaf in leaves]

    def step(*flat: Any) -> list[tf.Tensor]:
        output = tuple(body(*optree.tree_unflatten(treedef, flat)))
        return _alike(start, treedef, output)

    cells = _carried(Rehearsal(step, [spec(x) for x in start])) if framed() else []
    count = len(start)

    def test(*flat: Any) -> Any:
        args = optree.tree_unflatten(treedef, flat[:count])
        return inside(cells, flat[count:], cond, *args)[0]

    def next_(*flat: Any) -> list[tf.Tensor]:
        output, values = inside(cells, flat[count:], step, *flat[:count])
        return [*output, *values]

    result = tf.while_loop(test, next_, [*start, *(read(cell) for cell in cells)])
    _commit(cells, result[count:])
    return optree.tree_unflatten(treedef, result[:count])


def _alike(start: Sequence[tf.Tensor], treedef: Any, tree: Any) -> list[tf.Tensor]:
    """The leaves of what a loop carries on, which has the structure that it started with."""
    leaves, found = flatten(tree)
    if found != treedef:
        raise TypeError(f"A loop carries {treedef}, and its body returned {found}.")
    return [as_tensor(leaf, one.dtype) for leaf, one in zip(leaves, start, strict=True)]


def scan(
    function: Function, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool
) -> tuple[Any, Any]:
    leaves, treedef = flatten(xs)
    elements = [as_tensor(leaf) for leaf in leaves]
    size = elements[0].shape[0] if elements else length
    step = _Step(function, init, treedef)
    short = size is not None and (unroll is True or size <= int(unroll))
    if size and (tf.executing_eagerly() or short):
        return step.written_out(elements, size, reverse)
    together = int(unroll) if size and elements else 1
    return step.looped(elements, size, reverse, together)


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
        return _alike(self.start, self.carry, carry), [as_tensor(leaf) for leaf in leaves]

    def _result(self, carry: Sequence[tf.Tensor], ys: Sequence[tf.Tensor]) -> tuple[Any, Any]:
        last = optree.tree_unflatten(self.carry, carry)
        return last, optree.tree_unflatten(self.outputs, ys)

    def written_out(
        self, elements: Sequence[tf.Tensor], size: int, reverse: bool
    ) -> tuple[Any, Any]:
        """One step after the other; `size` is not 0."""
        rows = list(zip(*(tf.unstack(x, size) for x in elements), strict=True)) or [()] * size
        carry, outputs = self.start, []
        for row in reversed(rows) if reverse else rows:
            carry, output = self(*carry, *row)
            outputs.append(output)
        if reverse:
            outputs.reverse()
        return self._result(carry, [tf.stack(ys) for ys in zip(*outputs, strict=True)])

    def looped(
        self, elements: Sequence[tf.Tensor], size: int | None, reverse: bool, together: int
    ) -> tuple[Any, Any]:
        """A loop in the graph, of `together` steps in each turn, which costs as much as some steps
        of a small function do; the steps left over, of a known `size`, are at the end of the
        elements. Rehearsed: the arrays of outputs are made before it.
        """
        turns = tf.shape(elements[0])[0] if size is None else tf.constant(size // together)
        count = turns if size is None else size
        first = [tf.TensorSpec(x.shape[1:], x.dtype) for x in elements]
        rehearsal = Rehearsal(self, [*map(spec, self.start), *first], framed())
        carry, outputs = rehearsal.output
        cells = rehearsal.cells
        parts = (len(carry), len(cells))
        # Written step by step: stacking what a turn puts out takes longer.
        ys = [tf.TensorArray(y.dtype, count, element_shape=y.shape) for y in outputs]

        def steps(
            rows: Sequence[Sequence[tf.Tensor]], place: Any, carry: Any, values: Any, ys: Any
        ) -> tuple[Any, Any, Any]:
            """Those of rows that lie at `place` and behind it."""
            order = list(enumerate(zip(*rows, strict=True))) if rows else [(0, ())]
            for k, row in reversed(order) if reverse else order:
                (carry, output), values = inside(cells, values, self, *carry, *row)
                ys = [array.write(place + k, y) for array, y in zip(ys, output, strict=True)]
            return carry, values, ys

        def body(i: tf.Tensor, *flat: Any) -> list[Any]:
            turn = turns - 1 - i if reverse else i
            rows = [tf.unstack(array.read(turn), together) for array in arrays]
            carry, values, ys = steps(rows, turn * together, *_split(flat, parts))
            return [i + 1, *carry, *values, *ys]

        left_over = size % together if size else 0
        whole = size - left_over if size else count
        arrays = [_by_turns(x[:whole] if left_over else x, turns, together) for x in elements]
        rest = [tf.unstack(x[whole:], left_over) for x in elements] if left_over else []
        state = self.start, [read(cell) for cell in cells], ys
        if reverse and left_over:
            state = steps(rest, whole, *state)
        start = [tf.constant(0), *state[0], *state[1], *state[2]]
        shapes = [_general(a, b) for a, b in zip(self.start, carry, strict=True)]
        invariants = [one.shape if isinstance(one, tf.Tensor) else None for one in start]
        invariants[1 : 1 + len(shapes)] = shapes
        found = tf.while_loop(
            lambda i, *flat: i < turns,
            body,
            start,
            shape_invariants=invariants
            if any(s.rank is None or None in s for s in shapes)
            else None,
            maximum_iterations=turns,
        )
        state = _split(found[1:], parts)
        if left_over and not reverse:
            state = steps(rest, whole, *state)
        carry, values, ys = state
        _commit(cells, values)
        return self._result(carry, [array.stack() for array in ys])


def _by_turns(x: tf.Tensor, turns: tf.Tensor, together: int) -> tf.TensorArray:
    """Elements, those of a turn in one tensor."""
    now = tf.shape(x)
    rest = [now[i] if size is None else size for i, size in enumerate(x.shape[1:], 1)]
    array = tf.TensorArray(x.dtype, turns, element_shape=[together, *x.shape[1:]])
    return array.unstack(tf.reshape(x, [turns, together, *rest]))


def _split(flat: Sequence[Any], parts: tuple[int, int]) -> tuple[list[Any], list[Any], list[Any]]:
    first, second = parts[0], sum(parts)
    return list(flat[:first]), list(flat[first:second]), list(flat[second:])


def _general(one: tf.Tensor, other: tf.Tensor) -> tf.TensorShape:
    return one.shape.most_specific_compatible_shape(other.shape)
