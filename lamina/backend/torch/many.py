"""One formula applied to many tensors, each of its steps in one call for all of them.

An optimizer's update is a function of one array. On `Many`, which stands for an array, it runs once
for all parameters: PyTorch asks a class with `__torch_function__` how its functions work on it, and
the answer here is `torch._foreach_add` and its like, or the function on each tensor where there is
none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

Function = Callable[..., Any]


class Ragged(Exception):
    """The shape of tensors of different shapes was asked for."""


class Many:
    """Tensors of one type and device in the place of one."""

    __slots__ = ("tensors",)

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self.tensors = tensors

    @property
    def dtype(self) -> torch.dtype:
        return self.tensors[0].dtype

    @property
    def shape(self) -> torch.Size:
        shapes = {tensor.shape for tensor in self.tensors}
        if len(shapes) > 1:
            raise Ragged
        return shapes.pop()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def to(self, *args: Any) -> Many:
        return Many([tensor.to(*args) for tensor in self.tensors])

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = function.__name__.strip("_")
        at_once = _AT_ONCE.get(name)
        if at_once is not None and not kwargs and isinstance(args[0], Many):
            if len(args) == 1:
                return Many(at_once(args[0].tensors))
            other = args[1]
            if isinstance(other, Many):
                return Many(at_once(args[0].tensors, other.tensors))
            if isinstance(other, (int, float)) or name in _TAKES_SCALAR_TENSOR:
                return Many(at_once(args[0].tensors, other))
        elif name in _COMMUTES and not kwargs and isinstance(args[1], Many):
            return Many(_AT_ONCE[name](args[1].tensors, args[0]))
        return _each(function, args, kwargs or {})


def _each(function: Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    count = next(len(one.tensors) for one in (*args, *kwargs.values()) if isinstance(one, Many))

    def part(value: Any, i: int) -> Any:
        return value.tensors[i] if isinstance(value, Many) else value

    return Many(
        [
            function(
                *(part(one, i) for one in args),
                **{key: part(one, i) for key, one in kwargs.items()},
            )
            for i in range(count)
        ]
    )


def _square(tensors: list[torch.Tensor]) -> Any:
    return torch._foreach_mul(tensors, tensors)


_AT_ONCE: dict[str, Function] = {
    "abs": torch._foreach_abs,
    "add": torch._foreach_add,
    "div": torch._foreach_div,
    "exp": torch._foreach_exp,
    "maximum": torch._foreach_maximum,
    "minimum": torch._foreach_minimum,
    "mul": torch._foreach_mul,
    "neg": torch._foreach_neg,
    "pow": torch._foreach_pow,
    "rmul": torch._foreach_mul,
    "rsqrt": torch._foreach_rsqrt,
    "sign": torch._foreach_sign,
    "sqrt": torch._foreach_sqrt,
    "square": _square,
    "sub": torch._foreach_sub,
    "truediv": torch._foreach_div,
}
_AT_ONCE |= {
    "absolute": _AT_ONCE["abs"],
    "divide": _AT_ONCE["div"],
    "multiply": _AT_ONCE["mul"],
    "negative": _AT_ONCE["neg"],
    "subtract": _AT_ONCE["sub"],
    "true_divide": _AT_ONCE["div"],
}
_TAKES_SCALAR_TENSOR = frozenset({"add", "div", "divide", "mul", "multiply", "truediv"})
_COMMUTES = frozenset({"add", "mul", "multiply", "rmul"})


def _operator(function: Function, reverse: bool = False) -> Any:
    def apply(self: Many, other: Any) -> Any:
        args = (other, self) if reverse else (self, other)
        return Many.__torch_function__(function, (), args)

    return apply


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _function = getattr(torch, {"truediv": "true_divide"}.get(_name, _name))
    setattr(Many, f"__{_name}__", _operator(_function))
    setattr(Many, f"__r{_name}__", _operator(_function, reverse=True))


def map_update(update: Function, rows: Sequence[tuple[Any, ...]], *shared: Any) -> list[Any]:
    """`update(*row, *shared)` of each row (gradient, parameter, slots), at once where it can be."""
    groups: dict[Any, list[int]] = {}
    for i, (_, parameter, slots) in enumerate(rows):
        kinds = tuple(one.dtype for one in slots.values())
        groups.setdefault((parameter.dtype, parameter.device, kinds), []).append(i)
    results: list[Any] = [None] * len(rows)
    for places in groups.values():
        chosen = [rows[i] for i in places]
        found = _at_once(update, chosen, shared) if len(chosen) > 1 else None
        if found is None:
            found = [update(*row, *shared) for row in chosen]
        for i, result in zip(places, found, strict=True):
            results[i] = result
    return results


def _at_once(update: Function, rows: Sequence[Any], shared: tuple[Any, ...]) -> Any:
    gradients, parameters, slots = zip(*rows, strict=True)
    columns = {name: Many([held[name] for held in slots]) for name in slots[0]}
    try:
        gradient = None if gradients[0] is None else Many(gradients)
        new, changed = update(gradient, Many(parameters), columns, *shared)
    except Ragged:  # a formula of shapes, not of elements alone
        return None
    return [
        (parameter, {name: many.tensors[i] for name, many in changed.items()})
        for i, parameter in enumerate(new.tensors)
    ]
