"""Work rules: from the shapes of an op's operands and result to its floating-point operations.

A multiply-add counts as two. An op of single elements counts one for each element of its result,
whatever the function; a reduction one for each element of its operand; both only where the result
is of floats. What moves, compares, chooses or sorts counts nothing. A decomposition of a matrix
counts as the usual algorithm does, in its highest power of the size, and one that iterates cannot
be told. An op that is defined on other ops counts as these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from lamina.backend.dtypes import is_complex, is_float

Shape = Sequence[int]
# From the shape of the result and the op's arguments, each operand given as its shape.
Rule = Callable[..., float]


def _elements(result: Shape, *arguments: Any) -> float:
    return math.prod(result)


def _operand(result: Shape, x: Shape, *others: Any) -> float:
    return math.prod(x)


def _product(result: Shape, x1: Shape, x2: Shape) -> float:
    """A product that sums over the last axis of `x1`."""
    return 2.0 * math.prod(result) * (x1[-1] if x1 and x2 else 0.5)


def _einsum(result: Shape, subscripts: str, operands: Sequence[Shape]) -> float:
    """Each element of the result is a sum of products, one factor of each operand."""
    left, _, right = subscripts.replace(" ", "").partition("->")
    if "->" not in subscripts:  # letters that are there once are in the result
        right = "".join(one for one in left if left.count(one) == 1)
    summed: dict[str, int] = {}
    for term, shape in zip(left.split(","), operands, strict=True):
        before, _, after = term.partition("...")
        last = shape[len(shape) - len(after) :]
        for letter, size in zip(before + after, [*shape[: len(before)], *last], strict=True):
            if letter not in right:
                summed[letter] = max(size, summed.get(letter, 1))
    each = len(operands) - 1 + bool(summed)
    return float(each * math.prod(result) * math.prod(summed.values()))


def _convolution(result: Shape, inputs: Shape, kernel: Shape, *settings: Any) -> float:
    """Each element of the result sums over the window and the channels of its group."""
    return 2.0 * math.prod(result) * math.prod(kernel[:-1])


def _depthwise(result: Shape, inputs: Shape, kernel: Shape, *settings: Any) -> float:
    return 2.0 * math.prod(result) * math.prod(kernel[:-2])


def _transposed(result: Shape, inputs: Shape, kernel: Shape, *settings: Any) -> float:
    """Each element of the input adds to a window of every channel of the result."""
    return 2.0 * math.prod(inputs) * math.prod(kernel[:-1])


def _pool(result: Shape, inputs: Shape, pool_size: Any, *settings: Any) -> float:
    """Each element of the result is of a window."""
    rank = len(inputs) - 2
    sizes = [pool_size] if isinstance(pool_size, int) else list(pool_size)
    window = sizes * rank if len(sizes) == 1 else sizes
    return float(math.prod(result) * math.prod(window))


def _fourier(elements: float, length: int) -> float:
    """5 N log2 N for N complex numbers, as is usual, whatever the algorithm."""
    return 5.0 * elements * math.log2(max(length, 1))


def _fft(result: Any, x: Any) -> float:
    return _fourier(math.prod(x[0]), x[0][-1])


def _fft2(result: Any, x: Any) -> float:
    return _fourier(math.prod(x[0]), x[0][-2] * x[0][-1])


def _rfft(result: Any, x: Shape, fft_length: int | None = None) -> float:
    """Half of what as many complex numbers take."""
    length = x[-1] if fft_length is None else fft_length
    return _fourier(math.prod(x[:-1]) * length, length) / 2


def _irfft(result: Shape, *arguments: Any) -> float:
    return _fourier(math.prod(result), result[-1]) / 2


def _cubic(factor: float) -> Rule:
    """So many times n³ for each matrix of n rows and columns."""
    return lambda result, x, *others: factor * math.prod(x) * x[-1]


def _solve(result: Shape, a: Shape, b: Shape, *others: Any) -> float:
    """The factors of each matrix, and two triangles for each column."""
    return 2 / 3 * math.prod(a) * a[-1] + 2.0 * a[-1] * math.prod(result)


def _solve_triangular(result: Shape, a: Shape, b: Shape, *others: Any) -> float:
    return float(a[-1] * math.prod(result))


def _qr(result: Any, x: Shape, *others: Any) -> float:
    """Householder's reflections, and q made of them."""
    rows, columns = max(x[-2:]), min(x[-2:])
    return math.prod(x[:-2]) * 4 * columns**2 * (rows - columns / 3)


def _unknown(*arguments: Any) -> float:
    return math.nan


RULES: dict[str, Rule] = {
    "matmul": _product,
    "dot": _product,
    "inner": _product,
    "einsum": _einsum,
    "conv": _convolution,
    "depthwise_conv": _depthwise,
    "conv_transpose": _transposed,
    "max_pool": _pool,
    "average_pool": _pool,
    "cumsum": _elements,
    "cumprod": _elements,
    "diff": _elements,
    "kron": _elements,
    "segment_sum": _operand,
    "segment_prod": _operand,
    "segment_max": _operand,
    "segment_min": _operand,
    "fft": _fft,
    "fft2": _fft2,
    "ifft2": _fft2,
    "rfft": _rfft,
    "irfft": _irfft,
    "cholesky": _cubic(1 / 3),
    "det": _cubic(2 / 3),
    "slogdet": _cubic(2 / 3),
    "inv": _cubic(2),
    "solve": _solve,
    "solve_triangular": _solve_triangular,
    "qr": _qr,
    **dict.fromkeys(("eig", "eigh", "svd"), _unknown),
}
# What a shape rule says of ops without a rule of their own, by its attribute `counts`.
COUNTS: dict[str, Rule] = {"result": _elements, "operand": _operand}
# Ops whose results are elements of their operands, or constants.
_FREE = frozenset(
    {
        *("flip", "roll", "tril", "triu", "slice_update", "real", "imag", "conj"),
        *("zeros_like", "ones_like", "full_like", "empty_like"),
    }
)


def operations(
    op: str, counts: str | None, result: Any, dtype: str | None, arguments: Sequence[Any]
) -> float:
    """The floating-point operations of one call of an op that is not defined on others.

    Args:
        op: its name.
        counts: what its shape rule says that there is one operation for each element of.
        result: the result's shape, or several.
        dtype: the result's type.
        arguments: those of the op, each operand given as its shape.

    Example:
        >>> operations("matmul", None, (2, 5), "float32", [(2, 3), (3, 5)])
        60.0
        >>> operations("tanh", "result", (2, 5), "float32", [(2, 5)])
        10.0
    """
    if op in RULES:
        return RULES[op](result, *arguments)
    floats = dtype is not None and (is_float(dtype) or is_complex(dtype))
    if counts is None or op in _FREE or not floats:
        return 0.0
    return float(COUNTS[counts](result, *arguments))
