"""Formulas of a target and a prediction: each is written once, as a function.

    @formula("mse", "MSE")
    def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor: ...

    class MeanSquaredError(_FormulaLoss, formula=mean_squared_error): ...

The decorator brings both operands to one type and rank and refuses shapes that differ. The class
statements, here and in `lamina.metrics`, get their constructors from the function's parameters.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from lamina import ops
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.core import registry
from lamina.losses.shaping import align, check_same_shape

TensorLike = Any
Tensor = Any
F = TypeVar("F", bound=Callable[..., Any])


def formula(*aliases: str, classes: bool = False, loss: bool = True) -> Callable[[F], F]:
    """Make the decorated function of `y_true, y_pred, …` a formula.

    Args:
        *aliases: further names for it among the losses.
        classes: whether `y_true` holds class numbers, and so has another shape and type.
        loss: whether it is known by its name among the losses.
    """

    def decorate(body: F) -> F:
        @functools.wraps(body)
        def call(y_true: TensorLike, y_pred: TensorLike, *args: Any, **kwargs: Any) -> Tensor:
            y_pred = as_float(y_pred)
            if classes:
                y_true = ops.convert_to_tensor(y_true)
            else:
                y_true = ops.convert_to_tensor(y_true, dtype=standardize_dtype(y_pred.dtype))
                y_true, y_pred = align(y_true, y_pred)
                check_same_shape(body.__name__, y_true, y_pred)
            return body(y_true, y_pred, *args, **kwargs)

        call.takes_classes = classes  # type: ignore[attr-defined]
        registry.enter("formulas", call)
        if loss:
            registry.enter("losses", call, *aliases)
        return call  # type: ignore[return-value]

    return decorate


def as_float(x: TensorLike) -> Tensor:
    """`x` as a float tensor: its own type, or `floatx` where that is no float."""
    x = ops.convert_to_tensor(x)
    return x if is_float(standardize_dtype(x.dtype)) else ops.cast(x, standardize_dtype(None))


def constructor(
    base: Callable[..., None], function: Callable[..., Any], order: str, name: str
) -> Callable[..., None]:
    """An `__init__` that hands `function` and its parameters to `base`.

    Args:
        base: the `__init__` called with `function` first, then the rest by keyword.
        function: a formula.
        order: the constructor's parameters: `base`'s, and `...` for those of `function`.
        name: the default of the parameter `name`.
    """
    own = dict(list(inspect.signature(function).parameters.items())[2:])
    known = {**inspect.signature(base).parameters, **own}
    words = order.replace("...", " ".join(n for n in own if n not in order.split())).split()
    parameters = [known["self"], *(known[word] for word in words)]
    signature = inspect.Signature(
        [p.replace(default=name) if p.name == "name" else p for p in parameters]
    )

    def __init__(*args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        instance = bound.arguments.pop("self")
        base(instance, function, **bound.arguments)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def describe_function(function: Any) -> Any:
    """A function as plain data, in Keras's form."""
    name = getattr(function, "__name__", "")
    if registry.slots["formulas"].get(name) is not function:
        return registry.serialize(function)
    return registry.function_config(name)


def find_function(identifier: Any) -> Callable[..., Any]:
    """A formula from its name or description; a function of one's own as it is."""
    found = registry.identify("formulas", identifier, allow_none=False)
    if not callable(found):
        raise ValueError(f"Expected a function of y_true and y_pred, and got {found!r}.")
    return found  # type: ignore[no-any-return]
