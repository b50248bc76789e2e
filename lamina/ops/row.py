"""One row per op: a typed function and a decorator that says its dtype rule and shape rule.

    @op(result=dtypes.floating, shape=shapes.same)
    def tanh(x: TensorLike) -> Tensor:
        '''Hyperbolic tangent, elementwise. …'''
        ...

Parameters annotated `TensorLike` (or `Sequence[TensorLike]`) are operands: they are made tensors
and promoted. `Indices` are made tensors and keep their type. `Number`s take part in the promotion
and stay what they are. `Places` are positions, which may hold tensors inside tuples. The rest goes
to the kernel as it is: required arguments by position, those with a default by keyword, as NumPy
spells them; lists among the latter become tuples.

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
from lamina.ops.operand import (
    converted,
    is_number,
    role_of,
    roles,
    shape_of,
    to_tensor,
    weak_dtype,
)
from lamina.symbolic.graph import Operation, auto_name
from lamina.symbolic.operators import Operators, table
from lamina.symbolic.tensor import KerasTensor, any_symbolic, infer, inferring, map_leaves

Tensor = Any
TensorLike = Any
Indices = Any
Number = Any
Places = Any
Shape = tuple[int, ...]
DtypeRule = Callable[[Sequence[str], str | None], tuple[str | None, Any]]
F = TypeVar("F", bound=Callable[..., Any])
_REQUIRED = inspect.Parameter.empty

rows: dict[str, Row] = {}


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

        run, bind, size = row.__call__, row.bind, -1 if row.variadic is not None else row.size

        @functools.wraps(definition)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs or len(args) != size:
                args = bind(args, kwargs)
            return run(args)

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
        self.places = [i for i, note in enumerate(notes) if "Places" in note]
        self.tensors = sorted(self.operands + self.indices)
        self.plain = [i for i in self.tensors if i not in self.nested]
        self.dtype_at = self.names.index("dtype") if "dtype" in self.names else None
        self.irregular = (
            bool(self.nested or self.numbers or self.places) or self.dtype_at is not None
        )
        self.required = [i for i, one in enumerate(self.defaults) if one is _REQUIRED]
        self.by_position = sorted({*self.tensors, *self.required})
        self.by_keyword = [i for i in range(self.size) if i not in self.by_position]
        self.plans: dict[tuple[Any, ...], Plan] = {}
        settings.on_change.append(self.plans.clear)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, defaults filled in; TypeError as Python's own."""
        if self.variadic is not None:
            args = (*args[: self.variadic], args[self.variadic :])
        bound = [*args, *self.defaults[len(args) :]]
        for name, value in kwargs.items():
            place = self.names.index(name) if name in self.names else -1
            if place < len(args):
                self._refuse(args, kwargs, bound)
            bound[place] = value
        if len(args) > self.size or any(bound[i] is _REQUIRED for i in self.required):
            self._refuse(args, kwargs, bound)
        return tuple(bound)

    def _refuse(self, args: tuple[Any, ...], kwargs: dict[str, Any], bound: list[Any]) -> None:
        signature = f"{self.name}{inspect.signature(self.definition)}"
        if len(args) > self.size:
            raise TypeError(
                f"{self.name} takes {self.size} arguments, not {len(args)}: {signature}"
            )
        wrong = [one for one in kwargs if one not in self.names[len(args) :]]
        if wrong:
            names = ", ".join(wrong)
            raise TypeError(f"{self.name} has no argument, or had it twice: {names}: {signature}")
        missing = [
            name for name, value in zip(self.names, bound, strict=True) if value is _REQUIRED
        ]
        raise TypeError(f"{self.name} needs the argument {', '.join(missing)}: {signature}")

    def __call__(self, args: tuple[Any, ...]) -> Any:
        values = list(args)
        key: list[Any] = []  # the types of the operands: all that decides how the op runs
        symbolic = inferring()
        for i in self.plain:
            value = values[i]
            kind = type(value)
            role = roles.get(kind) or role_of(kind)
            if role == "number" or role == "absent":
                key.append(kind)
                continue
            if role == "other":
                value = values[i] = to_tensor(value)
                symbolic = symbolic or isinstance(value, KerasTensor)
            key.append(value.dtype)
        if self.irregular:
            symbolic = self._gather(values, key) or symbolic
        plan = self.plans.get(tuple(key)) or self._plan(tuple(key), values)
        return self._symbolic(values, plan) if symbolic else self._compute(values, plan)

    def _gather(self, values: list[Any], key: list[Any]) -> bool:
        """Prepare the arguments that are no plain operands; whether one of them is symbolic."""
        symbolic = False
        for i in self.nested:
            parts = [one if is_number(one) else to_tensor(one) for one in values[i]]
            values[i] = parts
            key.append(tuple([type(one) if is_number(one) else one.dtype for one in parts]))
            symbolic = symbolic or any(isinstance(one, KerasTensor) for one in parts)
        for i in self.places:
            values[i] = _place(values[i])
            symbolic = symbolic or any_symbolic(values[i])
        for i in self.numbers:
            key.append(getattr(values[i], "dtype", type(values[i])))
        if self.dtype_at is not None:
            key.append(values[self.dtype_at])
        return symbolic

    def _plan(self, key: tuple[Any, ...], values: list[Any]) -> Plan:
        """How the op runs on operands of these types."""
        backend = current()
        operands = [one for i in self.operands for one in self._parts(i, values)]
        numbers = [values[i] for i in self.numbers if values[i] is not None]
        dtype = None if self.dtype_at is None else values[self.dtype_at]
        asked = None if dtype is None else standardize_dtype(dtype)
        compute, result = self.result([weak_dtype(one) for one in (*operands, *numbers)], asked)
        canonical = backend.canonical
        compute = None if compute is None else canonical(strong(compute))
        if isinstance(result, tuple):
            result = tuple(canonical(strong(one)) for one in result)
        elif result is not None:
            result = canonical(strong(result))
        plan = Plan(compute, result, backend.kernel(self.name))
        for i in self.tensors:
            wanted = None if i in self.indices else compute
            parts = self._parts(i, values)
            other = wanted is not None and any(weak_dtype(one) != wanted for one in parts)
            if other or any(is_number(one) for one in parts):
                plan.convert.append((i, wanted))
        self.plans[key] = plan
        return plan

    def _parts(self, i: int, values: list[Any]) -> list[Any]:
        """The tensors of argument `i`."""
        if i in self.nested:
            return values[i]  # type: ignore[no-any-return]
        return [] if values[i] is None else [values[i]]

    def _compute(self, values: list[Any], plan: Plan) -> Any:
        kernel = plan.kernel
        for i, dtype in plan.convert:
            native = kernel is not None and i not in self.indices
            if i in self.nested:
                values[i] = [converted(one, dtype, native) for one in values[i]]
            else:
                values[i] = converted(values[i], dtype, native)
        if self.dtype_at is not None:
            values[self.dtype_at] = plan.result if isinstance(plan.result, str) else plan.compute
        if kernel is None:
            output = self._definition(values)
        else:
            try:
                if self.by_keyword or self.variadic is not None:
                    output = self._native(kernel, values)
                else:
                    output = kernel(*values)
            except (TypeError, ValueError, RuntimeError, IndexError) as error:
                self._explain(values, error)
                raise
        if plan.result is None or getattr(output, "dtype", None) is plan.seen:
            return output
        return plan.typed(output)

    def _native(self, kernel: Callable[..., Any], values: list[Any]) -> Any:
        positional = [values[i] for i in self.by_position]
        if self.variadic is not None:
            positional[-1:] = positional[-1]
        return kernel(*positional, **{self.names[i]: _frozen(values[i]) for i in self.by_keyword})

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

    def _symbolic(self, values: list[Any], plan: Plan) -> Any:
        result = plan.result
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
                shapes[i] = [shape_of(leaf) for leaf in values[i]]
            elif values[i] is not None:
                shapes[i] = shape_of(values[i])
        if getattr(self.shape, "of_operands", False):
            shapes = [shapes[i] for i in self.tensors if shapes[i] is not None]
        try:
            found = self.shape(*shapes)
        except ShapeError as error:
            raise ShapeError(f"ops.{self.name}: {error}") from None
        dtype = result
        if dtype is None and self.operands:
            dtype = strong(weak_dtype(values[self.operands[0]]))
        if isinstance(found, list):
            kinds = dtype if isinstance(dtype, tuple) else [dtype] * len(found)
            tensors = [KerasTensor(s, d) for s, d in zip(found, kinds, strict=True)]
            return tuple(tensors) if isinstance(dtype, tuple) else tensors
        return KerasTensor(found, dtype)


class Plan:
    """How an op runs on operands of some types: found once, then looked up.

    Attributes:
        compute: the type to compute in; None: each operand's own.
        result: the type of the result, a tuple for several, None for whatever comes out.
        kernel: the backend's, None where the op's definition serves.
        convert: the arguments that are to be converted, and to which type.
        seen: an output's type, as the framework spells it, that was found to be `result`.
    """

    __slots__ = ("compute", "convert", "kernel", "result", "seen")

    def __init__(self, compute: str | None, result: Any, kernel: Any) -> None:
        self.compute = compute
        self.result = result
        self.kernel = kernel
        self.convert: list[tuple[int, str | None]] = []
        self.seen: Any = self  # no output's type is that

    def typed(self, output: Any) -> Any:
        """The output in the type that the op promises."""
        if isinstance(self.result, tuple):
            pairs = zip(output, self.result, strict=True)
            return tuple(to_tensor(one, dtype) for one, dtype in pairs)
        if isinstance(output, (list, tuple)):
            return [to_tensor(one, self.result) for one in output]
        tensor = to_tensor(output, self.result)
        if tensor is output:
            self.seen = output.dtype
        return tensor


class ShapeError(ValueError):
    """Shapes that an op cannot work on together."""


class OpCall(Operation):
    """An op in the graph of a functional model."""

    slot = "ops"

    def __init__(self, op: str, name: str | None = None) -> None:
        super().__init__(name or auto_name(op))
        self.op = op
        self.class_name = op.title().replace("_", "")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        row = rows.get(self.op)
        return table[self.op](*args, **kwargs) if row is None else row(args)

    def get_config(self) -> dict[str, Any]:
        return {"op": self.op, "name": self.name}


def _frozen(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


def _place(key: Any) -> Any:
    """Positions as kernels take them: variables by their values, lists as arrays."""
    if isinstance(key, tuple):
        return tuple(_place(one) for one in key)
    if isinstance(key, (list, Operators)):
        return to_tensor(key)
    return key


def _retyped(leaf: Any, result: Any) -> Any:
    if isinstance(leaf, KerasTensor) and isinstance(result, str) and leaf.dtype != result:
        return KerasTensor(leaf.shape, result)
    return leaf


__all__ = [
    "Indices",
    "Number",
    "OpCall",
    "Places",
    "Plan",
    "Row",
    "Shape",
    "ShapeError",
    "Tensor",
    "TensorLike",
    "op",
    "rows",
]
