"""The stateful transformations on PyTorch: each runs a function, with autograd where it must."""

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import optree
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils.checkpoint import checkpoint

from lamina.backend.contract import Spec, differing_writes
from lamina.backend.frames import Cell, Frame, local
from lamina.backend.torch.compilation import compiled
from lamina.backend.torch.devices import default, placed
from lamina.backend.torch.dtypes import NAMES, TYPES
from lamina.backend.torch.recording import refuse
from lamina.backend.torch.variables import assign, read

Function = Callable[..., Any]


def is_traced(x: Any) -> bool:
    if not isinstance(x, torch.Tensor):
        return False
    if torch.compiler.is_compiling():
        return True
    return isinstance(x, FakeTensor) or torch._C._functorch.is_functorch_wrapped_tensor(x)


@contextlib.contextmanager
def outside_trace() -> Iterator[None]:
    """Make variables here: real values, outside of every frame and mode."""
    frame, local.frame = local.frame, None
    try:
        with torch.utils._python_dispatch._disable_current_modes(), torch.no_grad():
            yield
    finally:
        local.frame = frame


def _mapped(function: Callable[[torch.Tensor], Any], tree: Any) -> Any:
    """`tree` with `function` of its tensors."""

    def one(leaf: Any) -> Any:
        return function(leaf) if isinstance(leaf, torch.Tensor) else leaf

    return optree.tree_map(one, tree)


def _arguments(tree: Any) -> Any:
    """`tree` with its NumPy arrays as tensors, so that operators work on them as on tensors."""

    def one(leaf: Any) -> Any:
        return placed(leaf, None) if isinstance(leaf, (np.ndarray, np.generic)) else leaf

    return optree.tree_map(one, tree, none_is_leaf=True)


def _snapshot(tree: Any) -> Any:
    """`tree` with copies of its parameters, whose values assignments to come will change."""

    def one(leaf: torch.Tensor) -> torch.Tensor:
        return leaf.clone() if isinstance(leaf, torch.nn.Parameter) else leaf

    return _mapped(one, tree)


def _commit(cells: Sequence[Cell], values: Sequence[Any]) -> None:
    for cell, value in zip(cells, values, strict=True):
        assign(cell, value)


def _in_functorch() -> bool:
    return torch._C._functorch.peek_interpreter_stack() is not None


# Gradients --------------------------------------------------------------------------------


class _State(threading.local):
    depth = 0  # of functions being differentiated: the inner ones' gradients need gradients


_state = _State()


def differentiating_twice() -> bool:
    """Whether what runs now is differentiated, and its gradient too."""
    return _state.depth > 1


def value_and_grad(
    function: Function, handles: Sequence[Cell] | None, argnums: Any, has_aux: bool
) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        if _in_functorch():  # where autograd has no place, as under vmap
            return _functional(function, handles, argnums, has_aux, args, kwargs)
        args, kwargs = _arguments((args, kwargs))
        frame = Frame()
        if handles is None:
            args, leaves, rebuild = _watched_arguments(args, argnums)
        else:
            leaves = [_watched(cell, frame) for cell in handles]
            rebuild = list
        _state.depth += 1
        try:
            with torch.enable_grad(), frame:
                output = function(*args, **kwargs)
        finally:
            _state.depth -= 1
        value, auxiliary = output if has_aux else (output, None)
        gradients = _gradients(value, leaves)
        value, auxiliary = _snapshot((value, auxiliary))
        if not _state.depth:
            value, auxiliary = _mapped(torch.Tensor.detach, (value, auxiliary))
        _commit(list(frame.written), frame.writes())
        result = (value, auxiliary) if has_aux else value
        return result, rebuild(gradients)

    return call


def _gradients(value: torch.Tensor, leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if not value.requires_grad or not leaves:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(value, leaves, create_graph=_state.depth > 0, allow_unused=True)
    pairs = zip(found, leaves, strict=True)
    return [torch.zeros_like(leaf) if one is None else one for one, leaf in pairs]


def _fresh(value: torch.Tensor) -> torch.Tensor:
    """`value` as a tensor to differentiate by, on the graph that it is on already."""
    return value.view_as(value) if value.requires_grad else value.detach().requires_grad_()


def _watched(cell: Cell, frame: Frame) -> torch.Tensor:
    """What to differentiate by for a variable: the parameter, or its value in `frame`."""
    value = read(cell)
    if value.requires_grad and value.is_leaf:
        return value
    frame.values[cell] = value = _fresh(value)
    return value


def _watched_arguments(
    args: tuple[Any, ...], argnums: Any
) -> tuple[tuple[Any, ...], list[torch.Tensor], Callable[[Any], Any]]:
    """The arguments, tensors to differentiate by among them, and how to nest the gradients."""
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    trees: Any = tuple(args[i] for i in chosen)
    leaves, structure = optree.tree_flatten(trees)
    watched = [_fresh(torch.as_tensor(leaf)) for leaf in leaves]
    changed = list(args)
    for i, tree in zip(chosen, structure.unflatten(watched), strict=True):
        changed[i] = tree

    def rebuild(gradients: list[torch.Tensor]) -> Any:
        found = structure.unflatten(gradients)
        return found[0] if isinstance(argnums, int) else found

    return tuple(changed), watched, rebuild


def _functional(
    function: Function,
    handles: Sequence[Cell] | None,
    argnums: Any,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Value and gradients by `torch.func`, which nests with its other transforms."""
    cells = list(handles or ())
    written: list[Cell] = []
    beside = _Beside()

    def pure(values: list[Any], *args: Any) -> Any:
        with Frame(cells, values) as frame:
            output = function(*args, **kwargs)
        value, auxiliary = output if has_aux else (output, None)
        written[:] = frame.written
        return value, beside.tensors((value, auxiliary, frame.writes()))

    wrt: Any = 0
    if handles is None:
        wrt = argnums + 1 if isinstance(argnums, int) else tuple(i + 1 for i in argnums)
    differentiate = torch.func.grad(pure, argnums=wrt, has_aux=True)
    gradients, tensors = differentiate([read(cell) for cell in cells], *args)
    value, auxiliary, writes = beside.whole(tensors)
    _commit(written, writes)
    return ((value, auxiliary) if has_aux else value), gradients


class _Beside:
    """What a function returns beside the value: `torch.func` lets tensors through, no others."""

    def tensors(self, tree: Any) -> list[torch.Tensor]:
        leaves, self.structure = optree.tree_flatten(tree)
        self.others = [None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def whole(self, tensors: Sequence[torch.Tensor]) -> Any:
        remaining = iter(tensors)
        merged = [next(remaining) if leaf is None else leaf for leaf in self.others]
        return self.structure.unflatten(merged)


@functools.cache
def _load_decompositions() -> None:
    """What PyTorch imports for the first forward-mode derivative, without its warning of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        importlib.import_module("torch._decomp.decompositions_for_jvp")


def jvp(
    function: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool
) -> tuple[Any, ...]:
    written: list[Cell] = []
    beside = _Beside()
    structure: Any = None

    def pure(*args: Any) -> Any:
        nonlocal structure
        with Frame() as frame:
            output = function(*args)
        value, auxiliary = output if has_aux else (output, None)
        written[:] = frame.written
        leaves, structure = optree.tree_flatten(value)
        return tuple(map(torch.as_tensor, leaves)), beside.tensors((auxiliary, frame.writes()))

    _load_decompositions()
    *pair, tensors = torch.func.jvp(pure, tuple(primals), tuple(tangents), has_aux=True)
    auxiliary, writes = beside.whole(tensors)
    _commit(written, writes)
    value, tangent = (optree.tree_unflatten(structure, leaves) for leaves in pair)
    return (value, tangent, auxiliary) if has_aux else (value, tangent)


class _Custom(torch.autograd.Function):
    """The gradient that a function brought with it, at the place of its outputs in the graph."""

    @staticmethod
    def forward(ctx: Any, gradient: Function, outputs: Any, *leaves: Any) -> Any:
        tensors, ctx.structure = optree.tree_flatten(outputs)
        ctx.gradient = gradient
        return tuple(tensor.detach() for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        found = ctx.gradient(ctx.structure.unflatten(upstream))
        return (None, None, *optree.tree_leaves(found, none_is_leaf=True))


def custom_gradient(function: Function) -> Function:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        refuse("a gradient of one's own is taken in Python")
        if _in_functorch():
            return _made_anew(functools.partial(function, **kwargs), args)
        # What the gradient keeps of its arguments is on the graph only if it needs a gradient too.
        with torch.set_grad_enabled(_state.depth > 1):
            outputs, gradient = function(*args, **kwargs)
        structure = optree.tree_structure(outputs)
        given: Any = args
        leaves = optree.tree_leaves(given, none_is_leaf=True)
        tensors = _Custom.apply(gradient, outputs, *leaves)  # type: ignore[no-untyped-call]
        return structure.unflatten(tensors)

    return call


class _Anew(torch.autograd.Function):
    """`_Custom` in torch.func, where the gradient may keep no tensor of the call: it is made anew.

    It is given a function of tensors that returns the outputs' and the gradient's function.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(function: Function, *tensors: Any) -> Any:
        return function(*tensors)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.function, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        return (None, *ctx.function(*ctx.saved_tensors)[1](*upstream))


def _made_anew(function: Function, args: Any) -> Any:
    given, structure = optree.tree_flatten(args, none_is_leaf=True)
    places = [i for i, leaf in enumerate(given) if isinstance(leaf, torch.Tensor)]
    outer: Any = None

    def flat(*tensors: Any) -> Any:
        nonlocal outer
        leaves = list(given)
        for i, one in zip(places, tensors, strict=True):
            leaves[i] = one
        outputs, gradient = function(*structure.unflatten(leaves))
        results, outer = optree.tree_flatten(outputs)

        def back(*upstream: Any) -> Any:
            found = optree.tree_leaves(gradient(outer.unflatten(upstream)), none_is_leaf=True)
            return [found[i] for i in places]

        return tuple(results), back

    results = _Anew.apply(flat, *(given[i] for i in places))  # type: ignore[no-untyped-call]
    return outer.unflatten(results)


def remat(function: Function) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        refuse("values are computed anew in Python")
        if _in_functorch():  # whose tensors are gone by the time of the gradient
            return function(*args, **kwargs)
        seen: dict[Cell, Any] = {}
        written: dict[Cell, Any] = {}
        again = False

        def run(*args: Any) -> Any:
            # The second run, for the gradient, sees what the first one saw and leaves nothing.
            nonlocal again
            with Frame(seen, seen.values()) as frame:
                output = function(*args, **kwargs)
            if not again:
                again = True
                seen.update((cell, read(cell)) for cell in frame.missed)
                written.update(zip(frame.written, frame.writes(), strict=True))
            return output

        output = checkpoint(run, *args, use_reentrant=False, preserve_rng_state=False)
        _commit(list(written), list(written.values()))
        return output

    return call


# Maps, loops and branches -----------------------------------------------------------------


def vmap(function: Function, in_axes: Any, out_axes: Any) -> Function:
    in_dims = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    out_dims: Any = (tuple(out_axes) if isinstance(out_axes, list) else out_axes, None)

    def call(*args: Any) -> Any:
        written: list[Cell] = []

        def pure(*args: Any) -> Any:
            with Frame() as frame:
                output = function(*args)
            written[:] = frame.written
            return output, tuple(frame.writes())

        try:
            # A key that is not mapped gives every element the same numbers.
            mapped = torch.func.vmap(pure, in_dims, out_dims, randomness="same")
            output, writes = mapped(*_arguments(args))
        except ValueError as error:
            if written and "out_dim" in str(error):
                raise differing_writes(written) from error
            raise
        _commit(written, writes)
        return output

    return call


def scan(
    function: Function, init: Any, xs: Any, length: int | None, reverse: bool, unroll: int | bool
) -> Any:
    leaves, structure = optree.tree_flatten(_arguments(xs))
    columns = [leaf.unbind(0) for leaf in leaves]
    steps = range(len(columns[0]) if columns else length or 0)
    carry, outputs = init, []
    for i in reversed(steps) if reverse else steps:
        step = function(carry, structure.unflatten([column[i] for column in columns]))
        carry, output = _snapshot(step)
        outputs.append(output)
    if reverse:
        outputs.reverse()
    if not outputs:
        return carry, None
    return carry, optree.tree_map(lambda *ys: torch.stack(ys), *outputs)


def while_loop(cond: Function, body: Function, loop_vars: tuple[Any, ...]) -> Any:
    while cond(*loop_vars):
        loop_vars = _snapshot(tuple(body(*loop_vars)))
    return loop_vars


def cond(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    if is_traced(pred):
        return _selected(pred, true_fn, false_fn)
    return true_fn() if pred else false_fn()


def _selected(pred: Any, true_fn: Function, false_fn: Function) -> Any:
    """Both branches, and of their outputs and assignments those of the one that `pred` says."""
    with Frame() as true:
        one = true_fn()
    with Frame() as false:
        two = false_fn()
    for cell in {**true.written, **false.written}:
        chosen, other = (frame.values.get(cell, read(cell)) for frame in (true, false))
        assign(cell, torch.where(pred, chosen, other))
    return optree.tree_map(lambda a, b: torch.where(pred, a, b), one, two)


def switch(index: Any, branches: Sequence[Function], operands: Sequence[Any]) -> Any:
    *before, last = (functools.partial(branch, *operands) for branch in branches)
    if not is_traced(index):
        return (*before, last)[min(max(int(index), 0), len(before))]()
    for i in reversed(range(len(before))):
        last = functools.partial(_selected, index <= i, before[i], last)
    return last()


def eval_shape(function: Function, specs: Sequence[Any]) -> Any:
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), Frame():

        def empty(leaf: Any) -> Any:
            if not isinstance(leaf, Spec):
                return leaf
            return torch.empty(leaf.shape, dtype=TYPES[leaf.dtype], device=default())

        output = function(*(optree.tree_map(empty, spec) for spec in specs))
        return optree.tree_map(lambda leaf: Spec(leaf.shape, NAMES[leaf.dtype]), output)


def jit(function: Function, jit_compile: bool | None = None, reads: Any = None) -> Function:
    if jit_compile:
        return compiled(function, reads)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = _arguments((args, kwargs))
        return _snapshot(function(*args, **kwargs))

    return call
