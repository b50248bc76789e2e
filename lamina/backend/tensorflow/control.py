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


def commit(cells: Sequence[Cell], values: Sequence[tf.Tensor]) -> None:
    for cell, value in zip(cells, values, strict=True):
        assign(cell, value)


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
    commit(cells, results[count:])
    return optree.tree_unflatten(structures[0], results[:count])


def while_loop(cond: Function, body: Function, loop_vars: tuple[Any, ...]) -> Any:
    if tf.executing_eagerly():
        while cond(*loop_vars):
            loop_vars = tuple(body(*loop_vars))
        return as_tensors(loop_vars)
    leaves, treedef = flatten(tuple(loop_vars))
    start = [as_tensor(leaf) for leaf in leaves]

    def step(*flat: Any) -> list[tf.Tensor]:
        output = tuple(body(*optree.tree_unflatten(treedef, flat)))
        return alike(start, treedef, output)

    cells = _carried(Rehearsal(step, [spec(x) for x in start])) if framed() else []
    count = len(start)

    def test(*flat: Any) -> Any:
        args = optree.tree_unflatten(treedef, flat[:count])
        return inside(cells, flat[count:], cond, *args)[0]

    def next_(*flat: Any) -> list[tf.Tensor]:
        output, values = inside(cells, flat[count:], step, *flat[:count])
        return [*output, *values]

    result = tf.while_loop(test, next_, [*start, *(read(cell) for cell in cells)])
    commit(cells, result[count:])
    return optree.tree_unflatten(treedef, result[:count])


def alike(start: Sequence[tf.Tensor], treedef: Any, tree: Any) -> list[tf.Tensor]:
    """The leaves of what a loop carries on, which has the structure that it started with."""
    leaves, found = flatten(tree)
    if found != treedef:
        raise TypeError(f"A loop carries {treedef}, and its body returned {found}.")
    return [as_tensor(leaf, one.dtype) for leaf, one in zip(leaves, start, strict=True)]
