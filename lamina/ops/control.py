"""Control flow: loops, branches and maps whose functions may read and assign variables.

On symbolic tensors, and while shapes are inferred, a loop runs one step and a branch is the first
one: its results have the shapes and types of all.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from lamina.backend import Spec, current, is_int_dtype, standardize_dtype
from lamina.ops import dtypes, shapes
from lamina.ops.conversion import convert_to_tensor, dtype
from lamina.ops.op_call import OpCall
from lamina.ops.row import Tensor, TensorLike, op
from lamina.symbolic.counting import runs, under_way
from lamina.symbolic.operators import table
from lamina.symbolic.tensor import KerasTensor, any_symbolic, infer, inferring, leaves, map_leaves

Function = Callable[..., Any]
Tree = Any


def recorded(function: Function) -> Function:
    """Let `function` be called on symbolic tensors, as an operation of a model's graph."""
    name = f"{function.__module__.rpartition('.')[2]}_{function.__name__}"

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if inferring() or not any_symbolic((args, kwargs)):
            return function(*args, **kwargs)
        return OpCall(name).record(args, kwargs, infer(function, *args, **kwargs))

    table[name] = call
    return call


def _tensors(tree: Tree) -> Tree:
    return map_leaves(convert_to_tensor, tree)


def _spec(x: Any) -> KerasTensor:
    x = convert_to_tensor(x)
    return x if isinstance(x, KerasTensor) else KerasTensor(x.shape, current().dtype(x))


def _kind(x: Any) -> str:
    return f"{dtype(x)}{list(x.shape)}"


def _specs(tree: Tree) -> Tree:
    return map_leaves(_spec, tree)


def _stacked(tree: Tree, length: int) -> Tree:
    return map_leaves(lambda x: KerasTensor((length, *x.shape), x.dtype), _specs(tree))


def _first(tree: Tree) -> Tree:
    """What one step sees of tensors that are walked along their first axis."""
    return map_leaves(lambda x: KerasTensor(x.shape[1:], x.dtype), _specs(tree))


@op(result=dtypes.own, shape=shapes.same)
def stop_gradient(variable: TensorLike) -> Tensor:
    """`variable` unchanged, taken as a constant by gradients."""
    return variable


@recorded
def cond(pred: TensorLike, true_fn: Function, false_fn: Function) -> Tree:
    """`true_fn()` if `pred` holds, else `false_fn()`.

    Args:
        pred: a scalar.
        true_fn, false_fn: functions of no argument that return the same structure, shapes and
            types.

    Raises:
        ValueError: if `pred` is no scalar.

    Example:
        >>> from lamina import ops
        >>> int(ops.cond(ops.convert_to_tensor(True), lambda: 1, lambda: 2))
        1
    """
    if inferring():
        with runs():
            return _specs(true_fn())
    if isinstance(pred, bool):
        return true_fn() if pred else false_fn()
    pred = convert_to_tensor(pred, "bool")
    if len(pred.shape):
        raise ValueError(
            f"cond decides by one truth value, and was given a tensor of shape {tuple(pred.shape)}."
            " Use ops.all, ops.any, or ops.where for a choice element by element."
        )
    return current().cond(pred, true_fn, false_fn)


@recorded
def switch(index: TensorLike, branches: Sequence[Function], *operands: Any) -> Tree:
    """`branches[index](*operands)`, `index` clipped to the branches there are.

    Args:
        index: an integer scalar.
        branches: functions that return the same structure, shapes and types.
        *operands: their arguments.

    Raises:
        TypeError: if `index` is no integer.
    """
    index = convert_to_tensor(index)
    if not is_int_dtype(index.dtype):
        raise TypeError(
            f"The index of switch is an integer, not a {standardize_dtype(index.dtype)}."
        )
    if inferring():
        with runs():
            return _specs(branches[0](*operands))
    return current().switch(convert_to_tensor(index, "int32"), branches, _tensors(operands))


@recorded
def while_loop(
    cond: Function, body: Function, loop_vars: Tree, maximum_iterations: int | None = None
) -> Tree:
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    Args:
        cond: returns a scalar.
        body: returns what it was given: the same structure, shapes and types.
        loop_vars: a tuple or list of (nested) tensors, or one tensor.
        maximum_iterations: stop after so many steps; None for no limit.

    Returns:
        The last `loop_vars`, in the structure in which they were given.

    Example:
        >>> from lamina import ops
        >>> int(ops.while_loop(lambda i: i < 7, lambda i: i + 2, 0))
        8
    """
    several = isinstance(loop_vars, (tuple, list))
    start = tuple(_tensors(loop_vars)) if several else (_tensors(loop_vars),)

    def step(*values: Any) -> tuple[Any, ...]:
        result = body(*values)
        return tuple(result) if isinstance(result, (tuple, list)) else (result,)

    if inferring():
        with runs():
            cond(*start)
            result = _specs(step(*start))
    elif maximum_iterations is None:
        result = current().while_loop(cond, step, start)
    else:
        result = _limited(cond, step, start, maximum_iterations)
    return type(loop_vars)(result) if several else result[0]


def _limited(
    cond: Function, step: Function, start: tuple[Any, ...], maximum_iterations: int
) -> tuple[Any, ...]:
    def goes_on(count: Any, *values: Any) -> Any:
        return table["logical_and"](count < maximum_iterations, cond(*values))

    def counted(count: Any, *values: Any) -> tuple[Any, ...]:
        return (count + 1, *step(*values))

    zero = convert_to_tensor(0, "int32")
    return tuple(current().while_loop(goes_on, counted, (zero, *start))[1:])


@recorded
def scan(
    f: Function,
    init: Tree,
    xs: Tree = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Tree, Tree]:
    """`carry, y = f(carry, x)` for each `x` along the first axis of `xs`, the ys stacked.

    Args:
        f: a function of the carry and one element that returns the next carry, of the same
            structure, shapes and types, and an output.
        init: the first carry.
        xs: (nested) tensors with a common first axis; None to run `length` times on nothing.
        length: how many steps, where `xs` is None.
        reverse: walk `xs` from the end; the ys keep the places of their xs.
        unroll: how many steps to write out in a compiled loop; True for all.

    Returns:
        The last carry, and the outputs stacked along a new first axis.

    Raises:
        ValueError: if lengths differ, there is none, or `unroll` is out of range.

    Example:
        >>> from lamina import ops
        >>> total, sums = ops.scan(lambda a, x: (a + x, a + x), 0, ops.convert_to_tensor([1, 2, 3]))
        >>> int(total), ops.convert_to_numpy(sums).tolist()
        (6, [1, 3, 6])
    """
    size = _common_length(xs, length)
    if not isinstance(unroll, int) or (unroll is not False and unroll < 1):
        raise ValueError(f"unroll is a number of steps of at least 1, or a bool, not {unroll!r}.")
    if inferring():
        with runs(size):
            carry, y = f(_specs(init), _first(xs))
        return _specs(carry), _stacked(y, size)
    if size == 0:  # what a step would return is known from its shapes only
        step = map_leaves(lambda x: Spec(x.shape, x.dtype), (_specs(init), _first(xs)))
        y = current().eval_shape(lambda carry, x: f(carry, x)[1], step)
        nothing = map_leaves(lambda x: convert_to_tensor(np.zeros((0, *x.shape)), x.dtype), y)
        return _tensors(init), nothing
    return current().scan(f, _tensors(init), _tensors(xs), length, reverse, unroll)


def _common_length(xs: Tree, length: int | None, axis: int = 0) -> Any:
    sizes = [convert_to_tensor(leaf).shape[axis] for leaf in leaves(xs)]
    if length is not None:
        sizes.append(operator.index(length))
    if not sizes:
        raise ValueError("scan needs `xs`, or the number of steps as `length`.")
    known = [size for size in sizes if size is not None]  # a graph may not know
    if any(size != known[0] for size in known) or (known and known[0] < 0):
        raise ValueError(f"What is walked has the same length; these have {sizes}.")
    size = known[0] if known else None
    return int(size) if type(size) is int else size


@recorded
def associative_scan(f: Function, elems: Tree, reverse: bool = False, axis: int = 0) -> Tree:
    """All prefixes of `elems` combined by an associative function, in a logarithm of steps.

    Args:
        f: `f(a, b)` of two pieces of `elems` of equal size, element by element along `axis`.
        elems: (nested) tensors with a common size along `axis`.
        reverse: combine from the end: suffixes instead of prefixes.
        axis: the axis to walk.

    Returns:
        Tensors as `elems`: element i combines the elements up to i.

    Example:
        >>> from lamina import ops
        >>> sums = ops.associative_scan(lambda a, b: a + b, ops.convert_to_tensor([1, 2, 3]))
        >>> ops.convert_to_numpy(sums).tolist()
        [1, 3, 6]
    """
    if inferring() and under_way() is None:
        return _specs(elems)
    found = _tensors(elems)
    size = _common_length(found, None, axis)
    if size is None:
        raise ValueError(
            "associative_scan needs to know how many there are, which the graph does not."
        )
    distance = 1
    # Hillis and Steele: after each round an element combines twice as many of those before it.
    while distance < size:
        near, far = slice(distance, None), slice(None, -distance)
        if reverse:
            near, far = far, near
        combined = f(_part(found, axis, far), _part(found, axis, near))
        rest = _part(found, axis, slice(-distance, None) if reverse else slice(distance))
        pieces = (combined, rest) if reverse else (rest, combined)
        found = optree.tree_map(lambda *pair: table["concatenate"](pair, axis), *pieces)
        distance *= 2
    return found


def _part(tree: Tree, axis: int, part: slice) -> Tree:
    def cut(x: Any) -> Any:
        return x[(slice(None),) * (axis % x.ndim) + (part,)]

    return map_leaves(cut, tree)


@recorded
def map(f: Function, xs: Tree) -> Tree:
    """`f` of each element along the first axis of `xs`, one after the other, stacked.

    Args:
        f: a function of one element.
        xs: (nested) tensors with a common first axis.
    """
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


@recorded
def vectorized_map(function: Function, elements: Tree) -> Tree:
    """`function` of each element along the first axis of `elements`, all at once, stacked.

    Args:
        function: a function of one element.
        elements: (nested) tensors with a common first axis.
    """
    size = _common_length(elements, None)
    if inferring():
        with runs(size):
            element = function(_first(elements))
        return _stacked(element, size)
    return current().vmap(lambda element: _tensors(function(element)), 0, 0)(_tensors(elements))


@recorded
def fori_loop(lower: Any, upper: Any, body_fun: Function, init_val: Tree) -> Tree:
    """`value = body_fun(i, value)` for i from `lower` to `upper` - 1.

    Args:
        lower, upper: integers or integer scalars. With Python integers, gradients flow through.
        body_fun: returns the same structure, shapes and types as `init_val`.
        init_val: the first value.

    Example:
        >>> from lamina import ops
        >>> int(ops.fori_loop(0, 5, lambda i, total: total + i, 0))
        10
    """
    if inferring():
        known = isinstance(lower, int) and isinstance(upper, int)
        with runs(max(upper - lower, 0) if known else 1):
            return _specs(body_fun(KerasTensor((), "int32"), _specs(init_val)))
    if isinstance(lower, int) and isinstance(upper, int):
        steps = convert_to_tensor(np.arange(lower, upper), "int32")
        return scan(lambda value, i: (body_fun(i, value), ()), init_val, steps)[0]

    def step(i: Any, value: Tree) -> tuple[Any, Tree]:
        return i + 1, body_fun(i, value)

    start = (convert_to_tensor(lower, "int32"), init_val)
    return while_loop(lambda i, value: i < upper, step, start)[1]


@recorded
def jvp(
    fun: Function, primals: Sequence[Tree], tangents: Sequence[Tree], has_aux: bool = False
) -> tuple[Tree, ...]:
    """`fun(*primals)`, and how fast it changes as its arguments move: Σ ∂fun/∂x · tangent of x.

    Variables that `fun` reads stay where they are; those that it assigns are assigned.

    Args:
        fun: a function of (nested) tensors; with `has_aux` it returns `(value, auxiliary)`.
        primals: a tuple or list of its arguments.
        tangents: as `primals`, of the same structure, shapes and types.
        has_aux: whether `fun` returns anything beside the value.

    Returns:
        A tuple: the value, its tangent, of the same structure; with `has_aux` the auxiliary, too.

    Raises:
        ValueError: if a tangent does not have the structure, shape or type of its argument.

    Example:
        >>> from lamina import ops
        >>> value, tangent = ops.jvp(lambda x: x * x, (ops.convert_to_tensor(3.0),), (1.0,))
        >>> float(value), float(tangent)
        (9.0, 6.0)
    """
    if not (isinstance(primals, (tuple, list)) and isinstance(tangents, (tuple, list))):
        raise ValueError("jvp takes its primals and its tangents as tuples or lists.")
    given, moved = tuple(_tensors(primals)), tuple(_tensors(tangents))
    kinds, others = map_leaves(_kind, given), map_leaves(_kind, moved)
    if kinds != others:
        raise ValueError(
            "jvp takes a tangent of the same structure, shape and type for each primal. "
            f"The primals are {kinds}, the tangents {others}."[:500]
        )
    if inferring():
        output = fun(*given)
        value, *auxiliary = output if has_aux else (output,)
        return (_specs(value), _specs(value), *auxiliary)
    return current().jvp(fun, given, moved, has_aux)


def custom_gradient(f: Function) -> Function:
    """A function whose gradient is written by hand.

    Args:
        f: returns `(output, grad)`; `grad(upstream)` returns the gradients with respect to the
            positional arguments of `f`, one or a tuple of them.

    Returns:
        A function that returns `output`.

    Example:
        >>> from lamina import ops
        >>> @ops.custom_gradient
        ... def double_but_flat(x):
        ...     return 2 * x, lambda upstream: 0 * upstream
        >>> float(double_but_flat(ops.convert_to_tensor(3.0)))
        6.0
    """

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if inferring():
            return _specs(f(*args, **kwargs)[0])
        if any_symbolic((args, kwargs)):
            outputs = infer(call, *args, **kwargs)
            return OpCall("control_custom_gradient").record((call, *args), kwargs, outputs)
        return current().custom_gradient(f)(*_tensors(args), **kwargs)

    return call


table["control_custom_gradient"] = lambda call, *args, **kwargs: call(*args, **kwargs)
