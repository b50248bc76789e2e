"""Arithmetic on two tensors, broadcast together."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.comparison import equal, not_equal, where
from lamina.ops.control import stop_gradient
from lamina.ops.logical import logical_and, logical_or
from lamina.ops.row import Indices, Tensor, TensorLike, op


@op(result=dtypes.promoted, shape=shapes.broadcast)
def add(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Sum, elementwise: x1 + x2.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.add([1, 2], 3)).tolist()
        [4, 5]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def subtract(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Difference, elementwise: x1 - x2.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.subtract([1, 2], 3)).tolist()
        [-2, -1]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def multiply(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Product, elementwise: x1 * x2.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.multiply([1, 2], 3)).tolist()
        [3, 6]
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def true_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Quotient, elementwise: x1 / x2, a float whatever the operands.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.true_divide([1, 2], 4)).tolist()
        [0.25, 0.5]
    """
    ...


divide = true_divide


@op(result=dtypes.floating, shape=shapes.broadcast)
def divide_no_nan(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Quotient, elementwise, with x / 0 = 0.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.divide_no_nan([1.0, 2.0], [4.0, 0.0])).tolist()
        [0.25, 0.0]
    """
    nonzero = not_equal(x2, 0)
    # The inner choice keeps the division, and its gradient, finite.
    return where(nonzero, true_divide(x1, where(nonzero, x2, 1)), 0)


@op(result=dtypes.numeric, shape=shapes.broadcast)
def floor_divide(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Quotient rounded down, elementwise: ⌊x1 / x2⌋.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.floor_divide([7, -7], 2)).tolist()
        [3, -4]
    """
    ...


@op(result=dtypes.numeric, shape=shapes.broadcast)
def mod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Remainder, elementwise: x1 - x2 ⌊x1 / x2⌋, of the sign of x2.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.mod([7, -7], 3)).tolist()
        [1, 2]
    """
    ...


@op(result=dtypes.numeric, shape=shapes.broadcast)
def fmod(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Remainder of the division rounded towards zero, of the sign of x1.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.fmod([7, -7], 3)).tolist()
        [1, -1]
    """
    ...


@op(result=dtypes.numeric, shape=shapes.broadcast)
def power(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Power, elementwise: x1 ^ x2.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.power([2.0, 3.0], 2)).tolist()
        [4.0, 9.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def maximum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of two elements; NaN if either is.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.maximum([1, 4], [3, 2])).tolist()
        [3, 4]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def minimum(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of two elements; NaN if either is.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.minimum([1, 4], [3, 2])).tolist()
        [1, 2]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def fmax(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The larger of two elements; a NaN is passed over for a number.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.fmax([1.0, float("nan")], [3.0, 2.0])).tolist()
        [3.0, 2.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def fmin(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The smaller of two elements; a NaN is passed over for a number.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.fmin([1.0, float("nan")], [3.0, 2.0])).tolist()
        [1.0, 2.0]
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def arctan2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Angle of the point (x2, x1) in radians, in (-π, π].

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arctan2([1.0, -1.0], [1.0, -1.0])).round(4)
        array([ 0.7854, -2.3562], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def hypot(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Length of the hypotenuse: √(x1² + x2²), without overflow in between.

    Its slopes at (0, 0), where there are none, are 0.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.hypot(3.0, 4.0)).tolist()
        5.0
    """
    # Scaled by the larger, whose square may not be a number of the type.
    first, second = maximum(x1, -x1), maximum(x2, -x2)
    larger = fmax(first, second)
    plain = logical_or(equal(larger, 0), equal(larger, float("inf")))
    scale = stop_gradient(where(plain, 1, larger))
    squares = power(true_divide(x1, scale), 2) + power(true_divide(x2, scale), 2)
    zero = logical_and(equal(x1, 0), equal(x2, 0))
    # The root's slope at 0 is infinite; the inner choice keeps it away from there.
    length = multiply(scale, power(where(zero, 1, squares), 0.5))
    return where(zero, 0, where(equal(larger, float("inf")), larger, length))


@op(result=dtypes.floating, shape=shapes.broadcast)
def logaddexp(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Logarithm of a sum of exponentials: log(e^x1 + e^x2), without overflow.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logaddexp(0.0, [0.0, 1000.0])).round(4)
        array([6.931e-01, 1.000e+03], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def logaddexp2(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Base-2 logarithm of a sum of powers: log2(2^x1 + 2^x2).

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logaddexp2(0.0, [0.0, 1000.0])).round(4)
        array([   1., 1000.], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Step function: 0 where x1 < 0, x2 where x1 = 0, 1 where x1 > 0.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.heaviside([-1.0, 0.0, 2.0], 0.5)).tolist()
        [0.0, 0.5, 1.0]
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def nextafter(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The next float after x1 in the direction of x2.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.nextafter(1.0, 2.0) > 1.0).tolist()
        True
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def gcd(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Greatest common divisor of two integers, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.gcd([12, 18], 8)).tolist()
        [4, 2]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def lcm(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Least common multiple of two integers, elementwise.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.lcm([4, 6], 10)).tolist()
        [20, 30]
    """
    ...


@op(result=dtypes.floating, shape=shapes.broadcast)
def ldexp(x1: TensorLike, x2: Indices) -> Tensor:
    """A float from mantissa and exponent: x1 2^x2.

    Args:
        x1: a tensor of any shape.
        x2: integers whose shape broadcasts with `x1`'s.

    Returns:
        A float tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.ldexp([0.5, 1.0], [2, 3])).tolist()
        [2.0, 8.0]
    """
    ...
