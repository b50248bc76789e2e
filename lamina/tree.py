"""Nested structures: lists, tuples, namedtuples, dictionaries and deques, and what is in them.

Everything else is a leaf, None, strings and subclasses of lists and dictionaries too. The values
of a dictionary come in the order of its sorted keys, those of an `OrderedDict` in its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import optree

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:
    """What a function given to `traverse` returns to have None put there."""


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a container, be it empty.

    Example:
        >>> is_nested([]), is_nested({"a": 1}), is_nested("abc"), is_nested(None)
        (True, True, False, False)
    """
    return not optree.tree_is_leaf(structure, none_is_leaf=True)


def flatten(structure: Any) -> list[Any]:
    """The leaves of `structure` as a list.

    Example:
        >>> flatten({"b": [1, None], "a": (2,)})
        [2, 1, None]
    """
    return optree.tree_leaves(structure, none_is_leaf=True)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of `structure`, each with the keys and positions that lead to it.

    Example:
        >>> flatten_with_path({"b": [1, None], "a": 2})
        [(('a',), 2), (('b', 0), 1), (('b', 1), None)]
    """
    paths, found, _ = optree.tree_flatten_with_path(structure, none_is_leaf=True)
    return list(zip(paths, found, strict=True))


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """`flat_sequence` in the structure of another: what undoes `flatten`.

    Args:
        structure: the structure to follow.
        flat_sequence: as many elements as `structure` has leaves.

    Raises:
        ValueError: if there are more or fewer elements.
        TypeError: if `flat_sequence` is no sequence.

    Example:
        >>> pack_sequence_as({"b": [0, 0], "a": 0}, [1, 2, 3])
        {'b': [2, 3], 'a': 1}
    """
    return optree.tree_structure(structure, none_is_leaf=True).unflatten(flat_sequence)


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The structure with `func` of each leaf in its place.

    Args:
        func: a function of as many leaves as there are structures.
        *structures: of the same structure; a dictionary of any class is as good as another.
        none_is_leaf: whether `func` is called on None; else None stays, in all structures alike.

    Raises:
        ValueError: if the structures differ.

    Example:
        >>> map_structure(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
        {'a': 11, 'b': [22]}
    """
    _at_least_one(structures)
    for other in structures[1:]:
        _assert_same(structures[0], other, none_is_leaf)
    return optree.tree_map(func, *structures, none_is_leaf=none_is_leaf)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """The shallow structure with `func` of what the others have at the places of its leaves.

    Args:
        shallow_structure: the structure to follow; None in it has no meaning.
        func: a function of as many arguments as there are structures.
        *structures: at least as deep.

    Raises:
        ValueError: if a structure differs from the shallow one where that is nested.

    Example:
        >>> map_structure_up_to({"a": 0, "b": 0}, len, {"a": [1, 2], "b": (3,)})
        {'a': 2, 'b': 1}
    """
    _at_least_one(structures)
    shallow = optree.tree_structure(shallow_structure, none_is_leaf=True)
    if any(leaf is None for leaf in flatten(shallow_structure)):
        raise ValueError("The shallow structure of map_structure_up_to has a None in it.")
    parts = [shallow.flatten_up_to(one) for one in structures]
    return shallow.unflatten(map(func, *parts))


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Check that two structures differ in their leaves only.

    Args:
        a, b: the structures; a dictionary of any class is as good as another of the same keys.
        check_types: without effect, as in Keras, which warns of it.

    Raises:
        ValueError: says where they differ.

    Example:
        >>> assert_same_structure([1, {"a": 2}], [3, {"a": None}])
    """
    if check_types is not None:
        advice = "" if check_types else ": use assert_same_paths, which takes [1] and (1,) as alike"
        warnings.warn(
            f"check_types of assert_same_structure has no effect any more{advice}.",
            DeprecationWarning,
            stacklevel=2,
        )
    _assert_same(a, b, none_is_leaf=True)


def _assert_same(a: Any, b: Any, none_is_leaf: bool) -> None:
    ours = optree.tree_structure(a, none_is_leaf=none_is_leaf)
    for part in ours.flatten_up_to(b):  # which refuses what is not as deep
        if not optree.tree_is_leaf(part, none_is_leaf=none_is_leaf):
            raise ValueError(
                f"Two structures differ: where one has a leaf, the other has {part!r:.200}."
            )


def assert_same_paths(a: Any, b: Any) -> None:
    """Check that the same keys and positions lead to the leaves of two structures.

    Lists, tuples, namedtuples and deques are as good as each other.

    Raises:
        ValueError: names the paths that only one of them has.

    Example:
        >>> assert_same_paths([1, {"a": 2}], (3, {"a": 4}))
    """
    ours, theirs = ({path for path, _ in flatten_with_path(one)} for one in (a, b))
    if ours != theirs:
        only = [
            f"Only in `{name}`: {', '.join(map(repr, sorted(some, key=repr)[:5]))}."
            for name, some in (("a", ours - theirs), ("b", theirs - ours))
            if some
        ]
        raise ValueError(f"`a` and `b` don't have the same paths. {' '.join(only)}")


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """`structure` with each part replaced by what `func` returns for it.

    Args:
        func: a function of a part, container or leaf. It returns the replacement, which is not
            looked into; None to keep the part, and go on inside it; `MAP_TO_NONE` for None.
        structure: any structure.
        top_down: whether `func` is called on a container before what is in it; afterwards, it
            is called on the container with its parts replaced.

    Example:
        >>> traverse(lambda part: sum(part) if isinstance(part, tuple) else None, [(1, 2), [(3,)]])
        [3, [3]]
    """
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        parts, spec = optree.tree_flatten(
            structure, is_leaf=lambda part: part is not structure, none_is_leaf=True
        )
        structure = spec.unflatten([traverse(func, part, top_down) for part in parts])
    if top_down:
        return structure
    found = func(structure)
    if found is None:
        return structure
    return None if found is MAP_TO_NONE else found


def lists_to_tuples(structure: Any) -> Any:
    """`structure` with a tuple for each list.

    Example:
        >>> lists_to_tuples([1, {"a": [2, [3]]}])
        (1, {'a': (2, (3,))})
    """

    def to_tuple(part: Any) -> Any:
        return tuple(part) if isinstance(part, list) else None

    return traverse(to_tuple, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """The structure with `func` of each shape in it: a list or tuple of integers and None.

    Example:
        >>> map_shape_structure(lambda shape: shape[0], {"a": (None, 3), "b": [(2, 4)]})
        {'a': None, 'b': [2]}
    """
    return optree.tree_map(func, structure, is_leaf=_is_shape, none_is_leaf=True)


def _is_shape(part: Any) -> bool:
    return isinstance(part, (list, tuple)) and all(
        size is None or isinstance(size, int) for size in part
    )


def _at_least_one(structures: tuple[Any, ...]) -> None:
    if not structures:
        raise ValueError("There must be at least one structure to map over.")
