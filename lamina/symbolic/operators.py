"""The operator methods of symbolic tensors and variables, each the op of that name.

The ops live on the floor of `lamina/ops`, which fills `table` as it declares them: `x + y` looks
up what `lamina.ops.add` is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

table: dict[str, Callable[..., Any]] = {}


class Operators:
    """What `x + y`, `x @ y`, `x[i]`, … mean for a tensor that is not the framework's."""

    __array_priority__ = 100

    def __add__(self, other: Any) -> Any:
        return table["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return table["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return table["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return table["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return table["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return table["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return table["true_divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return table["true_divide"](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return table["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return table["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return table["mod"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return table["mod"](other, self)

    def __pow__(self, other: Any) -> Any:
        return table["power"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return table["power"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return table["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return table["matmul"](other, self)

    def __neg__(self) -> Any:
        return table["negative"](self)

    def __abs__(self) -> Any:
        return table["absolute"](self)

    def __invert__(self) -> Any:
        return table["bitwise_not"](self)

    def __and__(self, other: Any) -> Any:
        return table["bitwise_and"](self, other)

    def __rand__(self, other: Any) -> Any:
        return table["bitwise_and"](other, self)

    def __or__(self, other: Any) -> Any:
        return table["bitwise_or"](self, other)

    def __ror__(self, other: Any) -> Any:
        return table["bitwise_or"](other, self)

    def __xor__(self, other: Any) -> Any:
        return table["bitwise_xor"](self, other)

    def __rxor__(self, other: Any) -> Any:
        return table["bitwise_xor"](other, self)

    def __lt__(self, other: Any) -> Any:
        return table["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return table["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return table["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return table["greater_equal"](self, other)

    def __eq__(self, other: object) -> Any:
        return table["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        return table["not_equal"](self, other)

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key: Any) -> Any:
        return table["get_item"](self, key)

    def __round__(self, decimals: int | None = None) -> Any:
        return table["round"](self, decimals or 0)
