"""What Hypothesis draws for an op: its operands, special values among them, and how near to the
exact answer each type has to come.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

from lamina import ops
from lamina.backend.dtypes import is_float, is_integer, strong
from lamina.ops.op_call import rows
from lamina.ops.operand import is_number, weak_dtype
from lamina.ops.row import Row
from tests.ops.calls import Hole, arguments, fresh, mapped
from tests.ops.table import Case, M, X

DTYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
    *("float16", "bfloat16", "float32", "float64"),
]
# Operands drawn at once: each is an example of an op that takes its elements alone.
BATCH = 20
# Shapes that broadcast with each other in the order of the operands, sizes 0 and 1 among them.
SHAPES: list[tuple[tuple[int, ...], ...]] = [
    ((BATCH,), (BATCH,), (BATCH,)),
    ((), (1,), ()),
    ((2, 1, 3), (4, 1), (1,)),
    ((0,), (1,), (0,)),
    ((2, 0), (2, 1), (1, 1, 1)),
]


def elements(dtype: str, low: float = -math.inf, high: float = math.inf) -> st.SearchStrategy[Any]:
    """Numbers of a type between two limits; with none, the special ones of the type as well."""
    anything = math.isinf(high)
    if dtype == "bool":
        return st.just(True) if low >= 1 else st.booleans()
    if is_integer(dtype):
        limits = np.iinfo(dtype)
        if not anything:
            return st.integers(
                max(math.ceil(low), int(limits.min)), min(math.floor(high), int(limits.max))
            )
        extremes = [limits.min, limits.min + 1, limits.max - 1, limits.max, 0, 1]
        small = st.integers(max(limits.min, -9), 9)
        return small | st.sampled_from(extremes) | st.integers(int(limits.min), int(limits.max))
    if not anything:
        return st.floats(low, high)
    limits = ml_dtypes.finfo(dtype)
    ends = [float(limits.max), float(limits.tiny), float(limits.eps), math.inf, 0.0, 0.5, 1.0]
    special = [math.nan, *ends, *(-one for one in ends)]
    anywhere = st.floats(float(limits.min), float(limits.max), allow_subnormal=False)
    return st.floats(-9, 9) | st.sampled_from(special) | anywhere


def in_type(values: Any, dtype: str) -> np.ndarray:
    """Numbers as an array, those too small for the type as 0: XLA takes subnormal ones for 0."""
    with np.errstate(all="ignore"):
        array = np.asarray(values).astype(dtype)
        if is_float(dtype):
            array = np.where(
                np.abs(array) < ml_dtypes.finfo(dtype).tiny, array.dtype.type(0), array
            )
    return array


@dataclass
class Call:
    """The arguments of one call: `structure` with arrays or numbers, `leaves`, for its holes."""

    structure: Any
    leaves: list[Any]

    def has_number(self) -> bool:
        return not all(isinstance(one, np.ndarray) for one in self.leaves)

    def arrays(self) -> list[np.ndarray]:
        return [one for one in self.leaves if isinstance(one, np.ndarray)]

    def with_numbers(self, arrays: list[Any]) -> list[Any]:
        """`arrays` in the place of the arrays among the leaves."""
        given = iter(arrays)
        return [next(given) if isinstance(one, np.ndarray) else one for one in self.leaves]

    def arguments(self, leaves: list[Any] | None = None) -> tuple[list[Any], dict[str, Any]]:
        values = self.leaves if leaves is None else leaves

        def fill(leaf: Any) -> Any:
            return values[leaf.place] if isinstance(leaf, Hole) else leaf

        return mapped(self.structure, fill)


def calls(data: st.DataObject, case: Case, dtype: str, count: int, cases: int) -> list[Call]:
    """Calls of an op with what is drawn for its operands, in number `count` or more, where it is
    tried on so many `cases`.
    """
    drawn: list[np.ndarray] = []
    # Hypothesis bounds what one example draws: an op of many cases has fewer numbers for each.
    share = max(4, BATCH // max(1, cases // 2))

    def draw(operand: X | M, seed: int) -> Hole:
        size = BATCH if case.each else min(share, math.prod(operand.shape))
        limits = (operand.low, operand.high) if isinstance(operand, X) else (-1.0, 1.0)
        known = elements(dtype, *limits) if case.limits(dtype) else elements(dtype)
        drawn.append(data.draw(st.lists(known, min_size=size, max_size=size)))
        return Hole(len(drawn) - 1)

    operands: list[X | M] = []

    def note(operand: X | M, seed: int) -> X | M:
        operands.append(operand)
        return operand

    structure = list(arguments(case, draw))
    arguments(case, note)
    if case.each:
        return _of_any_shape(structure, [in_type(one, dtype) for one in drawn], dtype)
    # The elements that were drawn, in another order each time.
    orders = [np.roll(np.arange(1000), 7 * k) for k in range(count)]
    return [
        Call(structure, [_fixed(o, d, dtype, order) for o, d in zip(operands, drawn, strict=True)])
        for order in orders
    ]


def _fixed(operand: X | M, drawn: list[Any], dtype: str, order: np.ndarray) -> np.ndarray:
    order = order[order < len(drawn)]
    values = np.array(drawn, dtype=object if is_integer(dtype) else None)[order]
    values = np.resize(values, operand.shape)  # what was drawn again and again, if it is too few
    if isinstance(operand, X):
        return in_type(values, dtype)
    # Symmetric and positive definite.
    root = values.astype("float64")
    matrix = root @ np.swapaxes(root, -1, -2) + 2 * np.eye(operand.shape[-1])
    return in_type(matrix if dtype != "bool" else np.eye(operand.shape[-1]) + 0 * root, dtype)


def _of_any_shape(structure: Any, drawn: list[np.ndarray], dtype: str) -> list[Call]:
    found = []
    for shapes in SHAPES if dtype in ("int32", "float32") else SHAPES[:1]:
        pairs = zip(drawn, shapes, strict=False)
        found.append(Call(structure, [x[: math.prod(shape)].reshape(shape) for x, shape in pairs]))
    if len(drawn) > 1:  # a Python number as the last operand
        last = len(drawn) - 1
        number = drawn[last][0].astype("float32" if dtype == "bfloat16" else dtype).item()
        found.append(Call(structure, [*drawn[:last], number]))
    return found


def made_of(case: Case, dtype: str, first: int) -> Call:
    """A call with numbers within the limits, those of the seeds from `first` on."""
    leaves: list[np.ndarray] = []

    def make(operand: X | M, seed: int) -> Hole:
        leaves.append(np.asarray(fresh(operand, dtype, first + seed)))
        return Hole(len(leaves) - 1)

    return Call(list(arguments(case, make)), leaves)


def function_of(name: str) -> Any:
    """The public function of a row."""
    return rows[name].function


# The exact answer --------------------------------------------------------------------------


def computed_in(row: Row, args: list[Any], kwargs: dict[str, Any]) -> str | None:
    """The type that a row computes in for these arguments; None: each operand's own."""
    bound = inspect.signature(row.definition).bind(*args, **kwargs)
    bound.apply_defaults()
    values = list(bound.arguments.values())
    operands = [
        one for i in row.operands for one in (values[i] if i in row.nested else values[i : i + 1])
    ]
    operands += [values[i] for i in row.numbers]
    kinds = [_kind(one) for one in operands if one is not None]
    asked = None if row.dtype_at is None else values[row.dtype_at]
    compute = row.result(kinds, asked)[0]
    return None if compute is None else strong(compute)


def _kind(value: Any) -> str:
    if is_number(value):
        return weak_dtype(value)
    return np.asarray(value).dtype.name if not hasattr(value, "dtype") else ops.dtype(value)


def widened(row: Row, call: Call) -> tuple[list[Any], dict[str, Any]]:
    """The arguments in double precision, as they are once they are of the type computed in."""
    compute = computed_in(row, *call.arguments())

    def wide(leaf: Any) -> Any:
        if not isinstance(leaf, Hole):
            return leaf
        array = np.asarray(call.leaves[leaf.place])
        kind = compute or array.dtype.name
        with np.errstate(all="ignore"):
            narrow = array.astype(kind)
            return narrow.astype("float64") if is_float(kind) else narrow

    args, kwargs = mapped(call.structure, wide)
    return args, kwargs


# Agreement ----------------------------------------------------------------------------------


def disagreements(found: np.ndarray, exact: Any, case: Case, call: Call) -> np.ndarray:
    """Where a result is not the exact one rounded to its type, near enough."""
    exact, dtype = np.asarray(exact), found.dtype.name
    if np.iscomplexobj(found):
        parts = [(found.real, exact.real), (found.imag, exact.imag)]
        one, other = (disagreements(*part, case, call) for part in parts)
        return one | other
    if not is_float(dtype) or not is_float(exact.dtype.name):
        return np.asarray(found != exact)
    limits = ml_dtypes.finfo(dtype)
    wide = exact.astype("float64")
    relative = case.ulps * float(limits.eps)
    with np.errstate(all="ignore"):
        rounded, value = wide.astype(dtype).astype("float64"), found.astype("float64")
        same = (value == rounded) | (np.isnan(value) & np.isnan(wide))
        slack = relative * (np.abs(wide) + _scale(wide, case, call)) + 2 * float(limits.tiny)
        near = np.abs(value - wide) <= slack
        end = float(limits.max) * (1 - relative)
        beyond = (np.abs(wide) >= end) & (np.abs(value) >= end) & (np.sign(wide) == np.sign(value))
    return ~(same | near | beyond)


def _scale(wide: np.ndarray, case: Case, call: Call) -> Any:
    """What errors are measured against, besides the result: the terms of sums."""
    if not case.each:
        return max(1.0, np.abs(wide[np.isfinite(wide)]).max(initial=0.0))
    if not case.sums:
        return 0.0
    sizes = [np.abs(np.asarray(one, "float64")) for one in call.leaves]
    return 1.0 + sum(np.where(np.isfinite(one), one, 0.0) for one in sizes)
