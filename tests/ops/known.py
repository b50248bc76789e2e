"""Where a backend's answer is known to differ from the exact one, each with its reason.

An entry covers what it names and no more, and `test_what_is_known_still_holds` fails once it does
not differ any longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from lamina.backend.dtypes import is_float

Mask = Callable[..., Any]


@dataclass
class Known:
    """A known difference.

    Attributes:
        ops: the ops that show it.
        backends: the backends that show it.
        reason: why.
        link: where the framework's authors say so.
        where: from the operands, which elements of the result are concerned; None: all of them.
        example: operands that show it, in each of `dtypes`.
        dtypes: the types concerned.
        kwargs: the other arguments of the example.
    """

    ops: list[str]
    backends: list[str]
    reason: str
    link: str
    where: Mask | None
    example: tuple[Any, ...]
    dtypes: list[str] = field(default_factory=lambda: ["float32"])
    kwargs: dict[str, Any] = field(default_factory=dict)


FLOATS = ["float16", "bfloat16", "float32", "float64"]


def _largest(x: Any) -> float:
    kind = np.asarray(x).dtype
    return float(ml_dtypes.finfo(kind).max) if is_float(kind.name) else math.inf


def _limits(x: Any) -> Any:
    return ml_dtypes.finfo(np.asarray(x).dtype)


def _tiny_quotient(x: Any, y: Any) -> Any:
    return np.abs(np.asarray(x, "float64") / np.asarray(y, "float64")) < float(_limits(x).tiny)


def _no_reciprocal(x: Any, y: Any = 1) -> Any:
    repeated = np.shape(y) != np.broadcast_shapes(np.shape(x), np.shape(y))
    return repeated & (np.abs(np.asarray(y, "float64")) > 1 / float(_limits(x).tiny))


def _at_a_limit(x: Any) -> bool:
    wide = np.asarray(x, "float64")
    limits = np.linspace(wide.min(), wide.max(), 11)[:, None]
    slack = float(_limits(x).eps) * np.abs(wide).max()
    return bool((np.abs(wide - limits)[1:-1] <= slack).any())


def _near_half_a_tenth(x: Any) -> Any:
    tenths = 10 * np.asarray(x, "float64")
    eps = float(_limits(x).eps)
    return np.abs(np.abs(tenths) % 1 - 0.5) <= 2 * eps * np.abs(tenths)


# The middle of the ten intervals begins at 2, which is one of them.
INTEGERS = [-35, -31, 2, 4, 5, 7, 8, 20, 39]

VALUES: list[Known] = [
    Known(
        ["round"],
        ["numpy", "jax", "torch", "tensorflow"],
        "Ten times the number is rounded first to its type, there to a tie, and then up.",
        "https://numpy.org/doc/stable/reference/generated/numpy.round.html",
        _near_half_a_tenth,
        ([0.55, 1.15],),
        FLOATS,
        {"decimals": 1},
    ),
    Known(
        ["histogram"],
        ["jax"],
        "A compiled limit is rounded once where NumPy rounds twice, and an element lies on it.",
        "https://github.com/openxla/xla/issues/41579",
        _at_a_limit,
        (INTEGERS,),
        FLOATS,
    ),
    Known(
        ["true_divide", "divide_no_nan", "floor_divide"],
        ["jax"],
        "XLA multiplies by the reciprocal of a divisor that is repeated, which may be too small.",
        "https://github.com/tensorflow/tensorflow/issues/24061",
        _no_reciprocal,
        (np.full(64, 3.3e38), 3.3e38),
        ["bfloat16", "float32", "float64"],
    ),
    Known(
        ["log1p"],
        ["jax"],
        "XLA is up to 129 units of the last place off near 1 - √2.",
        "https://github.com/jax-ml/jax/issues/39707",
        lambda x: (x > -0.53) & (x < -0.28),
        (-0.4141175,),
        ["float64"],
    ),
    Known(
        ["erf"],
        ["torch"],
        "1 - p exp(-x²) has no digits left near 0.",
        "https://github.com/pytorch/pytorch/issues/198183",
        lambda x: np.abs(x) < 1e-3,
        (1e-8,),
        ["bfloat16"],
    ),
    Known(
        ["floor_divide"],
        ["tensorflow"],
        "The floor of a quotient that is computed first: infinite, or too small and so 0.",
        "https://www.tensorflow.org/api_docs/python/tf/math/floordiv",
        lambda x, y: np.isinf(x) | _tiny_quotient(x, y),
        (np.inf, -1.0),
        FLOATS,
    ),
    Known(
        ["mod", "fmod"],
        ["torch"],
        "NaN where the quotient overflows, in tensors long enough for the vectorized kernel.",
        "https://github.com/pytorch/pytorch/issues/193753",
        lambda x, y: np.isinf((np.asarray(x) / np.asarray(y)).astype(np.asarray(x).dtype)),
        (np.full(64, 3e38), np.full(64, 1.2e-38)),
        FLOATS,
    ),
    Known(
        ["true_divide"],
        ["jax"],
        "XLA rewrites the quotient of a boolean and a constant 0.",
        "https://openxla.org/xla/hlo_passes",
        lambda x, y: np.asarray(y) == 0,
        ([False, True], False),
        ["bool"],
    ),
    Known(
        ["erfinv"],
        ["tensorflow"],
        "Near 0 the digits of x are lost in 1 + x.",
        "https://www.tensorflow.org/api_docs/python/tf/math/erfinv",
        lambda x: np.abs(x) < 1e-3,
        (1e-15,),
        ["float32", "float64"],
    ),
    Known(
        ["sinc"],
        ["numpy", "jax", "torch", "tensorflow"],
        "π x overflows, and its sine is NaN.",
        "https://numpy.org/doc/stable/reference/generated/numpy.sinc.html",
        lambda x: np.abs(np.asarray(x, "float64")) > _largest(x) / 4,
        (3e38,),
        FLOATS,
    ),
    Known(
        ["i0"],
        ["numpy", "jax", "torch", "tensorflow"],
        "e^|x|, a factor of it, overflows before it does.",
        "https://numpy.org/doc/stable/reference/generated/numpy.i0.html",
        lambda x: (np.abs(np.asarray(x, "float64")) > 88) & (np.abs(np.asarray(x, "float64")) < 93),
        (91,),
        ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bfloat16", "float32"],
    ),
    Known(
        ["argmax", "argmin"],
        ["tensorflow"],
        "NaN has no place of its own in an order.",
        "https://github.com/tensorflow/tensorflow/issues/95235",
        lambda x: np.isnan(x).any(),
        ([[3.0, np.nan, 1.0], [np.nan, 2.0, np.nan]],),
        FLOATS,
    ),
    Known(
        ["leaky_relu"],
        ["tensorflow"],
        "The slope is an attribute of 32 bits.",
        "https://www.tensorflow.org/api_docs/python/tf/raw_ops/LeakyRelu",
        lambda x: np.asarray(x) < 0,
        (-0.5,),
        ["float64"],
    ),
    Known(
        ["sign"],
        ["torch"],
        "NaN has the sign 0.",
        "https://docs.pytorch.org/docs/stable/generated/torch.sign.html",
        lambda x: np.isnan(x),
        (np.nan,),
        FLOATS,
    ),
    Known(
        ["max_pool", "average_pool"],
        ["tensorflow"],
        "In three dimensions TensorFlow's CPU pools in single precision.",
        "https://www.tensorflow.org/api_docs/python/tf/nn/max_pool3d",
        lambda x: x.ndim == 5,
        (np.full((1, 2, 2, 2, 1), 0.1),),
        ["float64"],
        {"pool_size": 2},
    ),
    Known(
        ["signbit"],
        ["torch"],
        "The sign of NaN is not kept.",
        "https://docs.pytorch.org/docs/stable/generated/torch.signbit.html",
        lambda x: np.isnan(x),
        (np.full(64, np.nan),),
        ["bfloat16"],
    ),
    Known(
        ["gelu"],
        ["torch"],
        "x (1 + erf) overflows before it is halved.",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html",
        lambda x: np.abs(np.asarray(x, "float64")) > 1.6e38,
        (np.full(64, 3e38),),
        ["bfloat16", "float32", "float64"],
        {"approximate": False},
    ),
    Known(
        ["hard_silu"],
        ["torch"],
        "x min(max(x + 3, 0), 6) overflows before it is divided by 6.",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html",
        lambda x: np.asarray(x, "float64") > _largest(x) / 6,
        (np.full(64, 3e38),),
        ["bfloat16", "float32", "float64"],
    ),
]


def expected(name: str, backend: str, dtype: str, operands: list[np.ndarray]) -> Any:
    """Which elements of a result may differ."""
    found: Any = False
    for one in VALUES:
        if name in one.ops and backend in one.backends and dtype in one.dtypes:
            with np.errstate(all="ignore"):
                found = found | (True if one.where is None else one.where(*operands))
    return found


# Gradients at the edges (`test_edges.py`), by name and backend.
EDGES: dict[tuple[str, str], str] = {
    ("absolute", "jax"): (
        "JAX takes the slope from the right: https://github.com/jax-ml/jax/issues/37820"
    ),
    ("cumprod-zero", "tensorflow"): (
        "TensorFlow divides by the elements: https://github.com/tensorflow/tensorflow/issues/119430"
    ),
    ("power-zero", "jax"): ("JAX multiplies 0 by 0^-1: https://github.com/jax-ml/jax/issues/14397"),
    ("power-zero", "tensorflow"): (
        "TensorFlow multiplies 0 by 0^-1: https://github.com/tensorflow/tensorflow/issues/35011"
    ),
}


# Gradients that a framework does not have.
GRADIENTS: dict[tuple[str, str], str] = {
    ("segment_prod", "jax"): (
        "JAX has none where places come twice: https://github.com/jax-ml/jax/issues/9296"
    ),
    ("fmod", "tensorflow"): (
        "TensorFlow has none: https://www.tensorflow.org/api_docs/python/tf/truncatemod"
    ),
}
