"""Arithmetic, comparison and functions of single elements."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.widening import BOOL, HALF, SMALL, UNSIGNED, Kernel, sizes, widened

Tensor = Any
raw = tf.raw_ops  # half the Python of the functions that stand around them


def _one(kernel: Kernel) -> Kernel:
    return lambda x: kernel(x=x)


def _two(kernel: Kernel) -> Kernel:
    return lambda x, y: kernel(x=x, y=y)


def _times(factor: float) -> Kernel:
    return lambda x: x * tf.constant(factor, x.dtype)


def absolute(x: Tensor) -> Tensor:
    return x if x.dtype is tf.bool or x.dtype.is_unsigned else tf.abs(x)


def clip(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return raw.Minimum(x=raw.Maximum(x=x, y=low), y=high)


def erf(x: Tensor) -> Tensor:
    # In 64 bits it is NaN far from 0, where it is ±1 all the same.
    return raw.Erf(x=tf.clip_by_value(x, -9, 9) if x.dtype is tf.float64 else x)


def fmax(x: Tensor, y: Tensor) -> Tensor:
    larger = tf.maximum(x, y)
    return _but_numbers(larger, x, y) if x.dtype.is_floating else larger


def fmin(x: Tensor, y: Tensor) -> Tensor:
    smaller = tf.minimum(x, y)
    return _but_numbers(smaller, x, y) if x.dtype.is_floating else smaller


def _but_numbers(chosen: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """`chosen`, but the number where one of two is none."""
    return tf.where(tf.math.is_nan(x), y, tf.where(tf.math.is_nan(y), x, chosen))


def gcd(x: Tensor, y: Tensor) -> Tensor:
    shape = tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(y))
    x, y = tf.broadcast_to(tf.abs(x), shape), tf.broadcast_to(tf.abs(y), shape)

    def step(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        rest = tf.math.floormod(x, tf.maximum(y, tf.ones_like(y)))
        done = tf.equal(y, 0)
        return tf.where(done, x, y), tf.where(done, y, rest)

    return tf.while_loop(lambda x, y: tf.reduce_any(tf.not_equal(y, 0)), step, (x, y))[0]


def lcm(x: Tensor, y: Tensor) -> Tensor:
    divisor = tf.maximum(gcd(x, y), tf.ones((), x.dtype))
    return tf.abs(x) // divisor * tf.abs(y)


def heaviside(x: Tensor, y: Tensor) -> Tensor:
    step = tf.where(tf.math.is_nan(x), x, tf.cast(x > 0, x.dtype))
    return tf.where(tf.equal(x, 0), y, step)


def i0(x: Tensor) -> Tensor:
    # The scaled function has a gradient where the other overflows.
    return tf.math.bessel_i0e(x) * tf.exp(tf.abs(x))


def isclose(x: Tensor, y: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    near = tf.abs(x - y) <= tf.cast(atol, x.dtype) + tf.cast(rtol, x.dtype) * tf.abs(y)
    close = tf.equal(x, y) | (near & tf.math.is_finite(y))
    return close | (tf.math.is_nan(x) & tf.math.is_nan(y)) if equal_nan else close


def isin(x: Tensor, y: Tensor, assume_unique: bool, invert: bool) -> Tensor:
    found = tf.reduce_any(tf.equal(x[..., None], tf.reshape(y, (-1,))), axis=-1)
    return ~found if invert else found


def ldexp(x: Tensor, exponent: Tensor) -> Tensor:
    return x * tf.pow(tf.constant(2, x.dtype), tf.cast(exponent, x.dtype))


def logaddexp(x: Tensor, y: Tensor) -> Tensor:
    distance = x - y
    # Of two equal infinities it is NaN.
    infinite = tf.math.is_nan(distance) & tf.equal(x, y)
    distance = tf.where(infinite, tf.zeros_like(distance), distance)
    # Written with `where`, each of two equal operands gets half of the gradient.
    ahead = distance > 0
    return tf.where(ahead, x, y) + tf.math.softplus(tf.where(ahead, -distance, distance))


def logaddexp2(x: Tensor, y: Tensor) -> Tensor:
    two = tf.constant(math.log(2), x.dtype)
    return logaddexp(x * two, y * two) / two


def nan_to_num(x: Tensor, nan: float, posinf: float | None, neginf: float | None) -> Tensor:
    if not x.dtype.is_floating:
        return x
    high = x.dtype.max if posinf is None else posinf
    low = x.dtype.min if neginf is None else neginf
    x = tf.where(tf.math.is_nan(x), tf.cast(nan, x.dtype), x)
    x = tf.where(tf.equal(x, math.inf), tf.cast(high, x.dtype), x)
    return tf.where(tf.equal(x, -math.inf), tf.cast(low, x.dtype), x)


def nextafter(x: Tensor, y: Tensor) -> Tensor:
    if x.dtype not in HALF:
        return tf.math.nextafter(x, y)
    # As integers, neighbouring positive floats differ by 1; negative ones have the first bit too.
    bits = tf.cast(tf.bitcast(x, tf.int16), tf.int32)
    bits = tf.where(bits < 0, -(bits & 0x7FFF), bits)
    bits += tf.cast(y > x, tf.int32) - tf.cast(y < x, tf.int32)
    bits = tf.where(bits < 0, -bits - 0x8000, bits)
    found = tf.bitcast(tf.cast(bits, tf.int16), x.dtype)
    return tf.where(tf.math.is_nan(x) | tf.math.is_nan(y), x + y, found)


def round_(x: Tensor, decimals: int) -> Tensor:
    if not x.dtype.is_floating and decimals >= 0:
        return x
    if decimals == 0:
        return raw.Round(x=x)
    scale = tf.constant(10.0**decimals, x.dtype if x.dtype.is_floating else tf.float64)
    return tf.round(tf.cast(x, scale.dtype) * scale) / scale


def sign(x: Tensor) -> Tensor:
    return tf.cast(x > 0, x.dtype) if x.dtype.is_unsigned else raw.Sign(x=x)


def signbit(x: Tensor) -> Tensor:
    if x.dtype.is_floating:
        return tf.bitcast(tf.cast(x, tf.float32), tf.int32) < 0
    return tf.cast(x, tf.int64) < 0


def sinc(x: Tensor) -> Tensor:
    angle = x * tf.constant(math.pi, x.dtype)
    zero = tf.equal(x, 0)
    # The slope at 0 is 0: neither branch may divide by it.
    return tf.where(zero, tf.ones_like(x), tf.sin(angle) / tf.where(zero, tf.ones_like(x), angle))


def trunc(x: Tensor) -> Tensor:
    return tf.where(x < 0, tf.math.ceil(x), tf.floor(x)) if x.dtype.is_floating else x


def _part(kernel: Kernel, of_real: Kernel) -> Kernel:
    """`kernel` of complex numbers, `of_real` of others."""
    return lambda x: kernel(x) if x.dtype.is_complex else of_real(x)


def view(x: Tensor, dtype: str) -> Tensor:
    """A narrower type gets an axis, a wider one takes it: here it is part of the last."""
    kind, shape = tf.as_dtype(dtype), sizes(x)
    if x.dtype is tf.bool:
        x = tf.cast(x, tf.uint8)
    wide = kind.size // x.dtype.size
    if wide > 1:
        return tf.bitcast(tf.reshape(x, [*shape[:-1], shape[-1] // wide, wide]), kind)
    found = tf.bitcast(x, tf.uint8 if kind is tf.bool else kind)
    if kind.size < x.dtype.size:
        found = tf.reshape(found, [*shape[:-1], shape[-1] * (x.dtype.size // kind.size)])
    return found


def view_as_complex(x: Tensor) -> Tensor:
    real, imaginary = tf.unstack(x, axis=-1)
    return tf.complex(real, imaginary)


def where(condition: Tensor, x: Tensor | None, y: Tensor | None) -> Any:
    condition = tf.cast(condition, tf.bool)
    if x is None or y is None:
        return nonzero(condition)
    return raw.SelectV2(condition=condition, t=x, e=y)


def nonzero(x: Tensor) -> tuple[Tensor, ...]:
    places = tf.cast(tf.where(tf.cast(x, tf.bool)), tf.int32)
    return tuple(tf.unstack(places, axis=1))


OWN: dict[str, Any] = {
    # Without booleans.
    "add": widened(_two(raw.AddV2), BOOL),
    "multiply": widened(_two(raw.Mul), BOOL),
    "maximum": widened(_two(raw.Maximum), BOOL),
    "minimum": widened(_two(raw.Minimum), BOOL),
    "less": widened(_two(raw.Less), BOOL),
    "less_equal": widened(_two(raw.LessEqual), BOOL),
    "greater": widened(_two(raw.Greater), BOOL),
    "greater_equal": widened(_two(raw.GreaterEqual), BOOL),
    "fmax": widened(fmax, BOOL),
    "fmin": widened(fmin, BOOL),
    # Without small or unsigned integers.
    "absolute": absolute,
    "fmod": widened(_two(raw.TruncateMod), SMALL, HALF),
    "gcd": widened(gcd, SMALL),
    "lcm": widened(lcm, SMALL),
    "negative": widened(tf.negative, UNSIGNED),
    "power": widened(_two(raw.Pow), UNSIGNED),
    "sign": sign,
    # Without halves.
    "erfinv": widened(tf.math.erfinv, HALF),
    "hypot": None,  # the op's shared definition: tnp's overflows
    "i0": widened(i0, HALF),
    "nextafter": nextafter,
    # Bitwise on integers only.
    "bitwise_and": widened(_two(raw.BitwiseAnd), BOOL),
    "bitwise_or": widened(_two(raw.BitwiseOr), BOOL),
    "bitwise_xor": widened(_two(raw.BitwiseXor), BOOL),
    "bitwise_not": lambda x: ~x,
    "left_shift": _two(raw.LeftShift),
    "right_shift": _two(raw.RightShift),
    "erf": erf,
    # Other names.
    "arccos": _one(raw.Acos),
    "arccosh": _one(raw.Acosh),
    "arcsin": _one(raw.Asin),
    "arcsinh": _one(raw.Asinh),
    "arctan": _one(raw.Atan),
    "arctan2": lambda x, y: raw.Atan2(y=x, x=y),
    "arctanh": _one(raw.Atanh),
    "fabs": _one(raw.Abs),
    "floor_divide": _two(raw.FloorDiv),
    "isfinite": _one(raw.IsFinite),
    "isinf": _one(raw.IsInf),
    "isnan": _one(raw.IsNan),
    "stop_gradient": tf.stop_gradient,
    "true_divide": _two(raw.RealDiv),
    "cbrt": None,  # the op's shared definition: tnp's gives other types
    # Without numbers that are not complex.
    "conj": _part(tf.math.conj, tf.identity),
    "imag": _part(tf.math.imag, tf.zeros_like),
    "real": _part(tf.math.real, tf.identity),
    # The ops' shared definitions.
    "angle": None,  # of NaN
    "isreal": None,  # of booleans
    # Not there.
    "view": view,
    "view_as_complex": view_as_complex,
    "clip": clip,
    "deg2rad": _times(math.pi / 180),
    "exp2": lambda x: tf.pow(tf.constant(2, x.dtype), x),
    "heaviside": heaviside,
    "allclose": lambda *args, **settings: tf.reduce_all(isclose(*args, **settings)),
    "isclose": isclose,  # of infinities
    "isin": isin,
    "ldexp": ldexp,
    "log10": lambda x: tf.math.log(x) / tf.constant(math.log(10), x.dtype),
    "log2": lambda x: tf.math.log(x) / tf.constant(math.log(2), x.dtype),
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "nan_to_num": nan_to_num,
    "nonzero": nonzero,
    "round": round_,  # no decimals
    "signbit": signbit,
    "sinc": widened(sinc, HALF),
    "trunc": trunc,
    "where": where,  # tf.where gives positions side by side
}
