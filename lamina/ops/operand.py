"""What a caller may hand to an op, and the tensor that it becomes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from lamina.backend import current
from lamina.backend.config import settings
from lamina.backend.dtypes import complex_type, is_integer, standardize_dtype, strong
from lamina.symbolic.operators import Operators, table
from lamina.symbolic.tensor import KerasTensor, inferring

# What an argument of some class is: a tensor of the backend; a variable; a Python number, which is
# weak; nothing; or something else, which `to_tensor` makes a tensor or a symbolic tensor of.
Role = Literal["tensor", "variable", "number", "absent", "other"]
roles: dict[type, Role] = {}
settings.on_change.append(roles.clear)


def role_of(kind: type) -> Role:
    """The role of arguments of a class, looked up in `roles` from then on."""
    if issubclass(kind, current().tensor_types):
        role: Role = "tensor"
    elif issubclass(kind, Operators) and not issubclass(kind, KerasTensor):
        role = "variable"
    elif issubclass(kind, (bool, int, float, complex)) and not issubclass(kind, np.generic):
        role = "number"
    else:
        role = "absent" if kind is type(None) else "other"
    roles[kind] = role
    return role


def is_concrete(value: Any) -> bool:
    """Whether `value` is a tensor of the backend, a Python number or None."""
    kind = type(value)
    return (roles.get(kind) or role_of(kind)) not in ("variable", "other")


def is_number(value: Any) -> bool:
    """Whether `value` is a Python number, which takes the type of what it meets."""
    kind = type(value)
    return (roles.get(kind) or role_of(kind)) == "number"


def to_tensor(x: Any, dtype: str | None = None) -> Any:
    """`x` as a tensor of the backend, or as the symbolic tensor that it is.

    Args:
        x: a tensor, variable, NumPy array, number, or nested list of these.
        dtype: its element type; its own where None, `floatx` and `int32` for Python numbers.
    """
    kind = type(x)
    role = roles.get(kind) or role_of(kind)
    if role == "variable":
        x = x.value
    if role in ("tensor", "variable") or isinstance(x, KerasTensor):
        return x if dtype is None else as_dtype(x, dtype)
    backend = current()
    if isinstance(x, (list, tuple)) and _holds_tensors(x):
        stacked = table["stack"]([to_tensor(one) for one in x])
        return stacked if dtype is None else as_dtype(stacked, dtype)
    dtype = dtype or _natural_dtype(x)
    if inferring():
        return KerasTensor(np.shape(x), backend.canonical(dtype or np.asarray(x).dtype.name))
    return backend.array(x, dtype)


def _holds_tensors(x: Any) -> bool:
    tensors = (Operators, *current().tensor_types)
    return any(
        isinstance(one, tensors) or (isinstance(one, (list, tuple)) and _holds_tensors(one))
        for one in x
    )


def _natural_dtype(x: Any) -> str | None:
    """The type for Python numbers: `floatx`, `int32`, or of complex ones, not NumPy's widths."""
    if isinstance(x, bool) or hasattr(x, "__array__"):
        return None
    kind = np.asarray(x).dtype.kind
    if kind == "f":
        return standardize_dtype(float)
    if kind == "c":
        return complex_type(settings.floatx)
    return "int32" if kind in "iu" else None


def as_dtype(x: Any, dtype: str) -> Any:
    """A tensor or symbolic tensor with its elements converted to `dtype`."""
    if isinstance(x, KerasTensor):
        return x if x.dtype == dtype else KerasTensor(x.shape, dtype)
    backend = current()
    return x if backend.dtype(x) == dtype else backend.cast(x, dtype)


def weak_dtype(value: Any) -> str:
    """The type of an operand; `"int"` and `"float"` for Python numbers."""
    if is_number(value):
        return _weak_name(type(value))
    return str(value.dtype) if isinstance(value, KerasTensor) else str(current().dtype(value))


def _weak_name(kind: type) -> str:
    names = {bool: "bool", int: "int", float: "float", complex: "complex64"}
    return next(name for base, name in names.items() if issubclass(kind, base))


def converted(value: Any, dtype: str | None, native: bool) -> Any:
    """An operand as the kernel takes it.

    Args:
        value: a tensor, symbolic tensor or Python number.
        dtype: the type to compute in; its own where None.
        native: whether a framework's kernel takes it; the op's definition needs tensors.

    Raises:
        OverflowError: if a number is not within the range of the type.
    """
    if not is_number(value):
        return value if dtype is None or isinstance(value, KerasTensor) else as_dtype(value, dtype)
    dtype = strong(weak_dtype(value)) if dtype is None else dtype
    if is_integer(dtype) and not (limits := np.iinfo(dtype)).min <= value <= limits.max:
        raise OverflowError(
            f"The number {value} is not within {dtype}, the type that the other operands give it: "
            f"{limits.min} to {limits.max}. Cast these to a wider type first: ops.cast(x, 'int32')."
        )
    return current().number(value, dtype) if native else current().array(value, dtype)


def shape_of(value: Any) -> tuple[int, ...]:
    """The dimensions of an operand: none for a number."""
    return () if is_number(value) else tuple(value.shape)
