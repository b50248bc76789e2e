"""Ops in the graph of a functional model."""

from __future__ import annotations

from typing import Any

from lamina.symbolic.graph import Operation, auto_name
from lamina.symbolic.operators import table

# Each op's row, by its name.
rows: dict[str, Any] = {}


class OpCall(Operation):
    """An op in the graph of a functional model.

    Args:
        op: its name.
        name: its name in the model; made from the op's where None.
        options: arguments by name that every call has, where calls give tensors alone.
    """

    slot = "ops"

    def __init__(
        self, op: str, name: str | None = None, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__(name or auto_name(op))
        self.op = op
        self.options = options
        self.class_name = op.title().replace("_", "")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        row = rows.get(self.op)
        if row is not None and self.options is not None:
            return self._with_options(row, args, kwargs, self.options)
        if row is not None and row.variadic is not None:
            return row(args)
        return table[self.op](*args, **kwargs)

    def _with_options(
        self, row: Any, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]
    ) -> Any:
        if row.variadic is not None:
            return table[self.op](*(options[one] for one in row.names[: row.variadic]), *args)
        names = [name for name in row.names if name not in options]
        return table[self.op](**dict(zip(names, args, strict=False)), **kwargs, **options)

    def get_config(self) -> dict[str, Any]:
        config = {"op": self.op, "name": self.name}
        return config if self.options is None else {**config, "options": self.options}
