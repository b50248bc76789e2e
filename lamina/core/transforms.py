"""Transformations of functions that may read and assign variables, the same on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lamina.backend import current
from lamina.core.tracing import infer_function
from lamina.core.variable import Variable
from lamina.symbolic.tensor import KerasTensor, map_leaves

F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F, jit_compile: bool | None = None) -> F:
    """`function` compiled: traced once for each new structure, shape and type of its arguments.

    Variables may be read and assigned inside, as in plain Python; their buffers are reused for
    their new values. Booleans, strings and None among the arguments are part of the structure.

    Args:
        function: any function of tensors and variables.
        jit_compile: whether the compiler of machine code runs: XLA on JAX and TensorFlow, Inductor
            on PyTorch. None is the backend's own choice: JAX compiles in any case, TensorFlow
            makes a graph, PyTorch runs the function as it is. False on JAX is the same as None.

    Returns:
        A function of the same arguments and results.

    Raises:
        LeakedTraceError: if a traced tensor is kept outside of a variable and used later.

    Example:
        >>> import lamina
        >>> count = lamina.Variable(0, dtype="int32")
        >>> @lamina.jit
        ... def step(x):
        ...     count.assign_add(1)
        ...     return x * 2
        >>> int(step(3)), int(step(4)), int(count)
        (6, 8, 2)
    """
    return current().jit(function, jit_compile)  # type: ignore[return-value]


def value_and_grad(
    function: Callable[..., Any],
    variables: Sequence[Variable] | None = None,
    *,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that returns `function`'s value and the gradients of it.

    Args:
        function: returns a scalar, or with `has_aux` a pair of a scalar and anything else.
        variables: what to differentiate with respect to; positional arguments where None.
        argnums: which positional arguments, where `variables` is None.
        has_aux: whether `function` returns `(value, auxiliary)`.

    Returns:
        A function of the same arguments that returns `(value, gradients)`, or
        `((value, auxiliary), gradients)`; the gradients are a list in the order of `variables`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable(3.0)
        >>> value, (gradient,) = value_and_grad(lambda x: w * w * x, [w])(2.0)
        >>> float(value), float(gradient)
        (18.0, 12.0)
    """
    handles = None if variables is None else [variable.handle for variable in variables]
    return current().value_and_grad(function, handles, argnums, has_aux)


def grad(
    function: Callable[..., Any],
    variables: Sequence[Variable] | None = None,
    *,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """As `value_and_grad`, but the function made returns the gradients alone.

    With `has_aux` it returns `(gradients, auxiliary)`.

    Example:
        >>> float(grad(lambda x: x**3)(2.0))
        12.0
    """
    both = value_and_grad(function, variables, argnums=argnums, has_aux=has_aux)

    def gradients(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradients


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """`function` mapped over an axis of its arguments at once.

    Args:
        function: of tensors without that axis; it may read variables, and assign them values that
            are the same for every element.
        in_axes: the mapped axis of each argument; None for an argument that is not mapped.
        out_axes: where the axis stands in the results.

    Example:
        >>> from lamina import ops
        >>> vmap(lambda row: ops.sum(row))(ops.ones((3, 4))).tolist()
        [4.0, 4.0, 4.0]
    """
    return current().vmap(function, in_axes, out_axes)


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, whose gradient computes its inner values anew instead of keeping them.

    It costs one more forward pass, and saves the memory of the activations inside:
    https://arxiv.org/abs/1604.06174.

    Example:
        >>> from lamina import ops
        >>> float(grad(remat(ops.sin))(0.0))
        1.0
    """
    return current().remat(f)


def eval_shape(function: Callable[..., Any], *args: Any) -> Any:
    """The shapes and types that `function` would return, without computing.

    Args:
        function: of tensors.
        *args: tensors, variables or `KerasTensor`s, nested as the function takes them.

    Returns:
        `KerasTensor`s, nested as the function's result.

    Example:
        >>> from lamina import KerasTensor, ops
        >>> eval_shape(ops.matmul, KerasTensor((2, 3)), KerasTensor((3, 4))).shape
        (2, 4)
    """

    def spec(leaf: Any) -> Any:
        if isinstance(leaf, KerasTensor) or not hasattr(leaf, "shape"):
            return leaf
        return KerasTensor(leaf.shape, leaf.dtype)

    return infer_function(function, map_leaves(spec, args), {})
