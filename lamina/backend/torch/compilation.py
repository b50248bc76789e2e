"""Functions compiled by Inductor, PyTorch's compiler.

`torch.compile` follows Python code and breaks a program where it cannot, which in a library with
state is often. So the function is run once on tensors without values instead, the variables lifted
to inputs and outputs, and what PyTorch itself was asked to compute is handed to `torch.compile`:
one graph for a whole training step, its gradients included, and one for each structure, shape and
type of the arguments.
"""

from __future__ import annotations

import functools
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
        self.cells = cells

        def pure(values: list[Any], tensors: list[Any]) -> Any:
            args, kwargs = structure.unflatten(_merged(leaves, tensors))
            with Frame(cells, values) as frame:
                output = function(*args, **kwargs)
            missing = [cell for cell in frame.missed if cell not in cells]
            cells.extend(missing)
            if missing:
                raise _Missed
            found, self.structure = optree.tree_flatten(output, none_is_leaf=True)
            self.constant = [None if isinstance(one, torch.Tensor) else one for one in found]
            self.written = list(frame.written)
            return [one for one in found if isinstance(one, torch.Tensor)], frame.writes()

        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        while True:
            try:
                trace = make_fx(pure, tracing_mode="fake", _allow_non_fake_inputs=True)
                graph = trace(self._values(), tensors)
                break
            except _Missed:
                continue
        self.program = torch.compile(graph, dynamic=False, fullgraph=True)
        self.given = len(cells)  # later traces of the same function may find more

    def _values(self) -> list[torch.Tensor]:
        return [cell.value.detach() for cell in self.cells]

    def __call__(self, leaves: list[Any]) -> Any:
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        with torch.no_grad():
            found, values = self.program(self._values()[: self.given], tensors)
            if self.written:
                torch._foreach_copy_([cell.value for cell in self.written], values)
        remaining = iter(found)
        merged = [next(remaining) if one is None else one for one in self.constant]
        return self.structure.unflatten(merged)


def _merged(leaves: list[Any], tensors: list[Any]) -> list[Any]:
    remaining = iter(tensors)
    return [next(remaining) if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]


def _input(leaf: Any) -> Any:
    """Numbers and arrays as tensors; the rest is part of the structure."""
    numeric = isinstance(leaf, (int, float, complex, np.ndarray, np.generic))
    return placed(leaf, None) if numeric and not isinstance(leaf, bool) else leaf


def _key(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return (leaf.shape, leaf.dtype, leaf.device)
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
            if key not in traces:
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
