"""What each op is tried on: one `Case` or several for each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BOOLS = ["bool"]
INTEGERS = ["int8", "int16", "int32", "uint8", "uint16", "uint32"]
FLOATS = ["float16", "bfloat16", "float32"]
NUMBERS = INTEGERS + FLOATS
ALL = BOOLS + NUMBERS


@dataclass
class X:
    """An operand of the type under test, its elements between two limits.

    Where `missing`, every third is NaN, in types that hold it.
    """

    shape: tuple[int, ...] = (2, 3)
    low: float = -2.0
    high: float = 2.0
    missing: bool = False


@dataclass
class M:
    """A stack of symmetric positive definite matrices of the type under test."""

    shape: tuple[int, ...] = (2, 3, 3)


@dataclass
class I:  # noqa: E742
    """Integers whatever the type under test."""

    value: Any


@dataclass
class Case:
    """Arguments, the types they are tried in, and whether the op has a gradient."""

    args: list[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    dtypes: list[str] = field(default_factory=lambda: ALL)
    gradient: bool = False
    values: bool = True


def one(*args: Any, **options: Any) -> list[Case]:
    kinds = {k: options.pop(k) for k in ("dtypes", "gradient", "values") if k in options}
    return [Case(list(args), options, **kinds)]


def smooth(low: float = -2.0, high: float = 2.0, **options: Any) -> list[Case]:
    return one(X((2, 3), low, high), gradient=True, **options)


def pair(low: float = -2.0, high: float = 2.0, **options: Any) -> list[Case]:
    return one(X((2, 3), low, high), X((3,), low, high), **options)


def reduction(**options: Any) -> list[Case]:
    return (
        one(X(), **options)
        + one(X((2, 3, 2)), axis=(0, 2), **options)
        + one(X(), axis=-1, keepdims=True, **options)
    )


def position(**options: Any) -> list[Case]:
    return one(X()) + one(X(), axis=-1, keepdims=True)


PLACES = I([[0], [2], [0]])

TABLE: dict[str, list[Case]] = {
    # arithmetic
    "add": pair(gradient=True),
    "subtract": pair(gradient=True, dtypes=NUMBERS),
    "multiply": pair(gradient=True),
    "true_divide": pair(1, 3, gradient=True),
    "divide_no_nan": pair(1, 3, gradient=True) + one(X(), 0),
    "floor_divide": pair(1, 3),
    "mod": pair(1, 3),
    "fmod": pair(1, 3),
    "power": pair(1, 3, gradient=True),
    "maximum": pair(gradient=True),
    "minimum": pair(gradient=True),
    "fmax": pair(),
    "fmin": pair(),
    "arctan2": pair(1, 3, gradient=True),
    "hypot": pair(1, 3, gradient=True),
    "logaddexp": pair(gradient=True),
    "logaddexp2": pair(gradient=True),
    "heaviside": pair(),
    "nextafter": pair(dtypes=FLOATS, values=False),
    "gcd": pair(1, 9, dtypes=INTEGERS),
    "lcm": pair(1, 9, dtypes=INTEGERS),
    "ldexp": one(X(), I([1, 2, 3])),
    # comparison
    **{
        name: pair() + one(X(), 1)
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    "where": one(I([True, False, True]), X(), X(), gradient=False) + one(I([True, False]), 1, 2.0),
    "isclose": pair() + one(X(), 1, rtol=0.5),
    "allclose": one(X(), X()),
    "isin": one(X((2, 3), 0, 4), X((2,), 0, 4)),
    # logical
    "logical_and": pair(),
    "logical_or": pair(),
    "logical_xor": pair(),
    "logical_not": one(X()),
    "bitwise_and": pair(0, 9, dtypes=BOOLS + INTEGERS),
    "bitwise_or": pair(0, 9, dtypes=BOOLS + INTEGERS),
    "bitwise_xor": pair(0, 9, dtypes=BOOLS + INTEGERS),
    "bitwise_not": one(X((2, 3), 0, 9), dtypes=BOOLS + INTEGERS),
    "left_shift": pair(0, 4, dtypes=INTEGERS),
    "right_shift": pair(0, 4, dtypes=INTEGERS),
    # trigonometric
    **{
        name: smooth()
        for name in ("sin", "cos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "sinc")
    },
    **{name: smooth(-0.9, 0.9) for name in ("tan", "arcsin", "arccos", "arctanh", "erfinv")},
    "arccosh": smooth(1.5, 3),
    "deg2rad": smooth(),
    "rad2deg": smooth(),
    # elementwise
    "absolute": smooth(),
    "fabs": smooth(),
    "negative": smooth(dtypes=NUMBERS),
    "sign": smooth(dtypes=NUMBERS),
    "signbit": one(X()),
    "square": smooth(),
    **{
        name: smooth(0.5, 3)
        for name in ("sqrt", "rsqrt", "reciprocal", "log", "log2", "log10", "cbrt")
    },
    **{name: smooth() for name in ("exp", "exp2", "expm1", "erf", "erfc", "i0")},
    "log1p": smooth(-0.5, 3),
    **{name: one(X()) for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf")},
    "nan_to_num": one(X()) + one(X(), nan=1.0, posinf=2.0),
    # rounding
    "floor": one(X()),
    "ceil": one(X()),
    "trunc": one(X()),
    "round": one(X(), dtypes=NUMBERS) + one(X(), 1, dtypes=FLOATS),
    "clip": one(X(), 0, 1) + one(X(), X((3,), 0, 1), X((3,), 1, 2)),
    # reductions
    **{name: reduction(gradient=True) for name in ("sum", "mean", "logsumexp")},
    **{name: reduction(gradient=True) for name in ("max", "min", "var", "std")},
    "prod": reduction(gradient=True) + one(X((2, 2), 0, 2), dtype="float32"),
    "ptp": reduction(dtypes=NUMBERS),
    "any": reduction(),
    "all": reduction(),
    "count_nonzero": one(X()) + one(X(), axis=0),
    "argmax": position(),
    "argmin": position(),
    "average": one(X()) + one(X(), axis=0, weights=X((2,), 1, 2)),
    "cumsum": one(X((2, 3), 0, 3)) + one(X(), axis=1, gradient=True) + one(X(), dtype="float16"),
    "cumprod": one(X((2, 3), 0, 2)) + one(X(), axis=1, gradient=True) + one(X(), dtype="float16"),
    # shaping
    "reshape": one(X(), (3, -1), gradient=True) + one(X(), -1),
    "ravel": one(X()),
    "transpose": one(X()) + one(X((2, 3, 4)), (1, 2, 0), gradient=True),
    "swapaxes": one(X((2, 3, 4)), 0, -1),
    "moveaxis": one(X((2, 3, 4)), 0, -1) + one(X((2, 3, 4)), (0, 1), (2, 0)),
    "expand_dims": one(X(), 1) + one(X(), (0, 3)),
    "squeeze": one(X((1, 2, 1))) + one(X((1, 2, 1)), 2),
    "broadcast_to": one(X((3,)), (2, 3), gradient=True),
    "concatenate": one([X(), X((1, 3))]) + one([X(), X((1, 3))], axis=None),
    "stack": one([X(), X()], axis=-1) + one([1, 2.0, X(())]),
    "hstack": one([X((2,)), X((3,))]) + one([X((2, 1)), X((2, 2))]),
    "vstack": one([X((3,)), X((3,))]) + one([X((1, 3)), X((2, 3))]),
    "append": one(X(), X((4,))) + one(X(), X((2, 1)), axis=1),
    "split": one(X((4, 2)), 2) + one(X((4, 3)), [1, 2], axis=1),
    "array_split": one(X((5, 2)), 3),
    "unstack": one(X()) + one(X(), axis=1),
    "pad": one(X(), 1)
    + one(X(), ((1, 0), (0, 2)), constant_values=1)
    + one(X((3, 3)), ((1, 0), (0, 2)), mode="reflect", gradient=True),
    "tile": one(X(), 2) + one(X(), (2, 1, 3)),
    "repeat": one(X(), 2) + one(X(), [1, 2], axis=0),
    "flip": one(X()) + one(X(), axis=1),
    "fliplr": one(X()),
    "flipud": one(X()),
    "roll": one(X(), 1) + one(X(), (1, 2), axis=(0, 1)),
    "rot90": one(X()) + one(X((2, 3, 4)), k=2, axes=(1, 2)),
    "meshgrid": one(X((2,)), X((3,))) + one(X((2,)), X((3,)), X((4,)), indexing="ij"),
    # indexing
    "get_item": one(X((4, 3, 2)), (slice(None), None, 0, ...))
    + one(X((4, 3, 2)), (slice(None, None, -2), I([0, 2])))
    + one(X((4, 3, 2)), (I([[0], [1]]), slice(1, None), I([0, 1])), gradient=True)
    + one(X((4, 3)), -1)
    + one(X((4, 3)), (I([0, 1]), 2)),
    "take": one(X(), I([0, 5, -1])) + one(X(), I([[0, 1], [2, -1]]), axis=1, gradient=True),
    "take_along_axis": one(X(), I([[0, 2], [1, 1]]), axis=1, gradient=True) + one(X(), I([1, 4])),
    "slice": one(X((4, 3)), (1, 0), (2, 3)) + one(X((4, 3)), (1, 0), (-1, 2), gradient=True),
    "slice_update": one(X((4, 3)), (1, 0), X((2, 3)), gradient=True),
    "scatter": one(PLACES, X((3, 2), 0, 3), (4, 2), dtypes=NUMBERS),
    "scatter_update": one(X((4,)), I([[0], [2]]), X((2,)), gradient=True)
    + one(X((4,), 0, 3), PLACES, X((3,), 0, 3), reduction="add", dtypes=NUMBERS)
    + one(X((4,)), PLACES, X((3,)), reduction="max", dtypes=NUMBERS),
    "nonzero": one(X(), values=False),
    "segment_sum": one(X((4, 2), 0, 3), I([0, 0, 2, 1]), 4, dtypes=NUMBERS, gradient=True),
    "segment_prod": one(X((4, 2), 0, 3), I([0, 0, 2, 1]), 3, dtypes=NUMBERS),
    "segment_max": one(X((4, 2)), I([0, 0, 2, 1]), 3, dtypes=NUMBERS, gradient=True),
    "segment_min": one(X((4, 2)), I([0, 0, 2, 1]), 3, dtypes=NUMBERS, gradient=True),
    "unravel_index": one(I([1, 5]), (2, 3)),
    # creation
    "zeros": one((2, 3)) + one((2,), dtype="int8"),
    "ones": one((2, 3)) + one((2,), dtype="bool"),
    "empty": one((2, 3), values=False),
    "full": one((2, 3), 3) + one((2, 3), X((3,)), dtype="float16"),
    "zeros_like": one(X()) + one(X(), dtype="int8"),
    "ones_like": one(X()),
    "empty_like": one(X(), values=False),
    "full_like": one(X(), 1),
    "eye": one(3) + one(2, 3, k=1, dtype="int32"),
    "identity": one(3),
    "tri": one(3) + one(2, 4, k=-1, dtype="bool"),
    "tril": one(X((2, 3, 3))) + one(X(), k=1, gradient=True),
    "triu": one(X((2, 3, 3))) + one(X(), k=-1),
    "arange": one(3) + one(1, 7, 2, dtype="int16") + one(0.0, 1.0, 0.25) + one(5, 1, -2),
    "linspace": one(0, 1) + one(X((2,)), X((2,)), 5, axis=-1) + one(0, 5, 6, dtype="int32"),
    "logspace": one(0, 1, 4) + one(X((2,)), 2, 3, base=2.0),
    # sorting
    "sort": one(X()) + one(X(), axis=0, gradient=True),
    "argsort": one(X((2, 9), 0, 3)) + one(X((2, 9), 0, 3), axis=None),
    "argpartition": one(X(), 1, dtypes=NUMBERS, values=False),
    "top_k": one(X((2, 9)), 3),
    "in_top_k": one(I([0, 2]), X((2, 3)), 1) + one(I([0, 2]), X((2, 3)), 2),
    "searchsorted": one(I([1, 2, 3]), X((2, 3), 0, 4)) + one(I([1, 2, 3]), X((2,)), side="right"),
    "digitize": one(X((2, 3), 0, 4), I([1, 2, 3])),
    "diff": one(X()) + one(X((4, 3)), n=2, axis=0, gradient=True),
}
