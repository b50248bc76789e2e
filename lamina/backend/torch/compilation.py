"""Functions compiled by Inductor, PyTorch's compiler.

`torch.compile` follows Python code and breaks a program where it cannot, which in a library with
state is often. So the function is run once on tensors without values instead, the variables lifted
to inputs and outputs, and what PyTorch itself was asked to compute is handed to Inductor: one graph
for a whole training step, its gradients included, and one for each structure, shape and type of the
arguments. `torch.compile` is left out even there: to follow the 6,000 calls of a step of GPT-2,
which have no Python left in them, takes it 10 s of a minute and more.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from lamina.backend.frames import Cell, Frame, local
from lamina.backend.session import guard
from lamina.backend.torch.devices import placed

Function = Callable[..., Any]


class _Missed(Exception):
    """The trace read variables that it was not given."""


class _Compiled:
    """One trace of a function: the variables it reads and writes, and the compiled graph."""

    def __init__(self, function: Function, cells: list[Cell], leaves: list[Any], structure: Any):
        def pure(*given: torch.Tensor) -> Any:
            known = len(cells)
            args, kwargs = structure.unflatten(_merged(leaves, given[known:]))
            with Frame(cells, given[:known]) as frame:
                output = function(*args, **kwargs)
            missing = [cell for cell in frame.missed if cell not in cells]
            cells.extend(missing)
            if missing:
                raise _Missed
            found, self.structure = optree.tree_flatten(output, none_is_leaf=True)
            self.constant = [None if isinstance(one, torch.Tensor) else one for one in found]
            self.written = list(frame.written)
            return (*(one for one in found if isinstance(one, torch.Tensor)), *frame.writes())

        with torch.no_grad():
            while True:
                given = _tensors(cells, leaves)
                try:
                    trace = make_fx(pure, tracing_mode="fake", _allow_non_fake_inputs=True)
                    graph = trace(*given)
                    break
                except _Missed:
                    continue
            inductor = importlib.import_module("torch._inductor")  # which takes a second
            self.program = inductor.compile(graph, given)
        self.cells = cells[:]  # later traces of the same function may find more
        self.kinds = [_key(cell.value) for cell in self.cells]

    def fits(self) -> bool:
        """Whether the variables have the shapes, types and devices that it was compiled for."""
        return [_key(cell.value) for cell in self.cells] == self.kinds

    def __call__(self, leaves: list[Any]) -> Any:
        with torch.no_grad():
            results = self.program(*_tensors(self.cells, leaves))
            outputs = len(results) - len(self.written)
            if self.written:
                torch._foreach_copy_([cell.value for cell in self.written], results[outputs:])
        remaining = iter(results[:outputs])
        merged = [next(remaining) if one is None else one for one in self.constant]
        return self.structure.unflatten(merged)


def _tensors(cells: Sequence[Cell], leaves: Sequence[Any]) -> list[torch.Tensor]:
    """What a graph is given: the values of variables, and the tensors among the arguments."""
    values = [cell.value.detach() for cell in cells]
    return values + [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def _merged(leaves: list[Any], tensors: Sequence[Any]) -> list[Any]:
    remaining = iter(tensors)
    return [next(remaining) if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]


def _input(leaf: Any) -> Any:
    """Numbers and arrays as tensors; the rest is part of the structure."""
    numeric = isinstance(leaf, (int, float, complex, np.ndarray, np.generic))
    return placed(leaf, None) if numeric and not isinstance(leaf, bool) else leaf


def _key(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return (leaf.shape, leaf.stride(), leaf.dtype, leaf.device)
    return leaf


def compiled(function: Function, reads: Callable[[], Sequence[Cell]] | None) -> Function:
    """`function` compiled, or as it is, with a warning, where it cannot be."""
    traces: dict[Any, _Compiled] = {}
    cells: list[Cell] = []
    refused = False

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal refused
        if refused or local.frame is not None:  # or part of a larger trace
            return function(*args, **kwargs)
        given: Any = (args, kwargs)
        flat, structure = optree.tree_flatten(given, none_is_leaf=True)
        leaves = [_input(leaf) for leaf in flat]
        key = (structure, guard.value, *map(_key, leaves))
        try:
            if reads is not None and not cells:
                cells.extend(reads())
            if key not in traces or not traces[key].fits():
                traces[key] = _Compiled(function, cells, leaves, structure)
            return traces[key](leaves)
        except Exception as error:
            failure = error
        result = function(*args, **kwargs)  # which may raise an error of the program's own
        refused = True
        reason = str(failure).strip().partition("\n")[0] or type(failure).__name__
        warnings.warn(
            f"jit_compile=True: PyTorch cannot compile {function.__name__!r}, which runs "
            f"uncompiled from now on. It said: {reason[:300]}",
            stacklevel=2,
        )
        return result

    return call
