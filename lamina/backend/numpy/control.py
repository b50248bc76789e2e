"""Variables and transformations on NumPy: plain Python, without gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import optree

from lamina.backend.contract import Spec, differing_writes
from lamina.backend.frames import ABSENT, Cell, Frame, Substitution, found, kept

Function = Callable[..., Any]


def read(handle: Cell) -> Any:
    value = found(handle)
    return handle.value if value is ABSENT else value


def assign(handle: Cell, value: Any) -> None:
    if not kept(handle, value):
        handle.value = value


@contextlib.contextmanager
def substitute(handles: Sequence[Cell], values: Sequence[Any]) -> Iterator[Callable[[Cell], Any]]:
    with Substitution(handles, values, read) as value_of:
        yield value_of


def jit(function: Function, jit_compile: bool | None = None, reads: Any = None) -> Function:
    return function


def value_and_grad(
    function: Function, handles: Sequence[Any] | None, argnums: Any, has_aux: bool
) -> Function:
    return _no_gradients


def jvp(
    function: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool
) -> NoReturn:
    _no_gradients()


def _no_gradients(*args: Any, **kwargs: Any) -> NoReturn:
    raise NotImplementedError(
        "The backend 'numpy' computes no gradients, so it cannot train. Set KERAS_BACKEND to "
        "'jax' or 'torch' before the program starts."
    )


def remat(function: Function) -> Function:
    return function


def custom_gradient(function: Function) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        output, _ = function(*args, **kwargs)
        return output

    return call


def _stacked(trees: Sequence[Any], axis: int = 0) -> Any:
    return optree.tree_map(lambda *leaves: np.stack(leaves, axis), *trees)


def vmap(function: Function, in_axes: Any, out_axes: Any) -> Function:
    def call(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, (list, tuple)) else [in_axes] * len(args)
        pairs = list(zip(args, axes, strict=True))
        size = next(
            optree.tree_leaves(arg)[0].shape[axis] for arg, axis in pairs if axis is not None
        )
        results, frames = [], []
        for i in range(size):
            with Frame() as frame:
                results.append(function(*(_part(arg, axis, i) for arg, axis in pairs)))
            frames.append(frame)
        _commit(frames)
        if not isinstance(out_axes, (list, tuple)):
            return _stacked(results, out_axes)
        columns = zip(zip(*results, strict=True), out_axes, strict=True)
        return tuple(_stacked(column, axis) for column, axis in columns)

    return call


def _commit(frames: list[Frame]) -> None:
    """Assign what every element of a map assigned alike."""
    first = frames[0]
    for frame in frames[1:]:
        pairs = zip(first.writes(), frame.writes(), strict=True)
        if not all(np.array_equal(one, other) for one, other in pairs):
            raise differing_writes(list(first.written))
    for cell, value in zip(first.written, first.writes(), strict=True):
        assign(cell, value)


def _part(tree: Any, axis: int | None, i: int) -> Any:
    if axis is None:
        return tree
    return optree.tree_map(lambda leaf: np.take(leaf, i, axis), tree)


def scan(
    function: Function, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool
) -> tuple[Any, Any]:
    carry, outputs = init, []
    leaves = optree.tree_leaves(xs)
    steps = range(len(leaves[0]) if leaves else length or 0)
    for i in reversed(steps) if reverse else steps:
        carry, output = function(carry, _part(xs, 0, i))
        outputs.append(output)
    if reverse:
        outputs.reverse()
    return carry, _stacked(outputs) if outputs else None


def while_loop(cond: Function, body: Function, loop_vars: tuple[Any, ...]) -> Any:
    while cond(*loop_vars):
        loop_vars = tuple(body(*loop_vars))
    return loop_vars


def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    return true_fn() if pred else false_fn()


def switch(index: Any, branches: Sequence[Function], operands: Sequence[Any]) -> Any:
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def eval_shape(function: Function, specs: Sequence[Any]) -> Any:
    def zeros(leaf: Any) -> Any:
        return np.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, Spec) else leaf

    output = function(*(optree.tree_map(zeros, spec) for spec in specs))
    return optree.tree_map(lambda leaf: Spec(leaf.shape, leaf.dtype.name), output)
