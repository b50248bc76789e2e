"""Types of elements, and the one rule by which they promote.

A type is its name (`"float32"`). Python scalars are *weak*: `"int"`, `"float"` and `"bool"`
stand for them, and they take the width of what they meet. The lattice is JAX's:
https://docs.jax.dev/en/latest/type_promotion.html, with `floatx` as the default float.
"""

from __future__ import annotations

import functools
from typing import Any

from lamina.backend.config import settings

BOOL = "bool"
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
EXACT = ("float8_e4m3fn", "float8_e5m2", "complex64", "complex128", "string")
ALL = (BOOL, *UNSIGNED, *SIGNED, *FLOATS, *EXACT)

_NAMES = frozenset(ALL)
_PYTHON_TYPES: dict[Any, str] = {bool: "bool", int: "int32", str: "string"}


def bits(dtype: str) -> int:
    """Width in bits of a numeric type: 8 for `uint8`, 16 for `bfloat16`."""
    return int(dtype.lstrip("abcdefghijklmnopqrstuvwxyz"))


def is_float(dtype: str) -> bool:
    """True for the float types, of 8 bits too."""
    return dtype.startswith(("float", "bfloat"))


def is_integer(dtype: str) -> bool:
    """True for signed and unsigned integers, not for `bool`."""
    return dtype.startswith(("int", "uint"))


def is_complex(dtype: str) -> bool:
    """True for the complex types."""
    return dtype.startswith("complex")


def real_type(dtype: str) -> str:
    """The type of the real and of the imaginary part; other types are their own."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def complex_type(dtype: str) -> str:
    """The complex type whose parts hold what a float type holds."""
    return "complex128" if dtype in ("float64", "complex128") else "complex64"


def standardize_dtype(dtype: Any) -> str:
    """The name of a type given as a string, a NumPy or framework dtype, a Python type or None.

    Args:
        dtype: `"float32"`, `np.float32`, `torch.float32`, `int`, … None stands for `floatx()`.

    Raises:
        ValueError: if there is no such type.

    Example:
        >>> import numpy as np
        >>> standardize_dtype(np.dtype("int8"))
        'int8'
    """
    if dtype is None:
        return settings.floatx
    if isinstance(dtype, str):
        if dtype in _NAMES:
            return dtype
        name = {"int": "int32", "float": settings.floatx, "str": "string"}.get(dtype, dtype)
    elif dtype is float:
        name = settings.floatx
    elif dtype in _PYTHON_TYPES:
        name = _PYTHON_TYPES[dtype]
    else:
        # torch.float32 has no name, and prints as it is called.
        found = getattr(dtype, "name", None) or getattr(dtype, "__name__", None)
        name = str(found or str(dtype).rpartition(".")[2])
    if name not in ALL:
        raise ValueError(f"There is no dtype {dtype!r}. The types are: {', '.join(ALL)}.")
    return name


@functools.cache
def _promote(first: str, second: str) -> str:
    """The type of two operands together; weak types may stand on either side."""
    if first == second:
        return first
    if BOOL in (first, second):
        return second if first == BOOL else first
    for weak, other in ((first, second), (second, first)):
        if weak == "int":
            return other
        if weak == "float":
            return other if is_float(other) or is_complex(other) else "float"
    if first in EXACT or second in EXACT:
        return _promote_complex(first, second)
    if is_float(first) != is_float(second):
        return first if is_float(first) else second
    if is_float(first):
        # Neither half-width type holds the other's values.
        return max(first, second, key=bits) if bits(first) != bits(second) else "float32"
    if first.startswith("u") == second.startswith("u"):
        return max(first, second, key=bits)
    signed, unsigned = (second, first) if first.startswith("u") else (first, second)
    width = max(bits(signed), 2 * bits(unsigned))
    return f"int{width}" if width <= 64 else "float"


def _promote_complex(first: str, second: str) -> str:
    if not (is_complex(first) or is_complex(second)):
        raise ValueError(f"{first} and {second} have no common type; cast one of them first.")
    wide = any(dtype in ("complex128", "float64") for dtype in (first, second))
    return "complex128" if wide else "complex64"


def result_type(*dtypes: Any) -> str:
    """The type that operands of these types have together.

    Args:
        *dtypes: types, or the Python types `int`, `float`, `bool` for weak scalars.

    Example:
        >>> result_type("int8", "float16"), result_type("uint8", "int8"), result_type(int, float)
        ('float16', 'int16', 'float32')
    """
    names = [_weak_name(dtype) for dtype in dtypes] or [settings.floatx]
    return strong(functools.reduce(_promote, names))


def strong(dtype: str) -> str:
    """What a weak type becomes where nothing else decides: `int32` and `floatx`."""
    return {"int": "int32", "float": settings.floatx}.get(dtype, dtype)


def _weak_name(dtype: Any) -> str:
    if dtype is int or dtype == "int":
        return "int"
    if dtype is float or dtype == "float":
        return "float"
    return standardize_dtype(dtype)


def is_float_dtype(dtype: Any) -> bool:
    """Whether `dtype` is one of the float types.

    Example:
        >>> is_float_dtype("bfloat16"), is_float_dtype("int32")
        (True, False)
    """
    return is_float(standardize_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Whether `dtype` is a signed or unsigned integer type."""
    return is_integer(standardize_dtype(dtype))
