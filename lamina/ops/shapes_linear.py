"""Shape rules of products of matrices and of decompositions: see `lamina.ops.shapes`."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.backend.linear import are_vectors
from lamina.ops.row import Shape, ShapeError
from lamina.ops.shapes import broadcast, canonical_axes, canonical_axis, reduce, size
from lamina.symbolic.dimension import Unknown


def _meet(one: int, two: int, x1: Shape, x2: Shape) -> None:
    """ShapeError unless two dimensions that are summed over together may be equal."""
    if one != two and not (isinstance(one, Unknown) or isinstance(two, Unknown)):
        raise ShapeError(
            f"the shapes {tuple(x1)} and {tuple(x2)} do not fit: {one} and {two} should be equal."
        )


def _at_least(x: Shape, rank: int) -> Shape:
    if len(x) < rank:
        raise ShapeError(f"a tensor of shape {tuple(x)} has fewer than {rank} dimensions.")
    return x


def matmul(x1: Shape, x2: Shape) -> Shape:
    """(..., i, j) and (..., j, k) make (..., i, k)."""
    _at_least(x1, 1), _at_least(x2, 1)
    left = x1 if len(x1) > 1 else (1, *x1)
    right = x2 if len(x2) > 1 else (*x2, 1)
    _meet(left[-1], right[-2], x1, x2)
    rows = left[-2:-1] if len(x1) > 1 else ()
    columns = right[-1:] if len(x2) > 1 else ()
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


def dot(x1: Shape, x2: Shape) -> Shape:
    """The dimensions of both without the last of one and the last but one of the other."""
    if not x1 or not x2:
        return x1 or x2
    place = max(len(x2) - 2, 0)
    _meet(x1[-1], x2[place], x1, x2)
    return (*x1[:-1], *x2[:place], *x2[place + 1 :])


def inner(x1: Shape, x2: Shape) -> Shape:
    """The dimensions of both without the last."""
    if not x1 or not x2:
        return x1 or x2
    _meet(x1[-1], x2[-1], x1, x2)
    return (*x1[:-1], *x2[:-1])


def outer(x1: Shape, x2: Shape) -> Shape:
    """A matrix."""
    return (size(x1), size(x2))


def tensordot(x1: Shape, x2: Shape, axes: Any) -> Shape:
    """The dimensions of both without the axes summed over."""
    first, second = summed_axes(x1, x2, axes)
    for i, j in zip(first, second, strict=True):
        _meet(x1[i], x2[j], x1, x2)
    left = [size for i, size in enumerate(x1) if i not in first]
    return (*left, *(size for j, size in enumerate(x2) if j not in second))


def summed_axes(x1: Shape, x2: Shape, axes: Any) -> tuple[list[int], list[int]]:
    """The axes of each operand that `tensordot` sums over, counted from the front."""
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(len(x1), len(x2)):
            raise ShapeError(f"{axes} axes cannot be summed over, of {len(x1)} and {len(x2)}.")
        axes = (range(len(x1) - axes, len(x1)), range(axes))
    one, two = axes
    first = canonical_axes(one if isinstance(one, int) else list(one), len(x1))
    second = canonical_axes(two if isinstance(two, int) else list(two), len(x2))
    if len(first) != len(second) or len({*first}) != len(first) or len({*second}) != len(second):
        raise ShapeError(f"axes are two lists of as many different axes, not {axes!r}.")
    return first, second


def einsum(subscripts: str, operands: Sequence[Shape]) -> Shape:
    """The dimensions that the letters of the result stand for."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"{subscripts!r} names {len(terms)} operands, not {len(operands)}.")
    sizes: dict[str, int] = {}
    batches: list[Shape] = []
    for term, shape in zip(terms, operands, strict=True):
        before, dots, after = term.partition("...")
        rest = len(shape) - len(before) - len(after)
        if rest < 0 or (rest and not dots):
            raise ShapeError(f"{term!r} in {subscripts!r} does not name the axes of {shape}.")
        if dots:
            batches.append(shape[len(before) : len(before) + rest])
        named = (*shape[: len(before)], *shape[len(before) + rest :])
        for letter, one in zip(before + after, named, strict=True):
            _note(sizes, letter, one, subscripts)
    if not arrow:
        letters = "".join(terms).replace(".", "")
        right = "..." if batches else ""
        right += "".join(sorted(one for one in sizes if letters.count(one) == 1))
    before, dots, after = right.partition("...")
    _check_result(before + after, sizes, subscripts)
    batch = broadcast(*batches) if dots else ()
    return (*(sizes[one] for one in before), *batch, *(sizes[one] for one in after))


def _check_result(letters: str, sizes: dict[str, int], subscripts: str) -> None:
    for letter in letters:
        if letter not in sizes or letters.count(letter) > 1:
            count = "no operand has it" if letter not in sizes else "it is there twice"
            raise ShapeError(f"{letter!r} cannot be in the result of {subscripts!r}: {count}.")


def _note(sizes: dict[str, int], letter: str, one: int, subscripts: str) -> None:
    """Remember the dimension a letter stands for, a known one rather than an unknown."""
    before = sizes.setdefault(letter, one)
    if isinstance(before, Unknown) or before == 1:
        sizes[letter] = one
    elif one not in (before, 1) and not isinstance(one, Unknown):
        raise ShapeError(f"{letter!r} in {subscripts!r} is both {before} and {one}.")


def kron(x1: Shape, x2: Shape) -> Shape:
    """Each dimension the product of the two."""
    rank = max(len(x1), len(x2))
    left = (1,) * (rank - len(x1)) + tuple(x1)
    right = (1,) * (rank - len(x2)) + tuple(x2)
    return tuple(one * two for one, two in zip(left, right, strict=True))


def cross(x1: Shape, x2: Shape, axisa: int, axisb: int, axisc: int, axis: int | None) -> Shape:
    """The shapes broadcast, with a vector of three on the axis asked for."""
    if axis is not None:
        axisa = axisb = axisc = axis
    one, two = canonical_axis(axisa, len(x1)), canonical_axis(axisb, len(x2))
    sizes = (x1[one], x2[two])
    batch = broadcast(x1[:one] + x1[one + 1 :], x2[:two] + x2[two + 1 :])
    if sizes == (2, 2):
        return batch
    if any(length not in (2, 3) and not isinstance(length, Unknown) for length in sizes):
        raise ShapeError(f"vectors of sizes {sizes} have no cross product, only those of 2 or 3.")
    place = canonical_axis(axisc, len(batch) + 1)
    return (*batch[:place], 3, *batch[place:])


def norm(x: Shape, ord: Any, axis: Any, keepdims: bool) -> Shape:
    """The reduced shape."""
    axes = canonical_axes(axis, len(x))
    known = isinstance(ord, numbers.Real) or ord is None
    if len(axes) == 2:
        known = ord in (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    elif len(axes) != 1:
        known = ord is None and axis is None
    if not known:
        raise ShapeError(
            f"there is no norm of order {ord!r} over {len(axes)} axes: give one axis and a number, "
            "two axes and 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, or neither axis nor ord."
        )
    return reduce(x, axis, keepdims)


def cdist(x: Shape, y: Shape) -> Shape:
    """(..., n, size) and (..., m, size) make (..., n, m)."""
    _at_least(x, 2), _at_least(y, 2)
    _meet(x[-1], y[-1], x, y)
    return (*broadcast(x[:-2], y[:-2]), x[-2], y[-2])


def trace(x: Shape, offset: int, axis1: int, axis2: int) -> Shape:
    """The shape without the two axes."""
    return reduce(_at_least(x, 2), (axis1, axis2))


def diagonal(x: Shape, offset: int, axis1: int, axis2: int) -> Shape:
    """The shape without the two axes, and the diagonal's length."""
    rows, columns = (x[axis] for axis in canonical_axes((axis1, axis2), len(_at_least(x, 2))))
    down, across = (rows + offset, columns) if offset < 0 else (rows, columns - offset)
    # One that is not known yet may be the shorter side.
    unknown = (side for side in (down, across) if isinstance(side, Unknown))
    length = next(unknown, max(min(down, across), 0))
    return (*reduce(x, (axis1, axis2)), length)


def diag(x: Shape, k: int) -> Shape:
    """A matrix from a vector, the diagonal of a matrix."""
    if len(x) == 1:
        return (x[0] + abs(k),) * 2
    if len(x) != 2:
        raise ShapeError(f"diag takes a vector or a matrix, not a tensor of shape {tuple(x)}.")
    return diagonal(x, k, 0, 1)


def diagflat(x: Shape, k: int) -> Shape:
    """A square matrix."""
    return (size(x) + abs(k),) * 2


def determinant(x: Shape) -> Shape:
    """The stack of matrices' shape."""
    rows, columns = _at_least(x, 2)[-2:]
    _meet(rows, columns, x, x)
    return x[:-2]


def slogdet(x: Shape) -> list[Shape]:
    """Two of the stack of matrices' shape."""
    return [determinant(x)] * 2


def solve(a: Shape, b: Shape, *others: Any) -> Shape:
    """The shape of the right-hand side."""
    determinant(a)
    return lstsq(a, b)


def qr(x: Shape, mode: str) -> list[Shape]:
    """The shapes of q and r."""
    rows, columns = _at_least(x, 2)[-2:]
    if mode not in ("reduced", "complete"):
        raise ShapeError(f"mode is 'reduced' or 'complete', not {mode!r}.")
    inside = rows if mode == "complete" or rows <= columns else columns
    return [(*x[:-2], rows, inside), (*x[:-2], inside, columns)]


def svd(x: Shape, full_matrices: bool, compute_uv: bool) -> Any:
    """The shapes of u, s and the transposed v."""
    rows, columns = _at_least(x, 2)[-2:]
    count = rows if rows <= columns else columns
    if not compute_uv:
        return (*x[:-2], count)
    left, right = (rows, columns) if full_matrices else (count, count)
    return [(*x[:-2], rows, left), (*x[:-2], count), (*x[:-2], right, columns)]


def eigh(x: Shape) -> list[Shape]:
    """The shapes of the values and the vectors."""
    determinant(x)
    return [x[:-1], x]


def lu_factor(x: Shape) -> list[Shape]:
    """The shape of both triangles in one matrix, and that of the pivots."""
    rows, columns = _at_least(x, 2)[-2:]
    return [x, (*x[:-2], rows if rows <= columns else columns)]


def square(x: Shape, *others: Any) -> Shape:
    """The same shape, of square matrices."""
    determinant(x)
    return x


def pseudo_inverse(x: Shape, *others: Any) -> Shape:
    """The shape of the transposed matrices."""
    rows, columns = _at_least(x, 2)[-2:]
    return (*x[:-2], columns, rows)


def matrix_rank(x: Shape, *others: Any) -> Shape:
    """The stack of matrices' shape."""
    return _at_least(x, 2)[:-2]


def lstsq(a: Shape, b: Shape, *others: Any) -> Shape:
    """The shape of the right-hand side, with as many rows as the matrix has columns."""
    _at_least(a, 2), _at_least(b, 1)
    place = -1 if are_vectors(a, b) else -2
    _meet(a[-2], b[place], a, b)
    batch = broadcast(a[:-2], b[:place])
    return (*batch, a[-1]) if place == -1 else (*batch, a[-1], b[-1])
