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
    if size and elements and unroll > 1:
        return _in_chunks(function, init, (elements, treedef), int(unroll), reverse)
    return step.looped(elements, size, reverse)


def _in_chunks(
    function: Function, init: Any, xs: tuple[list[tf.Tensor], Any], together: int, reverse: bool
) -> tuple[Any, Any]:
    """A loop of which each turn has `together` steps, and the steps left over at the end of `xs`:
    a turn costs as much as some steps of a small function do.
    """
    elements, treedef = xs
    size = elements[0].shape[0]
    whole = size - size % together

    def turn(carry: Any, rows: Any) -> tuple[Any, Any]:
        leaves, _ = flatten(rows)
        return _Step(function, carry, treedef).written_out(leaves, leaves[0].shape[0], reverse)

    def turns(carry: Any) -> tuple[Any, Any]:
        rows = [_regrouped(x[:whole], 1, whole // together, together) for x in elements]
        carry, ys = _Step(turn, carry, treedef).looped(rows, whole // together, reverse)
        return carry, optree.tree_map(lambda y: _regrouped(y, 2, whole), ys)

    def rest(carry: Any) -> tuple[Any, Any]:
        return turn(carry, optree.tree_unflatten(treedef, [x[whole:] for x in elements]))

    parts = [turns] if whole == size else [turns, rest]
    found = []
    for part in reversed(parts) if reverse else parts:
        init, ys = part(init)
        found.append(ys)
    if len(found) == 1:
        return init, found[0]
    first, last = reversed(found) if reverse else found
    return init, optree.tree_map(lambda one, other: tf.concat([one, other], 0), first, last)


def _regrouped(x: tf.Tensor, count: int, *sizes: int) -> tf.Tensor:
    """`x` with its first `count` axes of these sizes."""
    now = tf.shape(x)
    rest = [now[i] if x.shape[i] is None else x.shape[i] for i in range(count, x.shape.rank)]
    return tf.reshape(x, [*sizes, *rest])


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
        self, elements: Sequence[tf.Tensor], size: int | None, reverse: bool
    ) -> tuple[Any, Any]:
        """A loop in the graph. Rehearsed: the arrays of outputs are made before it."""
        count = tf.shape(elements[0])[0] if size is None else tf.constant(size)
        first = [tf.TensorSpec(x.shape[1:], x.dtype) for x in elements]
        rehearsal = Rehearsal(self, [*map(spec, self.start), *first])
        carry, outputs = rehearsal.output
        cells = rehearsal.cells if framed() else []
        arrays = [tf.TensorArray(x.dtype, count, element_shape=x.shape[1:]) for x in elements]
        arrays = [array.unstack(x) for array, x in zip(arrays, elements, strict=True)]
        ys = [tf.TensorArray(y.dtype, count, element_shape=y.shape) for y in outputs]
        parts = (len(carry), len(cells))

        def body(i: tf.Tensor, *flat: Any) -> list[Any]:
            place = count - 1 - i if reverse else i
            carry, values, ys = _split(flat, parts)
            row = [array.read(place) for array in arrays]
            (carry, output), values = inside(cells, values, self, *carry, *row)
            written = [array.write(place, y) for array, y in zip(ys, output, strict=True)]
            return [i + 1, *carry, *values, *written]

        start = [tf.constant(0), *self.start, *(read(cell) for cell in cells), *ys]
        shapes = [_general(a, b) for a, b in zip(self.start, carry, strict=True)]
        invariants = [one.shape if isinstance(one, tf.Tensor) else None for one in start]
        invariants[1 : 1 + len(shapes)] = shapes
        found = tf.while_loop(
            lambda i, *flat: i < count,
            body,
            start,
            shape_invariants=invariants
            if any(s.rank is None or None in s for s in shapes)
            else None,
            maximum_iterations=count,
        )
        carry, values, ys = _split(found[1:], parts)
        _commit(cells, values)
        return self._result(carry, [array.stack() for array in ys])


def _split(flat: Sequence[Any], parts: tuple[int, int]) -> tuple[list[Any], list[Any], list[Any]]:
    first, second = parts[0], sum(parts)
    return list(flat[:first]), list(flat[first:second]), list(flat[second:])


def _general(one: tf.Tensor, other: tf.Tensor) -> tf.TensorShape:
    return one.shape.most_specific_compatible_shape(other.shape)
