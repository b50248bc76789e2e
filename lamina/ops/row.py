"""One row per op: a typed function and a decorator that says its dtype rule and shape rule.

    @op(result=dtypes.floating, shape=shapes.same)
    def tanh(x: TensorLike) -> Tensor:
        '''Hyperbolic tangent, elementwise. …'''
        ...

Parameters annotated `TensorLike` (or `Sequence[TensorLike]`) are operands: they are made tensors
and promoted. `Indices` are made tensors and keep their type. `Number`s take part in the promotion
and stay what they are. The rest goes to the kernel as it is: required arguments by position, those
with a default by keyword, as NumPy spells them; lists among the latter become tuples.

A body of `...` says that every backend has a kernel of that name. Any other body is the op's
definition on other ops, used by the backends that have no kernel of that name, and, where no
shape rule is given, for shapes too.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lamina.backend import current
from lamina.backend.config import settings
from lamina.backend.dtypes import standardize_dtype, strong
from lamina.symbolic.graph import Operation, auto_name
from lamina.symbolic.operators import Operators, table
from lamina.symbolic.tensor import KerasTensor, infer, inferring, map_leaves

Tensor = Any
TensorLike = Any
Indices = Any
Number = Any
Shape = tuple[int, ...]
DtypeRule = Callable[[Sequence[str], str | None], tuple[str | None, Any]]
F = TypeVar("F", bound=Callable[..., Any])

rows: dict[str, Row] = {}
_SCALARS = (bool, int, float, complex)


def op(*, result: DtypeRule, shape: Callable[..., Any] | None = None) -> Callable[[F], F]:
    """Make the decorated function an op; see the top of this file.

    Args:
        result: from the operands' dtypes, weak ones among them, and the value of the parameter
            `dtype` if there is one: the type to compute in (None: each operand's own) and the
            type of the result (a tuple for several results, None for whatever comes out).
        shape: from the op's arguments, each operand given as its shape: the result's shape, or a
            list of shapes. None where the body gives it.
    """

    def decorate(definition: F) -> F:
        row = Row(definition, result, shape)
        rows[row.name] = row

        @functools.wraps(definition)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs or len(args) != row.size or row.variadic is not None:
                args = row.bind(args, kwargs)
            return row(args)

        call.row = row  # type: ignore[attr-defined]
        table[row.name] = call
        return call  # type: ignore[return-value]

    return decorate


def _empty_body() -> None:
    """A body of `...` compiles to the code of this one."""
    ...


class Row:
    """What is known of one op: its signature, its rules, and its kernel on each backend."""

    def __init__(
        self, definition: Callable[..., Any], result: DtypeRule, shape: Callable[..., Any] | None
    ) -> None:
        self.name = definition.__name__
        self.definition = definition
        self.result = result
        self.shape = shape
        self.has_body = definition.__code__.co_code != _empty_body.__code__.co_code
        parameters = list(inspect.signature(definition).parameters.values())
        self.size = len(parameters)
        self.names = [parameter.name for parameter in parameters]
        self.defaults = [parameter.default for parameter in parameters]
        variadic = [i for i, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL]
        self.variadic = variadic[0] if variadic else None
        notes = [parameter.annotation for parameter in parameters]
        if not all(isinstance(note, str) for note in notes):
            raise TypeError(f"The file of {self.name} lacks `from __future__ import annotations`.")
        self.operands = [i for i, note in enumerate(notes) if "TensorLike" in note]
        self.nested = [i for i, note in enumerate(notes) if "Sequence[TensorLike]" in note]
        self.nested += variadic
        self.numbers = [i for i, note in enumerate(notes) if "Number" in note]
        self.indices = [i for i, note in enumerate(notes) if "Indices" in note]
        self.tensors = sorted(self.operands + self.indices)
        self.dtype_at = self.names.index("dtype") if "dtype" in self.names else None
        required = inspect.Parameter.empty
        self.by_position = [
            i for i in range(self.size) if i in self.tensors or self.defaults[i] is required
        ]
        self.by_keyword = [i for i in range(self.size) if i not in self.by_position]
        self.plans: dict[Any, tuple[str | None, Any]] = {}
        settings.on_change.append(self.plans.clear)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, defaults filled in; TypeError as Python's own."""
        if self.variadic is not None:
            args = (*args[: self.variadic], args[self.variadic :])
        bound = list(args[: self.size])
        extra = len(args) - self.size
        for name, default in zip(
            self.names[len(bound) :], self.defaults[len(bound) :], strict=True
        ):
            bound.append(kwargs.pop(name, default) if kwargs else default)
        if extra > 0 or kwargs or any(value is inspect.Parameter.empty for value in bound):
            self._refuse(args, kwargs, bound)
        return tuple(bound)

    def _refuse(self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: list[Any]) -> None:
        signature = f"{self.name}{inspect.signature(self.definition)}"
        if len(args) > self.size:
            raise TypeError(
                f"{self.name} takes {self.size} arguments, not {len(args)}: {signature}"
            )
        if kwargs:
            names = ", ".join(kwargs)
            raise TypeError(f"{self.name} has no argument, or had it twice: {names}: {signature}")
        missing = [
            name
            for name, value in zip(self.names, bound, strict=True)
            if value is inspect.Parameter.empty
        ]
        raise TypeError(f"{self.name} needs the argument {', '.join(missing)}: {signature}")

    def __call__(self, args: tuple[Any, ...]) -> Any:
        backend = current()
        values = list(args)
        symbolic = inferring()
        key: list[Any] = []
        for i in self.tensors:
            value = values[i]
            if i in self.nested:
                value = values[i] = [self._operand(leaf, backend) for leaf in value]
                symbolic = symbolic or any(isinstance(leaf, KerasTensor) for leaf in value)
                key.extend(_weak_dtype(leaf, backend) for leaf in value)
            elif value is not None:
                value = values[i] = self._operand(value, backend)
                symbolic = symbolic or isinstance(value, KerasTensor)
                if i in self.operands:
                    key.append(_weak_dtype(value, backend))
        for i in self.numbers:
            if values[i] is not None:
                key.append(_weak_dtype(values[i], backend))
        plan = self._plan(key, values, backend)
        if symbolic:
            return self._symbolic(values, plan[1])
        return self._compute(values, plan, backend)

    def _operand(self, value: Any, backend: Any) -> Any:
        """A tensor, symbolic tensor or Python scalar for whatever a caller may hand over."""
        if isinstance(value, backend.tensor_types) or type(value) in _SCALARS:
            return value
        if isinstance(value, KerasTensor):
            return value
        if isinstance(value, Operators):  # a variable
            return value.value  # type: ignore[attr-defined]
        if isinstance(value, (list, tuple)) and any(isinstance(v, Operators) for v in value):
            return table["stack"](value)
        return backend.array(value)

    def _plan(self, key: list[Any], values: list[Any], backend: Any) -> tuple[str | None, Any]:
        dtype = None if self.dtype_at is None else values[self.dtype_at]
        lookup = (*key, dtype, backend.name)
        try:
            return self.plans[lookup]
        except KeyError:
            asked = None if dtype is None else standardize_dtype(dtype)
            compute, result = self.result(key, asked)
            canonical = backend.canonical
            compute = None if compute is None else canonical(strong(compute))
            if isinstance(result, tuple):
                result = tuple(canonical(strong(one)) for one in result)
            elif result is not None:
                result = canonical(strong(result))
            self.plans[lookup] = plan = (compute, result)
            return plan

    def _compute(self, values: list[Any], plan: tuple[str | None, Any], backend: Any) -> Any:
        compute, result = plan
        for i in self.tensors:
            value = values[i]
            if i in self.indices:
                if type(value) in _SCALARS:
                    values[i] = backend.array(value)
            elif i in self.nested:
                values[i] = [_as(leaf, compute, backend) for leaf in value]
            elif value is not None:
                values[i] = _as(value, compute, backend)
        kernel = backend.kernel(self.name)
        if self.dtype_at is not None:
            values[self.dtype_at] = result if isinstance(result, str) else compute
        if kernel is None:
            output = self._definition(values)
        else:
            positional = [values[i] for i in self.by_position]
            if self.variadic is not None:
                positional[-1:] = positional[-1]
            named = {self.names[i]: _frozen(values[i]) for i in self.by_keyword}
            try:
                output = kernel(*positional, **named)
            except (TypeError, ValueError, RuntimeError, IndexError) as error:
                self._explain(values, error)
                raise
        if isinstance(result, str):
            if isinstance(output, (list, tuple)):
                return [_as(leaf, result, backend) for leaf in output]
            return _as(output, result, backend)
        if isinstance(result, tuple):
            return tuple(_as(leaf, one, backend) for leaf, one in zip(output, result, strict=True))
        return output

    def _explain(self, values: list[Any], error: Exception) -> None:
        """Raise the shape rule's error where that is what a kernel failed of: it is the same on
        every backend.
        """
        if self.shape is not None:
            try:
                self._spec(values, None)
            except ShapeError as wrong:
                raise wrong from error

    def _definition(self, values: list[Any]) -> Any:
        if not self.has_body:
            raise TypeError(
                f"The backend {current().name!r} has no kernel for {self.name!r}, which "
                "lamina/backend/contract.py asks of it."
            )
        return self.definition(*values)

    def _symbolic(self, values: list[Any], result: Any) -> Any:
        if inferring():
            return self._spec(values, result)
        outputs = infer(lambda *values: self._spec(list(values), result), *values)
        return OpCall(self.name).record(tuple(values), {}, outputs)

    def _spec(self, values: list[Any], result: Any) -> Any:
        if self.shape is None:
            output = self.definition(*values)
            return map_leaves(lambda leaf: _retyped(leaf, result), output)
        shapes = list(values)
        for i in self.tensors:
            if i in self.nested:
                shapes[i] = [_shape(leaf) for leaf in values[i]]
            elif values[i] is not None:
                shapes[i] = _shape(values[i])
        if getattr(self.shape, "of_operands", False):
            shapes = [shapes[i] for i in self.tensors if shapes[i] is not None]
        try:
            found = self.shape(*shapes)
        except ShapeError as error:
            raise ShapeError(f"ops.{self.name}: {error}") from None
        dtype = result
        if dtype is None and self.operands:
            dtype = strong(_weak_dtype(values[self.operands[0]], current()))
        if isinstance(found, list):
            kinds = dtype if isinstance(dtype, tuple) else [dtype] * len(found)
            tensors = [KerasTensor(s, d) for s, d in zip(found, kinds, strict=True)]
            return tuple(tensors) if isinstance(dtype, tuple) else tensors
        return KerasTensor(found, dtype)


class ShapeError(ValueError):
    """Shapes that an op cannot work on together."""


class OpCall(Operation):
    """An op in the graph of a functional model."""

    def __init__(self, op: str, name: str | None = None) -> None:
        super().__init__(name or auto_name(op))
        self.op = op
        self.class_name = op.title().replace("_", "")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        row = rows.get(self.op)
        return table[self.op](*args, **kwargs) if row is None else row(args)

    def get_config(self) -> dict[str, Any]:
        return {"op": self.op, "name": self.name}


def _as(value: Any, dtype: str | None, backend: Any) -> Any:
    """`value` as a tensor of `dtype`, or of its own type where that is None."""
    if isinstance(value, backend.tensor_types):
        return (
            value if dtype is None or backend.dtype(value) == dtype else backend.cast(value, dtype)
        )
    if isinstance(value, KerasTensor):
        return value
    return backend.array(value, strong(_weak_dtype(value, backend)) if dtype is None else dtype)


def _frozen(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


def _weak_dtype(value: Any, backend: Any) -> str:
    kind = type(value)
    if kind is float:
        return "float"
    if kind is int:
        return "int"
    if kind is bool:
        return "bool"
    if kind is KerasTensor:
        return str(value.dtype)
    if kind is complex:
        return "complex64"
    return str(backend.dtype(value))


def _shape(value: Any) -> Shape:
    return () if type(value) in _SCALARS else tuple(value.shape)


def _retyped(leaf: Any, result: Any) -> Any:
    if isinstance(leaf, KerasTensor) and isinstance(result, str) and leaf.dtype != result:
        return KerasTensor(leaf.shape, result)
    return leaf


__all__ = [
    "Indices",
    "Number",
    "OpCall",
    "Row",
    "Shape",
    "ShapeError",
    "Tensor",
    "TensorLike",
    "op",
    "rows",
]
