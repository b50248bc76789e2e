"""One row per op: a typed function and a decorator that says its dtype rule and shape rule.

    @op(result=dtypes.floating, shape=shapes.same)
    def tanh(x: TensorLike) -> Tensor:
        '''Hyperbolic tangent, elementwise. …'''
        ...

Parameters annotated `TensorLike` (or `Sequence[TensorLike]`) are operands: they are made tensors
and promoted. `Indices` are made tensors and keep their type. `Number`s take part in the promotion
and stay what they are. `Places` are positions, which may hold tensors inside tuples. A `Pair` is a
tuple of two operands: real and imaginary parts. The rest goes to the kernel as it is: required
arguments by position, those with a default by keyword, as NumPy spells them; lists among the
latter become tuples.

A body of `...` says that every backend has a kernel of that name. Any other body is the op's
definition on other ops, used by the backends that have no kernel of that name, and, where no
shape rule is given, for shapes too.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, TypeVar

from lamina.backend import current
from lamina.backend.config import settings
from lamina.backend.dtypes import is_integer, standardize_dtype, strong
from lamina.backend.tracebacks import cut
from lamina.ops import work
from lamina.ops.op_call import OpCall, rows
from lamina.ops.operand import (
    converted,
    is_number,
    role_of,
    roles,
    shape_of,
    to_tensor,
    weak_dtype,
)
from lamina.symbolic import counting
from lamina.symbolic.operators import Operators, table
from lamina.symbolic.tensor import (
    KerasTensor,
    any_symbolic,
    infer,
    inferences,
    inferring,
    map_leaves,
)

Tensor = Any
TensorLike = Any
Indices = Any
Number = Any
Places = Any
Pair = Any
Shape = tuple[int, ...]
DtypeRule = Callable[[Sequence[str], str | None], tuple[str | None, Any]]
F = TypeVar("F", bound=Callable[..., Any])
_REQUIRED = inspect.Parameter.empty


def op(
    *, result: DtypeRule, shape: Callable[..., Any] | None = None, everywhere: bool = False
) -> Callable[[F], F]:
    """Make the decorated function an op; see the top of this file.

    Args:
        result: from the operands' dtypes, weak ones among them, and the value of the parameter
            `dtype` if there is one: the type to compute in (None: each operand's own) and the
            type of the result (a tuple for several results, None for whatever comes out).
        shape: from the op's arguments, each operand given as its shape: the result's shape, or a
            list of shapes. None where the body gives it.
        everywhere: whether the body serves on every backend, although frameworks have functions of
            that name: these differ from each other in what they take or answer.
    """

    def decorate(definition: F) -> F:
        row = Row(definition, result, shape, everywhere)
        rows[row.name] = row

        table[row.name] = row.function
        return row.function  # type: ignore[return-value]

    return decorate


def _empty_body() -> None:
    """A body of `...` compiles to the code of this one."""
    ...


class Row:
    """What is known of one op: its signature, its rules, and its kernel on each backend."""

    def __init__(
        self,
        definition: Callable[..., Any],
        result: DtypeRule,
        shape: Callable[..., Any] | None,
        everywhere: bool,
    ) -> None:
        self.name = definition.__name__
        self.definition = definition
        self.result = result
        self.shape = shape
        self.everywhere = everywhere
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
        self.pairs = [i for i, note in enumerate(notes) if note == "Pair"]
        self.operands = [i for i, note in enumerate(notes) if "TensorLike" in note] + self.pairs
        self.nested = [i for i, note in enumerate(notes) if "Sequence[TensorLike]" in note]
        self.nested += variadic + self.pairs
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
        self.never_none = [i for i in self.plain if i in self.required and "None" not in notes[i]]
        self.by_position = sorted({*self.tensors, *self.required})
        self.by_keyword = [i for i in range(self.size) if i not in self.by_position]
        self.plans: dict[tuple[Any, ...], Plan] = {}
        self.direct: dict[tuple[Any, ...], Plan] = {}
        settings.on_change += [self.plans.clear, self.direct.clear]
        self.function = _public_function(self)

    def __call__(self, args: tuple[Any, ...]) -> Any:
        """The result for all arguments by position, those of a variadic parameter in a tuple."""
        values = list(args)
        key: list[Any] = []  # the types of the operands: all that decides how the op runs
        symbolic, as_given = inferring(), True
        for i in self.plain:
            value = values[i]
            kind = type(value)
            role = roles.get(kind) or role_of(kind)
            if role == "number" or role == "absent":
                key.append(kind)
                continue
            if role != "tensor":
                value = value.value if role == "variable" else to_tensor(value)
                symbolic = symbolic or isinstance(value, KerasTensor)
                as_given = as_given and value is values[i]
                values[i] = value
            key.append(value.dtype)
        if self.irregular:
            symbolic = self._gather(values, key) or symbolic
        plan = self.plans.get(tuple(key)) or self._plan(tuple(key), values)
        if symbolic:
            return self._symbolic(values, plan)
        if plan.direct and as_given:
            self.direct[self._kinds(args)] = plan
        return self._compute(values, plan)

    def _kinds(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the public function looks up in `direct`, as `_DIRECT` spells it."""
        tensors = [args[i] for i in self.tensors]
        return tuple([one for x in tensors for one in (type(x), getattr(x, "dtype", None))])

    def _gather(self, values: list[Any], key: list[Any]) -> bool:
        """Prepare the arguments that are no plain operands; whether one of them is symbolic."""
        symbolic = False
        for i in self.pairs:
            if not isinstance(values[i], (tuple, list)) or len(values[i]) != 2:
                raise ValueError(
                    f"ops.{self.name}: {self.names[i]} is a tuple of two tensors, the real and the "
                    f"imaginary parts, not {type(values[i]).__name__}."
                )
        for i in self.nested:
            parts = [one if is_number(one) else to_tensor(one) for one in values[i]]
            values[i] = parts
            key.append(tuple([type(one) if is_number(one) else one.dtype for one in parts]))
            symbolic = symbolic or any(isinstance(one, KerasTensor) for one in parts)
            if i in self.pairs and not symbolic and shape_of(parts[0]) != shape_of(parts[1]):
                raise ShapeError(
                    f"ops.{self.name}: the real and the imaginary parts have different shapes: "
                    f"{shape_of(parts[0])} and {shape_of(parts[1])}."
                )
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
        for i in self.never_none:
            if values[i] is None:
                raise TypeError(f"ops.{self.name}: {self.names[i]} is None, and not a tensor.")
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
        kernel = None if self.everywhere else backend.kernel(self.name, compute)
        plan = Plan(compute, result, kernel)
        if plan.kernel is None and self.has_body:
            plan.native, plan.kernel = False, backend.shared(self.definition)
        for i in self.tensors:
            wanted = None if i in self.indices else compute
            parts = self._parts(i, values)
            other = wanted is not None and any(weak_dtype(one) != wanted for one in parts)
            loose = any(is_number(one) for one in parts)
            if loose and plan.native and self._takes_number(i, wanted):
                continue
            if other or loose:
                plan.convert.append((i, wanted))
        # A definition takes its arguments in the order of its own, a kernel the tensors first.
        ordered = plan.native or self.by_position == list(range(len(self.by_position)))
        declined = self.name in backend.declines
        plan.direct = ordered and not (self.irregular or plan.convert or declined)
        self.plans[key] = plan
        return plan

    def _takes_number(self, i: int, dtype: str | None) -> bool:
        """Whether the kernel takes a number for argument `i`, and no range is to be checked."""
        last = len(self.operands) > 1 and i == self.operands[-1]
        known = self.name in current().takes_numbers
        return last and known and dtype is not None and not is_integer(dtype)

    def _parts(self, i: int, values: list[Any]) -> list[Any]:
        """The tensors of argument `i`."""
        if i in self.nested:
            return values[i]  # type: ignore[no-any-return]
        return [] if values[i] is None else [values[i]]

    def _compute(self, values: list[Any], plan: Plan) -> Any:
        kernel = plan.kernel
        if kernel is None:
            raise TypeError(
                f"The backend {current().name!r} has no kernel for {self.name!r}, which "
                "lamina/backend/contract.py asks of it."
            )
        for i, dtype in plan.convert:
            native = plan.native and i not in self.indices
            if i in self.nested:
                values[i] = [converted(one, dtype, native) for one in values[i]]
            else:
                values[i] = converted(values[i], dtype, native)
        if self.dtype_at is not None:
            values[self.dtype_at] = plan.result if isinstance(plan.result, str) else plan.compute
        try:
            if plan.native and (self.by_keyword or self.variadic is not None):
                output = self._native(kernel, values)
            else:
                output = kernel(*values)
            if output is NotImplemented:
                output = self.definition(*values)
        except Exception as error:
            self._explain(values, error)
            raise
        return output if getattr(output, "dtype", None) is plan.seen else plan.typed(output)

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

    def _symbolic(self, values: list[Any], plan: Plan) -> Any:
        result = plan.result
        if inferring():
            return self._spec(values, result)
        outputs = infer(lambda *values: self._spec(list(values), result), *values)
        return OpCall(self.name).record(tuple(values), {}, outputs)

    def _spec(self, values: list[Any], result: Any) -> Any:
        if self.shape is None:
            for i in self.tensors:
                values[i] = _lifted(values[i])
            output = self.definition(*values)
            return map_leaves(lambda leaf: _retyped(leaf, result), output)
        shapes = list(values)
        for i in self.tensors:
            if i in self.nested:
                shapes[i] = [shape_of(leaf) for leaf in values[i]]
            elif values[i] is not None:
                shapes[i] = shape_of(values[i])
        given = shapes
        if getattr(self.shape, "of_operands", False):
            given = [shapes[i] for i in self.tensors if shapes[i] is not None]
        try:
            found = self.shape(*given)
        except ShapeError as error:
            raise ShapeError(f"ops.{self.name}: {error}") from None
        count = counting.under_way()
        if count is not None:
            count.operations += self._operations(values, shapes, found, result)
            count.kinds.add(self.name)
        dtype = result
        first = self._parts(self.operands[0], values)[:1] if self.operands else []
        if dtype is None and first:
            dtype = strong(weak_dtype(first[0]))
        if isinstance(found, list):
            kinds = dtype if isinstance(dtype, tuple) else [dtype] * len(found)
            tensors = [KerasTensor(s, d) for s, d in zip(found, kinds, strict=True)]
            return tuple(tensors) if isinstance(dtype, tuple) else tensors
        return KerasTensor(found, dtype)

    def _operations(self, values: list[Any], shapes: list[Any], found: Any, result: Any) -> float:
        """The floating-point operations of one call; NaN where that cannot be told."""
        if self.name in work.RULES or not self.has_body:
            dtype = result[0] if isinstance(result, tuple) else result
            counts = getattr(self.shape, "counts", None)
            return work.operations(self.name, counts, found, dtype, shapes)
        lifted = [_lifted(one) if i in self.tensors else one for i, one in enumerate(values)]
        with counting.counting(times=0) as inside:
            try:
                self.definition(*lifted)
            except Exception:  # it looks at values, of which there are none
                return math.nan
        return inside.operations


class Plan:
    """How an op runs on operands of some types: found once, then looked up.

    Attributes:
        compute: the type to compute in; None: each operand's own.
        result: the type of the result, a tuple for several, None for whatever comes out.
        kernel: the backend's, else the op's definition, None where there is neither.
        native: whether it is the backend's.
        convert: the arguments that are to be converted, and to which type.
        direct: whether the kernel takes tensors and numbers of these types as they are given.
        seen: an output's type, as the framework spells it, that was found to be `result`.
    """

    __slots__ = ("compute", "convert", "direct", "kernel", "native", "result", "seen")

    def __init__(self, compute: str | None, result: Any, kernel: Any) -> None:
        self.compute = compute
        self.result = result
        self.kernel = kernel
        self.native = True
        self.convert: list[tuple[int, str | None]] = []
        self.direct = False
        self.seen: Any = self  # no output's type is that

    def typed(self, output: Any) -> Any:
        """The output in the type that the op promises."""
        if self.result is None:
            return output
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


# An op's public function: its row runs it, unless operands of these classes and types are known
# to need nothing done to them, where the backend's kernel is called straight away.
_FUNCTION = """
def op({signature}):
    try:
        {shortcut}
        return _run(({arguments},))
    except Exception as _error:
        _cut(_error)
        raise
"""
_SHORTCUT = """
        _plan = None if _inferences else _direct.get(({kinds}))
        if _plan is not None:
            try:
                _output = _plan.kernel({passed})
            except Exception as _error:
                _explain([{arguments}], _error)
                raise
            _known = getattr(_output, "dtype", None) is _plan.seen
            return _output if _known else _plan.typed(_output)
"""
_AS_GIVEN = "{0}={0} if {0}.__class__ is not list else tuple({0})"


def _public_function(row: Row) -> Callable[..., Any]:
    """A function of the op's own signature, so that Python itself binds its arguments."""
    names = row.names
    signature = [
        f"*{name}" if i == row.variadic else name if i in row.required else f"{name}=_defaults[{i}]"
        for i, name in enumerate(names)
    ]
    kinds = [f'type({names[i]}), getattr({names[i]}, "dtype", None)' for i in row.tensors]
    passed = [names[i] for i in row.by_position]
    passed += [_AS_GIVEN.format(names[i]) for i in row.by_keyword]
    texts = {
        "signature": ", ".join(signature),
        "arguments": ", ".join(names),
        "kinds": ", ".join(kinds),
        "passed": ", ".join(passed),
    }
    shortcut = "" if row.irregular else _SHORTCUT.strip().format(**texts)
    space: dict[str, Any] = {
        "_defaults": row.defaults,
        "_run": row.__call__,
        "_direct": row.direct,
        "_explain": row._explain,
        "_inferences": inferences,
        "_cut": cut,
    }
    exec(_compiled(_FUNCTION.format(shortcut=shortcut, **texts)), space)
    function: Any = functools.wraps(row.definition)(space["op"])
    function.__code__ = function.__code__.replace(
        co_filename=f"<lamina.ops.{row.name}>", co_name=row.name, co_qualname=row.name
    )
    function.row = row
    return function  # type: ignore[no-any-return]


@functools.cache
def _compiled(text: str) -> CodeType:
    """The code of a public function, one for the many ops that have the same parameters."""
    return compile(text, "<lamina.ops>", "exec")


def _frozen(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


def _lifted(value: Any) -> Any:
    """An operand, numbers in it as tensors."""
    if isinstance(value, list):
        return [_lifted(one) for one in value]
    return to_tensor(value) if is_number(value) else value


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
    "Pair",
    "Places",
    "Plan",
    "Row",
    "Shape",
    "ShapeError",
    "Tensor",
    "TensorLike",
    "op",
]
