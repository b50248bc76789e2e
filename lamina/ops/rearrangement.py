"""Axes split, put in another order and joined, by a pattern as einops writes it."""

from __future__ import annotations

import re
from typing import Any

from lamina.ops.control import recorded
from lamina.ops.conversion import convert_to_tensor, shape
from lamina.ops.row import ShapeError, Tensor, TensorLike
from lamina.ops.shapes import size as product
from lamina.ops.shaping import reshape, transpose
from lamina.symbolic.dimension import Unknown

Groups = list[list[str]]
_TOKEN = re.compile(r"\.\.\.|\w+|\S")


@recorded
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: int) -> Tensor:
    """The same elements with axes split, in another order, and joined.

    A pattern names the axes of the tensor and then those of the result: `"b h w c -> b c h w"`.
    Names in parentheses are one axis: `(h w)` on the left splits it, on the right joins the two.
    `...` stands for the axes that are not named, `1` for an axis of size 1.

    Args:
        tensor: a tensor of any shape.
        pattern: the axes before and after `->`.
        **axes_lengths: the sizes of names; in each axis that is split all but one are needed.

    Returns:
        A tensor of `tensor`'s type.

    Raises:
        ValueError: if the pattern cannot be read, or names other axes left than right.
        ShapeError: if the pattern does not fit the shape of the tensor.

    Example:
        >>> from lamina import ops
        >>> x = ops.reshape(ops.arange(8), (2, 4))
        >>> ops.convert_to_numpy(ops.rearrange(x, "a (b c) -> b (a c)", c=2)).tolist()
        [[0, 1, 4, 5], [2, 3, 6, 7]]

    Reference:
        Rogozhnikov, 2022, https://openreview.net/forum?id=oapKSVM2bcj
    """
    tensor = convert_to_tensor(tensor)
    left, right = _sides(pattern)
    sizes = shape(tensor)
    rest = _unnamed(left, len(sizes), pattern)
    before, after = _with(rest, left), _with(rest, right)
    names = _names(before)
    _check_names(names, _names(after), axes_lengths, pattern)
    known: dict[str, Any] = dict(axes_lengths)
    for group, size in zip(before, sizes, strict=True):
        _measure(group, size, known, pattern)
    order = [names.index(name) for name in _names(after)]
    split = reshape(tensor, tuple(known[name] for name in names))
    moved = split if order == sorted(order) else transpose(split, order)
    return reshape(moved, tuple(product([known[name] for name in group]) for group in after))


def _sides(pattern: str) -> tuple[Groups, Groups]:
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(
            f"A pattern of rearrange has axes before and after one '->', not {pattern!r}."
        )
    before, after = (_groups(side, pattern) for side in sides)
    return before, after


def _groups(side: str, pattern: str) -> Groups:
    """The axes of one side, each as the names that make it: one, several in parentheses, none."""
    groups: Groups = []
    inside = False
    for token in _TOKEN.findall(side):
        if token in "()":
            if inside == (token == "("):
                raise ValueError(f"The parentheses of {pattern!r} do not match.")
            inside = not inside
            if inside:
                groups.append([])
        elif token == "1":
            if not inside:
                groups.append([])
        elif token == "..." or token.isidentifier():
            if inside:
                groups[-1].append(token)
            else:
                groups.append([token])
        else:
            raise ValueError(
                f"{token!r} has no meaning in the pattern {pattern!r}: write names, '1', '...', "
                "and parentheses."
            )
    if inside:
        raise ValueError(f"The parentheses of {pattern!r} do not match.")
    return groups


def _unnamed(groups: Groups, rank: int, pattern: str) -> list[str]:
    """Names for the axes that `...` on the left stands for."""
    if sum(group.count("...") for group in groups) > int(["..."] in groups):
        raise ValueError(
            f"'...' left of '->' stands once, and outside of parentheses, not as in {pattern!r}."
        )
    named = len(groups) - (["..."] in groups)
    if named > rank or (named < rank and ["..."] not in groups):
        raise ShapeError(
            f"ops.rearrange: {pattern!r} names {named} axes, and the tensor has {rank}."
        )
    return [f"...{i}" for i in range(rank - named)]


def _with(rest: list[str], groups: Groups) -> Groups:
    """The axes with `...` replaced by `rest`, joined where it stands in parentheses."""
    found: Groups = []
    for group in groups:
        if group == ["..."]:
            found += [[name] for name in rest]
        else:
            found.append([one for name in group for one in (rest if name == "..." else [name])])
    return found


def _names(groups: Groups) -> list[str]:
    return [name for group in groups for name in group]


def _check_names(
    before: list[str], after: list[str], lengths: dict[str, int], pattern: str
) -> None:
    twice = {name for side in (before, after) for name in side if side.count(name) > 1}
    if twice:
        raise ValueError(f"{pattern!r} names {', '.join(sorted(twice))} twice on one side.")
    if set(before) != set(after):
        odd = ", ".join(sorted(set(before) ^ set(after)))
        raise ValueError(
            f"{pattern!r} names {odd} on one side of '->' only; rearrange keeps every axis."
        )
    unused = [name for name in lengths if name not in before]
    if unused:
        raise ValueError(f"{pattern!r} has no axis {', '.join(unused)}, whose length was given.")


def _measure(group: list[str], size: Any, known: dict[str, Any], pattern: str) -> None:
    """Enter into `known` the sizes of the names that an axis of this size is made of."""
    open_names = [name for name in group if name not in known]
    if len(open_names) > 1:
        raise ValueError(
            f"How {pattern!r} splits ({' '.join(group)}) is not known: give the length of all but "
            f"one of them, such as {open_names[0]}=2."
        )
    given = product([known[name] for name in group if name in known])
    if not isinstance(size, Unknown) and (size % given if open_names and given else size != given):
        lengths = ", ".join(f"{name}={known[name]}" for name in group if name in known)
        raise ShapeError(
            f"ops.rearrange: an axis of size {size} is not made of ({' '.join(group)}) in "
            f"{pattern!r} with {lengths or 'the size 1'}."
        )
    for name in open_names:
        known[name] = size // given if given else 0
