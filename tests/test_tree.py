"""Nested structures, as Keras takes them apart."""

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import tree

keras = pytest.importorskip("keras")
Point = collections.namedtuple("Point", "x y")
Other = collections.namedtuple("Other", "x y")


class SubList(list):
    """A subclass of a container is a leaf."""


LEAVES = st.one_of(
    st.none(), st.integers(0, 3), st.text("ab", max_size=2), st.just(1.5), st.booleans()
)
KEYS = st.one_of(st.sampled_from("abc"), st.integers(0, 2))


def containers(parts):
    lists = st.lists(parts, max_size=3)
    dicts = st.dictionaries(KEYS, parts, max_size=3)
    return st.one_of(
        lists,
        lists.map(tuple),
        lists.map(SubList),
        lists.map(lambda found: collections.deque(found, maxlen=4)),
        dicts,
        dicts.map(collections.OrderedDict),
        dicts.map(lambda found: collections.defaultdict(list, found)),
        st.builds(Point, parts, parts),
        st.builds(Other, parts, parts),
    )


STRUCTURES = st.recursive(LEAVES, containers, max_leaves=8)
FEW = settings(max_examples=150, deadline=None)


def outcome(function, *args, **kwargs):
    """What a function returns, or the kind of its error."""
    try:
        found = function(*args, **kwargs)
    except Exception as error:
        return type(error)
    return described(found)


def described(found):
    """A structure with the types of its containers."""
    if isinstance(found, dict):
        extra = getattr(found, "default_factory", None)
        return type(found), extra, [(key, described(one)) for key, one in found.items()]
    if isinstance(found, (list, tuple, collections.deque)):
        return type(found), getattr(found, "maxlen", None), [described(one) for one in found]
    return found


def both(name, *args, **kwargs):
    ours = outcome(getattr(tree, name), *args, **kwargs)
    theirs = outcome(getattr(keras.tree, name), *args, **kwargs)
    assert ours == theirs


@FEW
@given(STRUCTURES)
def test_one_structure(structure):
    for name in ("flatten", "flatten_with_path", "is_nested", "lists_to_tuples"):
        both(name, structure)
    both("map_shape_structure", lambda shape: ("shape", shape), structure)
    both("map_structure", lambda leaf: (leaf,), structure)
    both("map_structure", lambda leaf: (leaf,), structure, none_is_leaf=False)
    count = len(tree.flatten(structure))
    for length in (count, count + 1, max(count - 1, 0)):
        both("pack_sequence_as", structure, range(length))


@FEW
@given(STRUCTURES, STRUCTURES)
def test_two_structures(one, two):
    pairs = [(one, two), (one, one), (one, tree.map_structure(lambda leaf: [leaf], one))]
    for a, b in pairs:
        both("assert_same_structure", a, b)
        both("assert_same_paths", a, b)
        for none_is_leaf in (True, False):
            both("map_structure", lambda *leaf: leaf, a, b, none_is_leaf=none_is_leaf)
        both("map_structure_up_to", a, lambda *leaf: leaf, b, a)


def replaced(part):
    if isinstance(part, tuple):
        return tree.MAP_TO_NONE
    if isinstance(part, int):
        return part + 10
    return ["new"] if part == "a" else None


def replaced_for_keras(part):
    found = replaced(part)
    return keras.tree.MAP_TO_NONE if found is tree.MAP_TO_NONE else found


@FEW
@given(STRUCTURES, st.booleans())
def test_traverse(structure, top_down):
    ours = tree.traverse(replaced, structure, top_down)
    theirs = keras.tree.traverse(replaced_for_keras, structure, top_down)
    assert described(ours) == described(theirs)
    seen = [[], []]
    for module, order in zip((tree, keras.tree), seen, strict=True):
        module.traverse(lambda part: order.append(repr(part)), structure, top_down)  # noqa: B023
    assert seen[0] == seen[1]


def test_keys_that_have_no_order():
    both("flatten", {"b": 1, 2: 3, None: 4, (1,): 5})


def test_leaves_of_all_kinds():
    for leaf in (np.ones(2), {1, 2}, range(3), object(), collections.UserDict(a=1)):
        assert tree.flatten([leaf])[0] is leaf and not tree.is_nested(leaf)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda module: module.map_structure(len), ValueError),
        (lambda module: module.map_structure(3, [1]), TypeError),
        (lambda module: module.map_structure_up_to([1], len), ValueError),
        (lambda module: module.pack_sequence_as([1], 5), TypeError),
        (lambda module: module.traverse(3, [1]), TypeError),
    ],
)
def test_errors(call, kind):
    for module in (tree, keras.tree):
        with pytest.raises(kind):
            call(module)


def test_check_types_is_warned_of():
    for module in (tree, keras.tree):
        with pytest.warns(DeprecationWarning, match="check_types"):
            module.assert_same_structure([1], [2], check_types=False)


def test_differences_are_named():
    with pytest.raises(ValueError, match=r"Only in `a`: \(1,\)\. Only in `b`: \(1, 0\)"):
        tree.assert_same_paths([1, 2], [1, [2]])
    with pytest.raises(ValueError, match="where one has a leaf"):
        tree.assert_same_structure([1, 2], [1, [2]])
