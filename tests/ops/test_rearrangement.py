"""Patterns of axes, and functions of elements: against Keras, NumPy and what einops documents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import Input, Model, ops
from lamina.backend import current, use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from tests.ops.test_control import NAMES, numbers

keras = pytest.importorskip("keras")
X = np.arange(24, dtype="float32").reshape(2, 3, 4)
XS = np.array([1, 2, 3], "float32")


@pytest.fixture(params=NAMES)
def backend(request):
    with use(request.param) as active:
        yield active


PATTERNS = [
    ("a b c -> c b a", {}, X.transpose(2, 1, 0)),
    ("a b c -> a (b c)", {}, X.reshape(2, 12)),
    ("a b (c d)->c a d b", {"d": 2}, X.reshape(2, 3, 2, 2).transpose(2, 0, 3, 1)),
    ("a b (c d) -> (a c) (d b)", {"c": 2}, X.reshape(2, 3, 2, 2).swapaxes(1, 2).swapaxes(2, 3)),
    ("... c -> c ...", {}, np.moveaxis(X, -1, 0)),
    ("a ... -> ... a", {}, np.moveaxis(X, 0, -1)),
    ("a ... -> (a ...)", {}, X.reshape(-1)),
    ("... -> ...", {}, X),
    ("a b c -> a 1 b () c", {}, X[:, None, :, None]),
    ("(one a) b c -> a b (c one)", {"one": 1}, X),
]


@pytest.mark.every_backend
@pytest.mark.parametrize(("pattern", "lengths", "expected"), PATTERNS)
def test_patterns(backend, pattern, lengths, expected):
    found = ops.convert_to_numpy(ops.rearrange(X, pattern, **lengths))
    assert (found.reshape(-1) == expected.reshape(-1)).all()
    assert expected.ndim != found.ndim or found.shape == expected.shape
    assert ops.rearrange(KerasTensor(X.shape), pattern, **lengths).shape == found.shape
    compiled = current().jit(lambda x: ops.rearrange(x, pattern, **lengths))
    assert numbers(compiled(ops.convert_to_tensor(X))) == found.tolist()


@settings(max_examples=50, deadline=None)
@given(
    st.permutations("abcd"), st.lists(st.booleans(), min_size=3, max_size=3), st.sampled_from("ab")
)
def test_axes_split_ordered_and_joined_as_keras_does(order, joined, given_one):
    x = np.arange(48, dtype="int32").reshape(6, 2, 4)
    groups = [[order[0]]]
    for name, join in zip(order[1:], joined, strict=True):
        if join:
            groups[-1].append(name)
        else:
            groups.append([name])
    right = " ".join(f"({' '.join(one)})" if len(one) > 1 else one[0] for one in groups)
    pattern, lengths = f"(a b) c d -> {right}", {given_one: 3 if given_one == "a" else 2}
    theirs = np.asarray(keras.ops.rearrange(x, pattern, **lengths))
    assert numbers(ops.rearrange(x, pattern, **lengths)) == theirs.tolist()


@pytest.mark.parametrize(
    ("shape", "pattern", "lengths", "expected"),
    [
        ((None, 6), "b (h d) -> b h d", {"h": 2}, (None, 2, 3)),
        ((None, 6), "(b s) d -> b (s d)", {"s": 4}, (None, 24)),
        ((None, None, 3), "b s d -> (b s) d", {}, (None, 3)),
        ((None, 2, 3), "b ... -> ... b", {}, (2, 3, None)),
    ],
)
def test_unknown_dimensions(shape, pattern, lengths, expected):
    assert ops.rearrange(KerasTensor(shape), pattern, **lengths).shape == expected


def test_it_is_part_of_a_model():
    x = Input((6,))
    model = Model(x, ops.rearrange(x, "b (h d) -> h b d", h=2))
    data = np.arange(12, dtype="float32").reshape(2, 6)
    expected = data.reshape(2, 2, 3).swapaxes(0, 1)
    assert numbers(model(data)) == expected.tolist()


@pytest.mark.parametrize(
    ("pattern", "lengths", "message"),
    [
        ("a b c", {}, "one '->'"),
        ("a b c -> a b", {}, "on one side of '->' only"),
        ("a b -> b a", {}, "names 2 axes, and the tensor has 3"),
        ("a a b -> a b", {}, "twice"),
        ("a (b d) c -> a b c d", {}, "all but one"),
        ("a (b d) c -> a b c d", {"d": 2}, "axis of size 3"),
        ("a b c -> c b a", {"a": 5}, "axis of size 2"),
        ("a b c -> c b a", {"z": 5}, "no axis z"),
        ("a (b c -> a b c", {}, "parentheses"),
        ("a b c -> a (b (c))", {}, "parentheses"),
        ("a b c -> a b c 2", {}, "no meaning"),
        ("(... a) b -> a b ...", {}, "outside of parentheses"),
    ],
)
def test_patterns_that_say_nothing_are_refused(pattern, lengths, message):
    with pytest.raises(ValueError, match=message):
        ops.rearrange(X, pattern, **lengths)


def test_an_axis_of_size_one_is_one():
    assert ops.rearrange(X[:1], "1 b c -> b c").shape == (3, 4)
    with pytest.raises(ShapeError, match="axis of size 2"):
        ops.rearrange(X, "1 b c -> b c")


# Functions of elements --------------------------------------------------------------------


def made(module, function, **options):
    return module.vectorize(lambda *args: function(module, *args), **options)


VECTORIZED = [
    (lambda o, a, b: a + b, {}, (XS, 2.0)),
    (lambda o, a, b: a + b, {}, (XS[:2, None], XS)),
    (lambda o, a, b: o.sum(a * b), {"signature": "(n),(n)->()"}, (X, X[0, 0])),
    (lambda o, a, b: o.matmul(a, b), {"signature": "(n,m),(m)->(n)"}, (X, XS[:1] + np.zeros(4))),
    (lambda o, a, b: o.matmul(a, b), {"signature": "(n,m),(m)->(n)"}, (X[0], X)),
    (lambda o, a, b: a * b[0], {"excluded": {1}}, (XS, XS[1:])),
    (lambda o, a: (a, o.sum(a)), {"signature": "(n)->(n),()"}, (X[0],)),
    (lambda o, a: o.stack([a, a]), {"signature": "()->(k)"}, (XS,)),
    (lambda o, a: a * 2, {}, (3.0,)),
]


@pytest.mark.every_backend
@pytest.mark.parametrize(("function", "options", "args"), VECTORIZED)
def test_vectorized_functions_are_those_of_keras(backend, function, options, args):
    args = [np.asarray(one, "float32") for one in args]
    theirs = made(keras.ops, function, **options)(*args)
    ours = made(ops, function, **options)(*args)
    compiled = current().jit(made(ops, function, **options))(*map(ops.convert_to_tensor, args))
    several = isinstance(theirs, tuple)
    for found in (ours, compiled):
        pairs = zip(found, theirs, strict=True) if several else [(found, theirs)]
        for one, other in pairs:
            np.testing.assert_allclose(ops.convert_to_numpy(one), np.asarray(other), rtol=1e-6)


def test_vectorized_functions_of_symbolic_tensors():
    dot = ops.vectorize(lambda a, b: ops.sum(a * b), signature="(n),(n)->()")
    x = Input((5, 3))
    y = dot(x, XS)
    assert y.shape == (None, 5)
    data = np.arange(30, dtype="float32").reshape(2, 5, 3)
    assert numbers(Model(x, y)(data)) == (data @ XS).tolist()


def test_arguments_by_name_are_handed_on_whole():
    scaled = ops.vectorize(lambda a, factor: a * ops.sum(factor))
    assert numbers(scaled(XS, factor=XS)) == [6.0, 12.0, 18.0]


@pytest.mark.parametrize(
    ("options", "args", "message"),
    [
        ({"signature": "n->n"}, (XS,), "is no signature"),
        ({"signature": "(n),(n)->(n)"}, (XS,), "takes 2 arguments"),
        ({"signature": "(n,m)->(n)"}, (XS,), "fewer axes"),
        ({"signature": "(n),(n)->(n)"}, (XS, XS[:2]), "the size 3 in one argument"),
        ({"signature": "(n)->()"}, (XS,), "is not the"),
        ({"signature": "(n)->(n),(n)"}, (XS,), "returned 1 results"),
        ({"excluded": {-1}}, (XS,), "none is negative"),
        ({}, (XS, XS[:2]), "broadcast"),
    ],
)
def test_what_does_not_fit_is_refused(options, args, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ops.vectorize(lambda a, *others: a, **options)(*args)
