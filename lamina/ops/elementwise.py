"""Powers, exponentials, logarithms and tests of each element alone."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.arithmetic import multiply, power
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.real_part, shape=shapes.same)
def absolute(x: TensorLike) -> Tensor:
    """Absolute value, elementwise: |x|.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.absolute([-1, 2])).tolist()
        [1, 2]
    """
    ...


abs = absolute


@op(result=dtypes.floating, shape=shapes.same)
def fabs(x: TensorLike) -> Tensor:
    """Absolute value as a float: |x|.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.fabs([-1, 2])).tolist()
        [1.0, 2.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def negative(x: TensorLike) -> Tensor:
    """The negative, elementwise: -x.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.negative([-1, 2])).tolist()
        [1, -2]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def sign(x: TensorLike) -> Tensor:
    """-1, 0 or 1 as x is negative, zero or positive.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sign([-2.5, 0.0, 3.0])).tolist()
        [-1.0, 0.0, 1.0]
    """
    ...


@op(result=dtypes.boolean, shape=shapes.same)
def signbit(x: TensorLike) -> Tensor:
    """Whether the sign bit is set: negative numbers and -0.0.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.signbit([-0.0, 0.0, -2.0])).tolist()
        [True, False, True]
    """
    ...


@op(result=dtypes.numeric, shape=shapes.same)
def square(x: TensorLike) -> Tensor:
    """Square, elementwise: x².

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.square([-3, 2])).tolist()
        [9, 4]
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def sqrt(x: TensorLike) -> Tensor:
    """Square root, elementwise: √x; NaN below 0. Its slope at 0 is ∞.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sqrt([4.0, 9.0])).tolist()
        [2.0, 3.0]
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def rsqrt(x: TensorLike) -> Tensor:
    """Reciprocal square root, elementwise: 1 / √x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.rsqrt([4.0, 16.0])).tolist()
        [0.5, 0.25]
    """
    return reciprocal(sqrt(x))


@op(result=dtypes.floating, shape=shapes.same)
def cbrt(x: TensorLike) -> Tensor:
    """Cube root, elementwise, of the sign of x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cbrt([8.0, -27.0])).round(4)
        array([ 2., -3.], dtype=float32)
    """
    return multiply(sign(x), power(absolute(x), 1 / 3))


@op(result=dtypes.floating, shape=shapes.same)
def reciprocal(x: TensorLike) -> Tensor:
    """Reciprocal, elementwise: 1 / x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.reciprocal([2.0, 4.0])).tolist()
        [0.5, 0.25]
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def exp(x: TensorLike) -> Tensor:
    """Exponential, elementwise: e^x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.exp([0.0, 1.0])).round(4)
        array([1.    , 2.7183], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def exp2(x: TensorLike) -> Tensor:
    """Power of two, elementwise: 2^x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.exp2([0.0, 3.0])).round(4)
        array([1., 8.], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def expm1(x: TensorLike) -> Tensor:
    """e^x - 1, elementwise, exact for x near 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.expm1([0.0, 1.0])).round(4)
        array([0.    , 1.7183], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def log(x: TensorLike) -> Tensor:
    """Natural logarithm, elementwise; -∞ at 0, NaN below.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.log([1.0, 10.0])).round(4)
        array([0.    , 2.3026], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def log2(x: TensorLike) -> Tensor:
    """Logarithm to base 2, elementwise.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.log2([1.0, 8.0])).round(4)
        array([0., 3.], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def log10(x: TensorLike) -> Tensor:
    """Logarithm to base 10, elementwise.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.log10([1.0, 100.0])).round(4)
        array([0., 2.], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def log1p(x: TensorLike) -> Tensor:
    """log(1 + x), elementwise, exact for x near 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.log1p([0.0, 1.0])).round(4)
        array([0.    , 0.6931], dtype=float32)
    """
    ...


@op(result=dtypes.predicate, shape=shapes.same)
def isnan(x: TensorLike) -> Tensor:
    """Whether an element is NaN.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> inf, nan = float("inf"), float("nan")
        >>> ops.convert_to_numpy(ops.isnan([1.0, nan, inf, -inf])).tolist()
        [False, True, False, False]
    """
    ...


@op(result=dtypes.predicate, shape=shapes.same)
def isinf(x: TensorLike) -> Tensor:
    """Whether an element is ∞ or -∞.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> inf, nan = float("inf"), float("nan")
        >>> ops.convert_to_numpy(ops.isinf([1.0, nan, inf, -inf])).tolist()
        [False, False, True, True]
    """
    ...


@op(result=dtypes.predicate, shape=shapes.same)
def isfinite(x: TensorLike) -> Tensor:
    """Whether an element is neither NaN nor infinite.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> inf, nan = float("inf"), float("nan")
        >>> ops.convert_to_numpy(ops.isfinite([1.0, nan, inf, -inf])).tolist()
        [True, False, False, False]
    """
    ...


@op(result=dtypes.predicate, shape=shapes.same)
def isposinf(x: TensorLike) -> Tensor:
    """Whether an element is ∞.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> inf, nan = float("inf"), float("nan")
        >>> ops.convert_to_numpy(ops.isposinf([1.0, nan, inf, -inf])).tolist()
        [False, False, True, False]
    """
    ...


@op(result=dtypes.predicate, shape=shapes.same)
def isneginf(x: TensorLike) -> Tensor:
    """Whether an element is -∞.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> inf, nan = float("inf"), float("nan")
        >>> ops.convert_to_numpy(ops.isneginf([1.0, nan, inf, -inf])).tolist()
        [False, False, False, True]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def nan_to_num(
    x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN and infinities replaced by numbers.

    Args:
        x: a tensor of any shape.
        nan: what stands for NaN.
        posinf: what stands for ∞; the largest number of `x`'s type where None.
        neginf: what stands for -∞; the smallest number of `x`'s type where None.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> x = [1.0, float("nan"), float("inf")]
        >>> ops.convert_to_numpy(ops.nan_to_num(x, posinf=9.0)).tolist()
        [1.0, 0.0, 9.0]
    """
    ...
