"""Dtype rules: from the operands' types to the type computed in and the type returned.

A rule takes the operands' dtypes (`"int"` and `"float"` are weak: Python scalars) and the value
of the op's `dtype` parameter, and returns `(compute, result)`; see `lamina.ops.row.op`.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamina.backend.config import settings
from lamina.backend.dtypes import (
    bits,
    complex_type,
    is_complex,
    is_float,
    is_integer,
    real_type,
    result_type,
)

Plan = tuple[str | None, str | tuple[str, ...] | None]


def promoted(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operands' common type throughout."""
    common = result_type(*dtypes)
    return common, common


def floating(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operands' common type, or `floatx` where that is no float."""
    common = result_type(*dtypes)
    if not (is_float(common) or is_complex(common)):
        common = settings.floatx
    return common, common


def numeric(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operands' common type; booleans alone are taken as `int32`."""
    common = result_type(*dtypes)
    common = "int32" if common == "bool" else common
    return common, common


def limited(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operands' common type; a boolean first operand, kept an integer, becomes `int32`."""
    common = result_type(*dtypes)
    common = "int32" if dtypes[0] == "bool" and not is_float(common) else common
    return common, common


def widened(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """As floating, computed in at least 32 bits: the half types are too coarse for it."""
    common, _ = floating(dtypes, dtype)
    return ("float32" if common in ("float16", "bfloat16") else common), common


def predicate(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed as floats; the answer is true or false."""
    return floating(dtypes, dtype)[0], "bool"


def accumulated(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The type asked for, else the operand's own; booleans add up as `int32`."""
    common = dtype or numeric(dtypes, None)[0]
    return common, common


def contracted(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operands' common type; products of `int8` add up in `int32`."""
    common = result_type(*dtypes)
    if all(one == "int8" for one in dtypes):
        common = "int32"
    return common, common


def asked_or_floating(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed as floats; the result is of the type that the caller asks for, else a float."""
    common = floating(dtypes, None)[0]
    return common, dtype or common


def searched(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Compared in the operands' common type; the result counts: `int32`."""
    return result_type(*dtypes), "int32"


def boolean(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed in the common type; the answer is true or false."""
    return result_type(*dtypes), "bool"


def logical(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Operands are taken as true or false, and so is the result."""
    return "bool", "bool"


def positions(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed in the operands' own types; the result counts: `int32`."""
    return None, "int32"


def own(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The first operand's type throughout; the others keep theirs."""
    return None, result_type(dtypes[0])


def summed(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """As promoted, but small integers and booleans are added up in 32 bits."""
    common = dtype or result_type(*dtypes)
    if common == "bool" or (is_integer(common) and bits(common) < 32):
        common = "uint32" if common.startswith("u") else "int32"
    return common, common


def asked(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The type that the caller asks for, else `floatx`."""
    return None, dtype or settings.floatx


def asked_or_own(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The type that the caller asks for, else the first operand's."""
    return None, dtype or result_type(dtypes[0])


def asked_or_promoted(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The type that the caller asks for, else the operands' common type."""
    return None, dtype or result_type(*dtypes)


def promoted_or_any(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operands' common type; whatever comes out where there are none."""
    return promoted(dtypes, dtype) if dtypes else (None, None)


def separate(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Several results, each of its operand's type."""
    return None, tuple(result_type(one) for one in dtypes)


def whatever(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Whatever the kernel returns."""
    return None, None


def ranked(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Two results: elements of the operand's type, and positions."""
    return None, (result_type(dtypes[0]), "int32")


def logical_of_own(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed in the operands' own types; the answer is true or false."""
    return None, "bool"


def widened_pair(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """As widened, with two results."""
    compute, common = widened(dtypes, dtype)
    return compute, (str(common), str(common))


def real_part(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """As promoted; of complex numbers the type of their parts comes out."""
    common = result_type(*dtypes)
    return common, real_type(common)


def real_floating(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """As floating; of complex numbers the type of their parts comes out."""
    common, _ = floating(dtypes, dtype)
    return common, real_type(str(common))


def complex_of(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed in at least 32 bits; the result is complex."""
    compute, _ = widened(dtypes, dtype)
    return compute, complex_type(str(compute))


def counted(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """The operand's own type; the result counts: `int32` where there is none."""
    return None, result_type(*dtypes) if dtypes else "int32"


def distinct(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Four results: elements of the operand's type, and three counts or positions."""
    return None, (result_type(dtypes[0]), "int32", "int32", "int32")


def widened_complex_pair(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed as widened, with two complex results."""
    compute, kind = complex_of(dtypes, dtype)
    return compute, (str(kind), str(kind))


def widened_with_positions(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """As widened, with a second result, of positions."""
    compute, common = widened(dtypes, dtype)
    return compute, (str(common), "int32")


def widened_count(dtypes: Sequence[str], dtype: str | None) -> Plan:
    """Computed as widened; the result counts: `int32`."""
    return widened(dtypes, dtype)[0], "int32"
