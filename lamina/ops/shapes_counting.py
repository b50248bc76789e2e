"""Shape rules of the ops that count and correlate, of windows and of complex numbers."""

from __future__ import annotations

from typing import Any

from lamina.ops.row import Shape, ShapeError
from lamina.ops.shapes import canonical_axis
from lamina.symbolic.dimension import Unknown, unknown


def _vector(x: Shape) -> Shape:
    if len(x) != 1:
        raise ShapeError(f"a vector is expected, not a tensor of shape {tuple(x)}.")
    return x


def vander(x: Shape, N: int | None, *others: Any) -> Shape:
    """As many rows as elements, and `N` columns."""
    (count,) = _vector(x)
    if N is not None and N < 0:
        raise ShapeError(f"a matrix has a number of columns, not {N} of them.")
    return (count, count if N is None else N)


def window(x: Any, *others: Any) -> Shape:
    """As many places as asked for."""
    count = x if isinstance(x, Unknown) else int(x)
    if count < 0:
        raise ShapeError(f"a window has a number of places, not {count} of them.")
    return (count,)


# Counting and summing -----------------------------------------------------------------------


def bincount(x: Shape, *others: Any) -> Shape:
    """The last dimension replaced by a number known from the data only."""
    if not x:
        raise ShapeError("a vector is expected, not one number.")
    return (*x[:-1], unknown())


def histogram(x: Shape, bins: int, *others: Any) -> list[Shape]:
    """The counts of the intervals, and their limits, one more."""
    _vector(x)
    return [(bins,), (bins + 1,)]


def distinct(x: Shape, axis: int | None, size: int | None, *others: Any) -> list[Shape]:
    """The elements, their first positions, where each went, and how often each is there."""
    count = unknown() if size is None else size
    if axis is None:
        return [(count,), (count,), x, (count,)]
    place = canonical_axis(axis, len(x))
    values = (*x[:place], count, *x[place + 1 :])
    return [values, (count,), (x[place],), (count,)]


def correlate(x1: Shape, x2: Shape, mode: str) -> Shape:
    """The places where the two meet: in full, with the shorter one inside, or as many as `same`."""
    (one,), (two,) = _vector(x1), _vector(x2)
    if mode not in ("full", "same", "valid"):
        raise ShapeError(f"the mode is 'full', 'same' or 'valid', not {mode!r}.")
    if one == 0 or two == 0:
        raise ShapeError(f"vectors of {one} and {two} elements do not meet; neither may be empty.")
    if mode == "full":
        return (one + two - 1,)
    longer, shorter = (two, one) if one < two else (one, two)
    return (longer if mode == "same" else longer - shorter + 1,)


def corrcoef(x: Shape) -> Shape:
    """A number for each pair of rows."""
    if len(x) > 2:
        raise ShapeError(f"a vector or a matrix is expected, not a tensor of shape {tuple(x)}.")
    return (x[0], x[0]) if len(x) == 2 else ()


def trapezoid(y: Shape, x: Shape | None, dx: float, axis: int) -> Shape:
    """The shape without the axis."""
    place = canonical_axis(axis, len(y))
    return (*y[:place], *y[place + 1 :])


# Complex numbers ----------------------------------------------------------------------------


def view_as_complex(x: Shape) -> Shape:
    """The shape without the last axis, which holds the two parts."""
    if not x or (x[-1] != 2 and not isinstance(x[-1], Unknown)):
        raise ShapeError(f"the last axis should hold two parts; the shape is {tuple(x)}.")
    return tuple(x[:-1])


def view_as_real(x: Shape) -> Shape:
    """The shape with an axis for the two parts."""
    return (*x, 2)
