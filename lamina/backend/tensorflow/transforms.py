"""Gradients, mapping and shapes on TensorFlow: functions that may read and assign variables.

A `Frame` keeps what the function assigns, for gradients to flow through and for a function that is
traced twice to assign once; the transformation then commits it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optree
import tensorflow as tf

from lamina.backend.contract import Spec, differing_writes
from lamina.backend.frames import ABSENT
from lamina.backend.tensorflow.graphs import Rehearsal, as_tensor, as_tensors, flatten
from lamina.backend.tensorflow.variables import Cell, Frame, commit, found, read

Function = Callable[..., Any]


class _Around(threading.local):
    """The transformations that stand around what runs."""

    gradients = 0
    outside_map: int | None = None  # gradients around the outermost map, where there is one


_around = _Around()


@contextlib.contextmanager
def _differentiating() -> Iterator[None]:
    _around.gradients += 1
    try:
        yield
    finally:
        _around.gradients -= 1


@contextlib.contextmanager
def _mapping() -> Iterator[None]:
    before = _around.outside_map
    _around.outside_map = _around.gradients if before is None else before
    try:
        yield
    finally:
        _around.outside_map = before


# Gradients ----------------------------------------------------------------------------------


def value_and_grad(
    function: Function, handles: Sequence[Cell] | None, argnums: Any, has_aux: bool
) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        given = list(args)
        frame = Frame.passing_on((), ())
        if handles is None:
            places = [argnums] if isinstance(argnums, int) else argnums
            for i in places:
                given[i] = optree.tree_map(_copy, args[i])
            watched: Any = tuple(given[i] for i in places)
        else:
            watched = [_source(cell, frame) for cell in handles]
        sources, treedef = flatten(watched)
        tape = tf.GradientTape(watch_accessed_variables=False)
        with tape, frame, _differentiating():
            tape.watch(sources)
            output = function(*given, **kwargs)
            target = as_tensor(output[0] if has_aux else output)
        if target.shape.rank:
            raise TypeError(
                f"A gradient is that of a scalar; the function returned the shape {target.shape}."
            )
        slopes = tape.gradient(target, sources, unconnected_gradients="zero")
        gradients: Any = optree.tree_unflatten(treedef, [tf.convert_to_tensor(x) for x in slopes])
        if handles is None and isinstance(argnums, int):
            (gradients,) = gradients
        commit(frame)
        return ((target, *output[1:]) if has_aux else target), gradients

    return call


def _copy(leaf: Any) -> tf.Tensor:
    """A tensor of its own: the same one held elsewhere counts as a constant."""
    return tf.identity(as_tensor(leaf))


def _source(cell: Cell, frame: Frame) -> Any:
    """What the gradient by a variable is taken by: itself, or its value in frames around."""
    value = found(cell)
    if value is ABSENT:
        return cell.value
    frame.values[cell] = tf.identity(value)
    return frame.values[cell]


def jvp(
    function: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool
) -> tuple[Any, ...]:
    given: Any = tuple(primals)
    given = optree.tree_map(_copy, given)
    moved = optree.tree_leaves(as_tensors(tuple(tangents)))
    frame = Frame.passing_on((), ())
    accumulator = tf.autodiff.ForwardAccumulator(optree.tree_leaves(given), moved)
    with accumulator, frame, _differentiating():
        output = function(*given)
        leaves, treedef = flatten(as_tensors(output[0] if has_aux else output))
        slopes = accumulator.jvp(leaves, unconnected_gradients="zero")
    commit(frame)
    results = optree.tree_unflatten(treedef, leaves), optree.tree_unflatten(treedef, slopes)
    return (*results, output[1]) if has_aux else results


def _with_gradient(
    outputs: Sequence[tf.Tensor],
    inputs: Sequence[tf.Tensor],
    gradient: Callable[[Sequence[tf.Tensor]], Sequence[Any]],
    own: bool,
) -> list[tf.Tensor]:
    """`outputs`, whose gradients with respect to `inputs` are `gradient(upstreams)`.

    A map loses that for the gradients around it, which find the outputs' `own` where these are the
    same.
    """
    kept = tf.identity if own and _around.outside_map is not None else tf.stop_gradient

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def attached(*inputs: tf.Tensor) -> Any:
        def backward(*upstreams: Any, variables: Any = None) -> Any:
            pairs = zip(upstreams, outputs, strict=True)
            found = gradient([tf.zeros_like(y) if up is None else up for up, y in pairs])
            return list(found) if variables is None else (list(found), [None] * len(variables))

        return [kept(output) for output in outputs], backward

    return list(attached(*inputs))


def _has_gradient(x: Any) -> bool:
    return isinstance(x, tf.Tensor) and (x.dtype.is_floating or x.dtype.is_complex)


def custom_gradient(function: Function) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        own = getattr(function, "differentiable", False)
        if _around.outside_map and not own:
            raise TypeError(
                f"The gradient of a map of {function.__name__!r} was asked for, whose own gradient "
                "is written by hand: TensorFlow's vectorized_map would lose it. Map the gradient, "
                "vmap(grad(f)), instead of taking the gradient of the map."
            )
        args = as_tensors(args)
        output, gradient = function(*args, **kwargs)
        leaves, treedef = flatten(as_tensors(output))
        inputs, _ = flatten(args)
        wanted = [i for i, x in enumerate(inputs) if _has_gradient(x)]

        def backward(upstreams: Sequence[Any]) -> list[Any]:
            found = gradient(optree.tree_unflatten(treedef, upstreams))
            found = found if isinstance(found, (tuple, list)) else (found,)
            slopes, _ = flatten(found, none_is_leaf=True)
            return [slopes[i] for i in wanted]

        attached = _with_gradient(leaves, [inputs[i] for i in wanted], backward, own)
        return optree.tree_unflatten(treedef, attached)

    return call


def remat(function: Function) -> Function:
    def call(*args: Any, **kwargs: Any) -> Any:
        if tf.executing_eagerly():
            return function(*args, **kwargs)  # nothing to save: TensorFlow recomputes in graphs
        graph = tf.compat.v1.get_default_graph()
        known = len(graph.get_operations())
        with Frame() as frame:
            output = function(*args, **kwargs)
        results, treedef = flatten(as_tensors((output, frame.writes())))
        outside = _read_from_outside(graph.get_operations()[known:], results)
        # What variables had been read as: by the time of the gradient they may have changed.
        cells = list(frame.missed)
        values = [read(cell) for cell in cells]
        inputs = [x for x in _unique([*outside, *values]) if _has_gradient(x)]

        def backward(upstreams: Sequence[tf.Tensor]) -> Any:
            tape = tf.GradientTape(watch_accessed_variables=False)
            # The dependency keeps TensorFlow from taking the values of the first run for these.
            with tf.control_dependencies(upstreams), tape, Frame(cells, values) as again:
                tape.watch(inputs)
                output = function(*args, **kwargs)
                targets = optree.tree_leaves(as_tensors((output, again.writes())))
            pairs = [(y, up) for y, up in zip(targets, upstreams, strict=True) if _has_gradient(y)]
            targets, upstreams = ([pair[side] for pair in pairs] for side in (0, 1))
            return tape.gradient(targets, inputs, upstreams, unconnected_gradients="zero")

        output, writes = optree.tree_unflatten(
            treedef, _with_gradient(results, inputs, backward, True)
        )
        frame.values.update(zip(frame.written, writes, strict=True))
        commit(frame)
        return output

    return call


def _read_from_outside(
    ops: Sequence[tf.Operation], results: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """The tensors that some ops of a graph take from elsewhere, or hand through as results."""
    made = set(ops)
    inputs = [x for x in (*(x for op in ops for x in op.inputs), *results) if x.op not in made]
    # A tensor of a graph around this one comes in by a placeholder.
    inputs += [op.outputs[0] for op in ops if op.type == "Placeholder"]
    return inputs


def _unique(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    return list({id(x): x for x in tensors}.values())


# Mapping ------------------------------------------------------------------------------------


def vmap(function: Function, in_axes: Any, out_axes: Any) -> Function:
    def call(*args: Any) -> Any:
        given_axes = list(in_axes) if isinstance(in_axes, (tuple, list)) else [in_axes] * len(args)
        leaves, treedef = flatten(args, none_is_leaf=True)
        axes = _spread(tuple(given_axes), args)
        mapped = [i for i, axis in enumerate(axes) if axis is not None and leaves[i] is not None]
        elements = [_moved(as_tensor(leaves[i]), axes[i], 0) for i in mapped]
        frame = Frame()
        structure: Any = None

        def flat(*elements: tf.Tensor) -> list[tf.Tensor]:
            nonlocal frame, structure
            given = list(leaves)
            for i, element in zip(mapped, elements, strict=True):
                given[i] = element
            with Frame() as frame:
                output = function(*optree.tree_unflatten(treedef, given))
            found, structure = flatten(as_tensors(output))
            return [*found, *frame.writes()]

        with _mapping():
            found = tf.vectorized_map(lambda elements: flat(*elements), elements)
        written = list(frame.written)
        results, writes = found[: len(found) - len(written)], found[len(found) - len(written) :]
        if written:
            rehearsal = Rehearsal(flat, [tf.TensorSpec(x.shape[1:], x.dtype) for x in elements])
            if any(map(rehearsal.depends, rehearsal.output[len(results) :])):
                raise differing_writes(written)
        frame.values.update((cell, x[0]) for cell, x in zip(written, writes, strict=True))
        commit(frame)
        output = optree.tree_unflatten(structure, results)
        pairs = zip(results, _spread(out_axes, output), strict=True)
        moved = [x[0] if axis is None else _moved(x, 0, axis) for x, axis in pairs]
        return optree.tree_unflatten(structure, moved)

    return call


def _spread(axes: Any, tree: Any) -> list[Any]:
    """The axis of each leaf, where `axes` may give one for a whole part of the tree."""
    return optree.broadcast_prefix(axes, tree, none_is_leaf=True)


def _moved(x: tf.Tensor, source: int, target: int) -> tf.Tensor:
    """`x` with one axis at another place."""
    order = list(range(x.shape.rank))
    order.insert(target % len(order), order.pop(source))
    return x if order == sorted(order) else tf.transpose(x, order)


# Shapes -------------------------------------------------------------------------------------


def eval_shape(function: Function, specs: Sequence[Any]) -> Any:
    leaves, treedef = flatten(tuple(specs))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Spec)]

    def flat(*tensors: tf.Tensor) -> Any:
        given = list(leaves)
        for i, one in zip(places, tensors, strict=True):
            given[i] = one
        return function(*optree.tree_unflatten(treedef, given))

    inputs = [tf.TensorSpec(leaves[i].shape, leaves[i].dtype) for i in places]
    output = Rehearsal(flat, inputs).output
    return optree.tree_map(lambda x: Spec(x.shape, x.dtype.name), output)
