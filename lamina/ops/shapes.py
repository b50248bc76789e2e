"""Shape rules: from the shapes of an op's operands to the shape of its result.

A rule has the parameters of its op, each operand given as its shape, a tuple of integers (unknown
dimensions have been filled: see `lamina.symbolic.dimension`). It returns a shape, or a list of
shapes for several results, and raises `ShapeError` where the shapes do not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lamina.ops.row import Shape, ShapeError
from lamina.symbolic.dimension import Unknown

F = TypeVar("F", bound=Callable[..., Any])


def of_operands(rule: F) -> F:
    """Mark a rule that takes the operands' shapes alone, whatever the op's other arguments."""
    rule.of_operands = True  # type: ignore[attr-defined]
    return rule


def counts(what: str) -> Callable[[F], F]:
    """Mark a rule whose ops take one operation for each element of their `"result"` or `"operand"`.

    `lamina.ops.work` has the ops that take more or less.
    """

    def mark(rule: F) -> F:
        rule.counts = what  # type: ignore[attr-defined]
        return rule

    return mark


@counts("result")
@of_operands
def same(x: Shape, *others: Shape) -> Shape:
    """The first operand's shape."""
    return x


@counts("result")
@of_operands
def broadcast(*shapes: Shape) -> Shape:
    """The operands' shapes broadcast together, as NumPy does.

    An unknown dimension beside a known one is taken to be that one, which the data will prove.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        many = {size for size in sizes if size != 1}
        known = {size for size in many if not isinstance(size, Unknown)}
        if len(known or many) > 1:
            listed = " and ".join(str(tuple(shape)) for shape in shapes)
            raise ShapeError(f"the shapes {listed} cannot be broadcast together.")
        result.append(next(iter(known or many), 1))
    return tuple(result)


def canonical_axis(axis: int, rank: int) -> int:
    """`axis` counted from the front; ShapeError if there is no such axis."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is out of range for {rank} dimensions.")
    return axis % rank


def canonical_axes(axis: int | Sequence[int] | None, rank: int) -> list[int]:
    """A list of axes from one axis, several, or None for all."""
    if axis is None:
        return list(range(rank))
    return [canonical_axis(one, rank) for one in ([axis] if isinstance(axis, int) else axis)]


@counts("operand")
def reduce(
    x: Shape, axis: int | Sequence[int] | None = None, keepdims: bool = False, *others: Any
) -> Shape:
    """The shape without the reduced axes, or with 1 in their places."""
    reduced = canonical_axes(axis, len(x))
    if keepdims:
        return tuple(1 if i in reduced else size for i, size in enumerate(x))
    return tuple(size for i, size in enumerate(x) if i not in reduced)


@counts("operand")
def extreme(
    x: Shape, axis: int | Sequence[int] | None = None, keepdims: bool = False, initial: Any = None
) -> Shape:
    """As reduce; there must be an element to choose, or an initial number."""
    if initial is None and any(x[axis] == 0 for axis in canonical_axes(axis, len(x))):
        raise ShapeError(f"of no element there is no largest or smallest; the shape is {tuple(x)}.")
    return reduce(x, axis, keepdims)


def scalar(*operands: Any) -> Shape:
    """No dimensions."""
    return ()


def where(condition: Shape, x1: Shape | None, x2: Shape | None) -> Shape:
    """The three shapes broadcast together."""
    if x1 is None or x2 is None:
        raise ShapeError("how many places hold is known from the data only; give x1 and x2.")
    return broadcast(condition, x1, x2)


def cumulative(x: Shape, axis: int | None, *others: Any) -> Shape:
    """The same shape, flattened where no axis is given."""
    if axis is None:
        return (size(x),)
    canonical_axis(axis, len(x))
    return x


def quantile(x: Shape, q: Shape, axis: Any, method: str, keepdims: bool) -> Shape:
    """The shape of `q`, then the reduced shape."""
    return (*q, *reduce(x, axis, keepdims))


def average(x: Shape, axis: Any, weights: Shape | None) -> Shape:
    """The reduced shape."""
    return reduce(x, axis)


def size(shape: Sequence[int]) -> int:
    """How many elements a tensor of this shape has."""
    count = 1
    for one in shape:
        count = count * one
    return count
