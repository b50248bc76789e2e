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
    """Arguments of one op, and what is tried on them.

    Attributes:
        args, kwargs: the arguments, `X` and `M` standing for operands, `I` for integers.
        dtypes: the types that it is tried in, the 64-bit ones like those of 32.
        values: whether the numbers of the result are free of choices that a backend may make.
        gradient: whether it has a gradient; None: where the result is a float.
        each: whether each element stands alone, so that operands of any shapes do.
        limited: the types in which operands keep to their limits; in others they hold anything,
            NaN and infinities too. None: all types, or none of them for `each`.
        sized: whether the shape of the result is known from those of the operands.
        ulps: how many units in the last place a result may be off.
        sums: whether these are units of the operands, whose terms may nearly cancel, or of 1.
    """

    args: list[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    dtypes: list[str] = field(default_factory=lambda: ALL)
    gradient: bool | None = None
    values: bool = True
    each: bool = False
    limited: list[str] | None = None
    sized: bool = True
    ulps: float = 8
    sums: bool = False

    def takes(self, dtype: str) -> bool:
        """Whether it is tried in `dtype`."""
        return NARROW.get(dtype, dtype) in self.dtypes

    def limits(self, dtype: str) -> bool:
        """Whether operands of `dtype` keep to their limits."""
        if self.limited is None:
            return not self.each
        return NARROW.get(dtype, dtype) in self.limited

    def differentiable(self) -> bool:
        """Whether gradients are tried, if the result is a float."""
        return "float32" in self.dtypes and (
            self.values if self.gradient is None else self.gradient
        )


NARROW = {"int64": "int32", "float64": "float32"}
FIELDS = ("dtypes", "gradient", "values", "each", "limited", "sized", "ulps", "sums")


def one(*args: Any, **options: Any) -> list[Case]:
    fields = {key: options.pop(key) for key in FIELDS if key in options}
    return [Case(list(args), options, **fields)]


def loose(*args: Any, **options: Any) -> list[Case]:
    return one(*args, limited=[], **options)


def each(*args: Any, **options: Any) -> list[Case]:
    return one(*args, each=True, **options)


def smooth(low: float = -2.0, high: float = 2.0, **options: Any) -> list[Case]:
    return each(X((2, 3), low, high), **options)


def pair(low: float = -2.0, high: float = 2.0, **options: Any) -> list[Case]:
    return each(X((2, 3), low, high), X((3,), low, high), **options)


def reduction(**options: Any) -> list[Case]:
    return (
        one(X(), **options)
        + one(X((2, 3, 2)), axis=(0, 2), **options)
        + one(X(), axis=-1, keepdims=True, **options)
        + one(X((0, 2)), axis=1, **options)
        + one(X((1,)), **options)
        + one(X(()), **options)
    )


def position(**options: Any) -> list[Case]:
    return loose(X()) + loose(X(), axis=-1, keepdims=True) + loose(X((0, 2)), axis=1)


PLACES = I([[0], [2], [0]])

TABLE: dict[str, list[Case]] = {
    # arithmetic
    "add": pair(gradient=True),
    "subtract": pair(gradient=True, dtypes=NUMBERS),
    "multiply": pair(gradient=True),
    "true_divide": pair(1, 3, gradient=True),
    "divide_no_nan": pair(1, 3, gradient=True) + each(X(), 0),
    "floor_divide": pair(1, 3, limited=BOOLS + INTEGERS),
    "mod": pair(1, 3, limited=BOOLS + INTEGERS),
    "fmod": pair(1, 3, limited=BOOLS + INTEGERS),
    "power": pair(1, 3, gradient=True, limited=INTEGERS),
    "maximum": pair(gradient=True),
    "minimum": pair(gradient=True),
    "fmax": pair(),
    "fmin": pair(),
    "arctan2": pair(1, 3, gradient=True),
    "hypot": pair(1, 3, gradient=True),
    "logaddexp": pair(gradient=True, sums=True),
    "logaddexp2": pair(gradient=True, sums=True),
    "heaviside": pair(gradient=False),
    "nextafter": pair(dtypes=FLOATS, values=False, gradient=False),
    "gcd": pair(-11, 11, dtypes=INTEGERS, limited=INTEGERS),
    "lcm": pair(-11, 11, dtypes=INTEGERS, limited=INTEGERS),
    "ldexp": one(X(), I([1, 2, 3])),
    # comparison
    **{
        name: pair() + each(X(), 1)
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    "where": one(I([True, False, True]), X(), X(), gradient=False) + one(I([True, False]), 1, 2.0),
    "isclose": pair() + each(X(), 1, rtol=0.5),
    "allclose": one(X(), X()),
    "isin": one(X((2, 3), 0, 4), X((2,), 0, 4)),
    # logical
    "logical_and": pair(),
    "logical_or": pair(),
    "logical_xor": pair(),
    "logical_not": each(X()),
    "bitwise_and": pair(0, 9, dtypes=BOOLS + INTEGERS),
    "bitwise_or": pair(0, 9, dtypes=BOOLS + INTEGERS),
    "bitwise_xor": pair(0, 9, dtypes=BOOLS + INTEGERS),
    "bitwise_not": each(X((2, 3), 0, 9), dtypes=BOOLS + INTEGERS),
    "left_shift": pair(0, 4, dtypes=INTEGERS, limited=INTEGERS),
    "right_shift": pair(0, 4, dtypes=INTEGERS, limited=INTEGERS),
    # trigonometric
    **{name: smooth() for name in ("sin", "cos", "arctan", "tanh", "arcsinh")},
    **{name: smooth(-0.9, 0.9) for name in ("tan", "arcsin", "arccos", "arctanh")},
    "erfinv": smooth(-0.9, 0.9, ulps=256),
    "sinc": smooth(sums=True),
    "arccosh": smooth(1.5, 3),
    # The error of the exponential grows with x.
    **{name: smooth(ulps=64) for name in ("sinh", "cosh")},
    "deg2rad": smooth(),
    "rad2deg": smooth(),
    # elementwise
    "absolute": smooth(),
    "fabs": smooth(),
    "negative": smooth(dtypes=NUMBERS),
    "sign": smooth(dtypes=NUMBERS),
    "signbit": each(X()),
    "square": smooth(),
    **{name: smooth(0.5, 3) for name in ("sqrt", "rsqrt", "reciprocal", "log", "log2", "log10")},
    **{name: smooth() for name in ("exp", "expm1", "erf", "i0")},
    "exp2": smooth(ulps=64),
    "cbrt": smooth(0.5, 3, ulps=128),  # by a power, whose logarithm is as large
    "erfc": smooth(ulps=32),
    "log1p": smooth(-0.5, 3),
    **{name: each(X()) for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf")},
    "nan_to_num": each(X()) + each(X(), nan=1.0, posinf=2.0),
    # rounding
    "floor": each(X()),
    "ceil": each(X()),
    "trunc": each(X()),
    "round": each(X(), dtypes=NUMBERS) + one(X(), 1, dtypes=FLOATS),
    "clip": each(X(), 0, 1) + one(X(), X((3,), 0, 1), X((3,), 1, 2)),
    # reductions
    **{name: reduction(gradient=True) for name in ("sum", "mean", "logsumexp")},
    **{name: reduction(gradient=True) for name in ("var", "std")},
    **{name: reduction(gradient=True, limited=[]) for name in ("max", "min")},
    "prod": reduction(gradient=True) + one(X((2, 2), 0, 2), dtype="float32"),
    "ptp": reduction(dtypes=NUMBERS),
    "any": reduction(limited=[]),
    "all": reduction(limited=[]),
    "count_nonzero": loose(X()) + loose(X(), axis=0),
    "argmax": position(),
    "argmin": position(),
    "average": one(X()) + one(X(), axis=0, weights=X((2,), 1, 2)),
    "cumsum": one(X((2, 3), 0, 3)) + one(X(), axis=1, gradient=True) + one(X(), dtype="float16"),
    "cumprod": one(X((2, 3), 0, 2)) + one(X(), axis=1, gradient=True) + one(X(), dtype="float16"),
    # shaping
    "reshape": loose(X(), (3, -1), gradient=True) + loose(X(), -1),
    "ravel": loose(X()),
    "transpose": loose(X()) + loose(X((2, 3, 4)), (1, 2, 0), gradient=True),
    "swapaxes": loose(X((2, 3, 4)), 0, -1),
    "moveaxis": loose(X((2, 3, 4)), 0, -1) + loose(X((2, 3, 4)), (0, 1), (2, 0)),
    "expand_dims": loose(X(), 1) + loose(X(), (0, 3)),
    "squeeze": loose(X((1, 2, 1))) + loose(X((1, 2, 1)), 2),
    "broadcast_to": loose(X((3,)), (2, 3), gradient=True),
    "concatenate": loose([X(), X((1, 3))]) + loose([X(), X((1, 3))], axis=None),
    "stack": loose([X(), X()], axis=-1) + loose([1, 2.0, X(())]),
    "hstack": loose([X((2,)), X((3,))]) + loose([X((2, 1)), X((2, 2))]),
    "vstack": loose([X((3,)), X((3,))]) + loose([X((1, 3)), X((2, 3))]),
    "append": loose(X(), X((4,))) + loose(X(), X((2, 1)), axis=1),
    "split": loose(X((4, 2)), 2) + loose(X((4, 3)), [1, 2], axis=1),
    "array_split": loose(X((5, 2)), 3),
    "unstack": loose(X()) + loose(X(), axis=1),
    "pad": one(X(), 1)
    + one(X(), ((1, 0), (0, 2)), constant_values=1)
    + one(X((3, 3)), ((1, 0), (0, 2)), mode="reflect", gradient=True),
    "tile": loose(X(), 2) + loose(X(), (2, 1, 3)),
    "repeat": loose(X(), 2) + loose(X(), [1, 2], axis=0),
    "flip": loose(X()) + loose(X(), axis=1),
    "fliplr": loose(X()),
    "flipud": loose(X()),
    "roll": loose(X(), 1) + loose(X(), (1, 2), axis=(0, 1)),
    "rot90": loose(X()) + loose(X((2, 3, 4)), k=2, axes=(1, 2)),
    "meshgrid": one(X((2,)), X((3,))) + one(X((2,)), X((3,)), X((4,)), indexing="ij"),
    # indexing
    "get_item": one(X((4, 3, 2)), (slice(None), None, 0, ...))
    + one(X((4, 3, 2)), (slice(None, None, -2), I([0, 2])))
    + one(X((4, 3, 2)), (I([[0], [1]]), slice(1, None), I([0, 1])), gradient=True)
    + one(X((4, 3)), -1)
    + one(X((4, 3)), (I([0, 1]), 2)),
    "take": loose(X(), I([0, 5, -1])) + loose(X(), I([[0, 1], [2, -1]]), axis=1, gradient=True),
    "take_along_axis": loose(X(), I([[0, 2], [1, 1]]), axis=1, gradient=True)
    + loose(X(), I([1, 4])),
    "slice": loose(X((4, 3)), (1, 0), (2, 3)) + loose(X((4, 3)), (1, 0), (-1, 2), gradient=True),
    "slice_update": loose(X((4, 3)), (1, 0), X((2, 3)), gradient=True),
    "scatter": one(PLACES, X((3, 2), 0, 3), (4, 2), dtypes=NUMBERS),
    "scatter_update": one(X((4,)), I([[0], [2]]), X((2,)), gradient=True)
    + one(X((4,), 0, 3), PLACES, X((3,), 0, 3), reduction="add", dtypes=NUMBERS)
    + one(X((4,)), PLACES, X((3,)), reduction="max", dtypes=NUMBERS),
    "nonzero": one(X(), sized=False),
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
    "zeros_like": loose(X()) + loose(X(), dtype="int8"),
    "ones_like": loose(X()),
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
    "sort": loose(X()) + loose(X(), axis=0, gradient=True),
    "argsort": loose(X((2, 9), 0, 3)) + loose(X((2, 9), 0, 3), axis=None),
    "argpartition": one(X(), 1, dtypes=NUMBERS, values=False),
    "top_k": one(X((2, 9)), 3),
    "in_top_k": one(I([0, 2]), X((2, 3)), 1) + one(I([0, 2]), X((2, 3)), 2),
    "searchsorted": one(I([1, 2, 3]), X((2, 3), 0, 4)) + one(I([1, 2, 3]), X((2,)), side="right"),
    "digitize": one(X((2, 3), 0, 4), I([1, 2, 3])),
    "diff": one(X()) + one(X((4, 3)), n=2, axis=0, gradient=True),
    # activations
    **{
        name: smooth(dtypes=FLOATS)
        for name in (
            *("relu", "relu6", "sigmoid", "softplus", "softsign", "silu", "log_sigmoid"),
            *("leaky_relu", "hard_sigmoid", "hard_silu", "hard_tanh"),
            *("hard_shrink", "soft_shrink", "squareplus", "sparse_plus"),
            "sparse_sigmoid",
        )
    },
    **{name: smooth(dtypes=FLOATS, sums=True) for name in ("elu", "selu", "celu", "tanh_shrink")},
    "gelu": smooth(dtypes=FLOATS, sums=True) + smooth(approximate=False, dtypes=FLOATS, sums=True),
    "threshold": each(X(), 0.5, -1.0, dtypes=FLOATS),
    "glu": one(X((3, 4)), dtypes=FLOATS),
    **{
        name: one(X((3, 4)), dtypes=FLOATS)
        + one(X((2, 3)), axis=0, dtypes=FLOATS)
        + one(X((0, 3)), axis=-1, dtypes=FLOATS)
        for name in ("softmax", "log_softmax", "sparsemax")
    },
    # networks
    "dot_product_attention": one(X((1, 2, 2, 3)), X((1, 3, 2, 3)), X((1, 3, 2, 3)), dtypes=FLOATS),
    "stop_gradient": smooth(gradient=False),
    "conv": one(X((1, 4, 2)), X((2, 2, 3)), data_format="channels_last", dtypes=FLOATS),
    "affine_conv": one(
        X((1, 4, 2)), X((2, 2, 3)), X((3,)), data_format="channels_last", dtypes=FLOATS
    ),
    "depthwise_conv": one(X((1, 4, 2)), X((2, 2, 2)), data_format="channels_last", dtypes=FLOATS),
    "separable_conv": one(
        *(X((1, 4, 2)), X((2, 2, 2)), X((1, 4, 3))), data_format="channels_last", dtypes=FLOATS
    ),
    "conv_transpose": one(X((1, 4, 2)), X((2, 3, 2)), data_format="channels_last", dtypes=FLOATS),
    "one_hot": one(I([[0, 3], [-1, 2]]), 3) + one(I([0, 2]), 3, axis=0, dtype="int32"),
    "affine_map": one(X((2, 2, 3)), X((3, 2)), X((2,)), dtypes=FLOATS),
    "lerp": each(X(), X((3,)), X((3,), 0, 1), limited=ALL, dtypes=FLOATS, sums=True),
    "binary_crossentropy": one(X((2, 3), 0, 1), X((2, 3), 0.1, 0.9), dtypes=FLOATS)
    + one(X((2, 3), 0, 1), X(), from_logits=True, dtypes=FLOATS),
    "categorical_crossentropy": one(X((2, 3), 0, 1), X((2, 3), 0.1, 0.9), dtypes=FLOATS)
    + one(X((2, 3), 0, 1), X(), from_logits=True, dtypes=FLOATS),
    # Keras gives float32 for predictions in half precision.
    "sparse_categorical_crossentropy": one(I([0, 2]), X((2, 3), 0.1, 0.9), dtypes=["float32"])
    + one(I([0, 2]), X(), from_logits=True, dtypes=["float32"]),
    "moments": one(X(), 1, dtypes=FLOATS) + one(X((2, 3, 2)), (0, 2), keepdims=True, dtypes=FLOATS),
    "batch_normalization": one(X(), X((3,)), X((3,), 0.5, 2), -1, dtypes=FLOATS),
    "layer_normalization": one(X(), X((3,)), X((3,)), dtypes=FLOATS),
    "rms_normalization": one(X(), X((3,)), dtypes=FLOATS),
    "normalize": one(X((2, 3), 0.5, 2), dtypes=["bfloat16", "float32"])
    + one(X((2, 3), 0.5, 2), axis=0, order=3, dtypes=["bfloat16", "float32"]),
}
