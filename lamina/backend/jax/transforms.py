"""The stateful transformations on JAX: each traces a function inside a `Frame`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.core
import numpy as np
from jax import lax

from lamina.backend.contract import LEAKED_TENSOR, LeakedTraceError, Spec, differing_writes
from lamina.backend.frames import Frame, local
from lamina.backend.garbage import uncollected
from lamina.backend.jax.variables import Cell, assign, read
from lamina.backend.session import guard

Function = Callable[..., Any]


@contextlib.contextmanager
def outside_trace() -> Iterator[None]:
    """Make variables here: concrete values, outside of every frame."""
    frame, local.frame = local.frame, None
    try:
        with jax.ensure_compile_time_eval():
            yield
    finally:
        local.frame = frame


@contextlib.contextmanager
def leaks_explained() -> Iterator[None]:
    """JAX's error on an escaped tracer, in the user's words."""
    try:
        yield
    except jax.errors.UnexpectedTracerError as error:
        raise LeakedTraceError(LEAKED_TENSOR) from error


def _commit(frame_cells: Sequence[Cell], values: Sequence[Any]) -> None:
    for cell, value in zip(frame_cells, values, strict=True):
        assign(cell, value)


class _Missed(Exception):
    """The trace read variables that it was not given."""


class _Compiled:
    """One trace of a function: the variables it reads and writes, and the compiled program."""

    def __init__(self, function: Function, cells: list[Cell], leaves: list[Any], treedef: Any):
        written: list[Cell] = []

        def pure(values: list[Any], dynamic: list[Any]) -> Any:
            args, kwargs = jax.tree.unflatten(treedef, _merge(leaves, dynamic))
            with Frame(cells, values) as frame:
                output = function(*args, **kwargs)
            missing = [cell for cell in frame.missed if cell not in cells]
            cells.extend(missing)
            if missing:
                raise _Missed
            written.extend(frame.written)
            return output, frame.writes()

        dynamic = [leaf for leaf in leaves if _is_dynamic(leaf)]
        while True:
            try:
                values = [cell.value for cell in cells]
                closed, shapes = jax.make_jaxpr(pure, return_shape=True)(values, dynamic)
                break
            except _Missed:
                written.clear()
        self.output_tree = jax.tree.structure(shapes)
        self.written = written
        self._prepare(closed, cells)
        self.program.lower(*self._inputs(leaves))  # which JAX keeps for the first call

    def _prepare(self, closed: Any, cells: list[Cell]) -> None:
        inputs = closed.jaxpr.invars
        used = {v for eqn in closed.jaxpr.eqns for v in eqn.invars if not hasattr(v, "val")}
        used.update(v for v in closed.jaxpr.outvars if not hasattr(v, "val"))
        kept = [i for i, cell in enumerate(cells) if inputs[i] in used]
        # Buffers of variables that get a new value are donated: XLA writes the new over the old.
        donated = [i for i in kept if cells[i] in set(self.written)]
        shared = [i for i in kept if cells[i] not in set(self.written)]
        self.donated = [cells[i] for i in donated]
        self.shared = [cells[i] for i in shared]
        run = functools.partial(jax.core.eval_jaxpr, closed.jaxpr, closed.consts)
        count = len(cells)

        def program(owned: list[Any], borrowed: list[Any], dynamic: list[Any]) -> list[Any]:
            flat: list[Any] = [None] * count
            for i, value in zip(donated, owned, strict=True):
                flat[i] = value
            for i, value in zip(shared, borrowed, strict=True):
                flat[i] = value
            for i in range(count):
                if flat[i] is None:  # read by nobody
                    flat[i] = jax.numpy.zeros(inputs[i].aval.shape, inputs[i].aval.dtype)
            return list(run(*flat, *dynamic))

        self.program = jax.jit(program, donate_argnums=0)

    def _inputs(self, leaves: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        owned = [cell.owned() for cell in self.donated]
        borrowed = [cell.value for cell in self.shared]
        return owned, borrowed, [leaf for leaf in leaves if _is_dynamic(leaf)]

    def operations(self, leaves: list[Any]) -> float:
        """XLA's count of the floating-point operations of one call."""
        analysis = self.program.lower(*self._inputs(leaves)).cost_analysis()
        return float((analysis or {}).get("flops", 0.0))

    def __call__(self, leaves: list[Any]) -> Any:
        flat = self.program(*self._inputs(leaves))
        output, values = jax.tree.unflatten(self.output_tree, flat)
        for cell, value in zip(self.written, values, strict=True):
            cell.replace(value)
        return output


def _is_dynamic(leaf: Any) -> bool:
    return not isinstance(leaf, (bool, str)) and (
        isinstance(leaf, (jax.Array, np.ndarray, np.generic, int, float, complex))
    )


def _merge(leaves: list[Any], dynamic: list[Any]) -> list[Any]:
    remaining = iter(dynamic)
    return [next(remaining) if _is_dynamic(leaf) else leaf for leaf in leaves]


def _key(leaf: Any) -> Any:
    if isinstance(leaf, (jax.Array, np.ndarray)):
        return (leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False))
    return type(leaf) if _is_dynamic(leaf) else leaf


def jit(
    function: Function,
    jit_compile: bool | None = None,
    reads: Callable[[], Sequence[Cell]] | None = None,
) -> Function:
    traces: dict[Any, _Compiled] = {}
    cells: list[Cell] = []

    def traced(leaves: list[Any], treedef: Any) -> _Compiled:
        key = (treedef, guard.value, *map(_key, leaves))
        if key not in traces:
            if reads is not None and not cells:
                cells.extend(reads())
            with uncollected():  # of all that a trace makes little is dropped
                traces[key] = _Compiled(function, cells, leaves, treedef)
        return traces[key]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, treedef = jax.tree.flatten((args, kwargs))
        inside = local.frame is not None  # part of a larger trace
        if inside or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return function(*args, **kwargs)
        # JAX reads arrays after the call has returned, when the caller may have changed them.
        leaves = [leaf.copy() if type(leaf) is np.ndarray else leaf for leaf in leaves]
        with leaks_explained():
            return traced(leaves, treedef)(leaves)

    def operations(*args: Any, **kwargs: Any) -> float:
        leaves, treedef = jax.tree.flatten((args, kwargs))
        return traced(leaves, treedef).operations(leaves)

    call.operations = operations  # type: ignore[attr-defined]
    return call


def value_and_grad(
    function: Function, handles: Sequence[Cell] | None, argnums: Any, has_aux: bool
) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        written: list[Cell] = []
        cells = list(handles or ())

        def pure(values: list[Any], *args: Any) -> Any:
            with Frame(cells, values) as frame:
                output = function(*args, **kwargs)
            value, auxiliary = output if has_aux else (output, None)
            written[:] = [cell for cell in frame.written if cell not in cells]
            return value, (auxiliary, [frame.values[cell] for cell in written])

        wrt: Any = 0
        if handles is None:
            wrt = argnums + 1 if isinstance(argnums, int) else tuple(i + 1 for i in argnums)
        differentiate = jax.value_and_grad(pure, argnums=wrt, has_aux=True)
        values = [read(cell) for cell in cells]
        (value, (auxiliary, writes)), gradients = differentiate(values, *args)
        _commit(written, writes)
        return ((value, auxiliary), gradients) if has_aux else (value, gradients)

    return call


def jvp(
    function: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool
) -> tuple[Any, ...]:
    written: list[Cell] = []

    def pure(*args: Any) -> Any:
        with Frame() as frame:
            output = function(*args)
        value, auxiliary = output if has_aux else (output, None)
        written[:] = frame.written
        return value, (auxiliary, frame.writes())

    value, tangent, (auxiliary, writes) = jax.jvp(pure, primals, tangents, has_aux=True)
    _commit(written, writes)
    return (value, tangent, auxiliary) if has_aux else (value, tangent)


def vmap(function: Function, in_axes: Any, out_axes: Any) -> Function:
    def call(*args: Any) -> Any:
        written: list[Cell] = []

        def pure(*args: Any) -> Any:
            with Frame() as frame:
                output = function(*args)
            written[:] = frame.written
            return output, frame.writes()

        try:
            output, writes = jax.vmap(pure, in_axes, (out_axes, None))(*args)
        except ValueError as error:
            if written and "out_axes" in str(error):
                raise differing_writes(written) from error
            raise
        _commit(written, writes)
        return output

    return call


def remat(function: Function) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        written: list[Cell] = []

        def pure(*args: Any) -> Any:
            with Frame() as frame:
                output = function(*args, **kwargs)
            written[:] = frame.written
            return output, frame.writes()

        output, writes = jax.checkpoint(pure)(*args)
        _commit(written, writes)
        return output

    return call


def custom_gradient(function: Function) -> Function:
    return jax.custom_gradient(function)  # type: ignore[no-any-return, no-untyped-call]


def _carried(
    run: Callable[[dict[Cell, bool]], tuple[Any, list[Any]]], known: Sequence[Cell] = ()
) -> Any:
    """Run a control-flow primitive whose branches may assign variables.

    `run(cells)` carries `cells` through, notes which of them are assigned, and returns the output
    and their last values; where the trace assigns others, these are added and it is run again.
    """
    cells = dict.fromkeys(known, False)
    while True:
        count = len(cells)
        output, values = run(cells)
        if len(cells) == count:
            for (cell, assigned), value in zip(cells.items(), values, strict=True):
                if assigned:
                    assign(cell, value)
            return output


def _inside(cells: dict[Cell, bool], values: Sequence[Any], function: Function, *args: Any) -> Any:
    """`function(*args)` where `cells` have `values`: its output, and their values after it."""
    known = list(cells)[: len(values)]
    with Frame(known, values) as frame:
        output = function(*args)
    cells.update(dict.fromkeys(frame.written, True))
    return output, [frame.values[cell] for cell in known]


def scan(
    function: Function, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool
) -> Any:
    def run(cells: dict[Cell, bool]) -> Any:
        def body(carry: Any, x: Any) -> Any:
            (state, y), values = _inside(cells, carry[1], function, carry[0], x)
            return (state, values), y

        start = (init, [read(cell) for cell in cells])
        (state, values), ys = lax.scan(body, start, xs, length, reverse, unroll)
        return (state, ys), values

    return _carried(run)


def in_turn(function: Function, xs: Any, reads: Sequence[Cell] = ()) -> Any:
    def run(cells: dict[Cell, bool]) -> Any:
        def body(values: list[Any], x: Any) -> Any:
            y, values = _inside(cells, values, function, x)
            return values, y

        # JAX goes through the operations of a body twice more, and a function is one of them.
        values, ys = lax.scan(jax.jit(body), [read(cell) for cell in cells], xs)
        return ys, values

    return _carried(run, reads)


def while_loop(cond: Function, body: Function, loop_vars: tuple[Any, ...]) -> Any:
    def run(cells: dict[Cell, bool]) -> Any:
        def test(carry: Any) -> Any:
            return _inside(cells, carry[1], cond, *carry[0])[0]

        def step(carry: Any) -> Any:
            output, values = _inside(cells, carry[1], body, *carry[0])
            return tuple(output), values

        start = (loop_vars, [read(cell) for cell in cells])
        return lax.while_loop(test, step, start)

    return _carried(run)


def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    def run(cells: dict[Cell, bool]) -> Any:
        values = [read(cell) for cell in cells]
        branches = [functools.partial(_inside, cells, values, fn) for fn in (true_fn, false_fn)]
        return lax.cond(pred, *branches)

    return _carried(run)


def switch(index: Any, branches: Sequence[Function], operands: Sequence[Any]) -> Any:
    def run(cells: dict[Cell, bool]) -> Any:
        values = [read(cell) for cell in cells]
        inside = [functools.partial(_inside, cells, values, branch) for branch in branches]
        return lax.switch(index, inside, *operands)

    return _carried(run)


_struct: Any = jax.ShapeDtypeStruct


def eval_shape(function: Function, specs: Sequence[Any]) -> Any:
    def is_spec(leaf: Any) -> bool:
        return isinstance(leaf, Spec)

    def pure(*args: Any) -> Any:
        with Frame():
            return function(*args)

    structs = jax.tree.map(
        lambda leaf: _struct(leaf.shape, leaf.dtype) if is_spec(leaf) else leaf,
        tuple(specs),
        is_leaf=is_spec,
    )
    shapes = jax.eval_shape(pure, *structs)
    return jax.tree.map(lambda leaf: Spec(leaf.shape, str(leaf.dtype)), shapes)
