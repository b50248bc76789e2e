"""Every op's types, shapes, values and gradients: see `table` for what it is tried on."""

from __future__ import annotations

from importlib.util import find_spec

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import lamina.backend
from lamina import ops
from lamina.backend.contract import Spec
from lamina.ops import row
from lamina.symbolic import KerasTensor
from lamina.symbolic.dimension import fill, reveal
from lamina.symbolic.tensor import inference
from tests.ops.calls import Hole, arguments, flat, inferred, mapped, numbers, specs
from tests.ops.cases import ILL_CONDITIONED, TABLE
from tests.ops.properties import function_of
from tests.ops.table import Case, X

# What has tests of its own: results of sizes that depend on the data, and several results.
ELSEWHERE = {"bincount", "distinct", "gru_sequence", "lstm_sequence", "standardize_batch"}
# Each case on each of them, in one process.
BACKENDS = [name for name in ("jax", "torch", "tensorflow") if find_spec(name)]
CASES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, cases in TABLE.items()
    for i, case in enumerate(cases)
]


def traced(function, case: Case, dtype: str) -> list:
    """What `function` computes, by tracing it, which needs no compilation."""
    backend = lamina.backend.current()
    args, kwargs = arguments(case, lambda operand, _: Spec(operand.shape, dtype))
    operands: list[Spec] = []

    def lift(leaf):
        if not isinstance(leaf, Spec):
            return leaf
        operands.append(leaf)
        return Hole(len(operands) - 1)

    holes = mapped([args, kwargs], lift)

    def call(*values):
        def fill_in(leaf):
            return values[leaf.place] if isinstance(leaf, Hole) else leaf

        args, kwargs = mapped(holes, fill_in)
        return function(*args, **kwargs)

    return specs(backend.eval_shape(call, operands))


def traced_keras(name: str, case: Case, dtype: str) -> list:
    """What Keras computes, which runs on JAX here."""
    with lamina.backend.use("jax"):
        theirs = getattr(keras.ops, name, None) or getattr(keras.ops.image, name)
        return traced(theirs, case, dtype)


def test_the_table_is_complete():
    assert set(row.rows) == set(TABLE) | ELSEWHERE


@pytest.mark.parametrize(("name", "case"), [one for one in CASES if one.values[1].sized])
def test_predicted_types_and_shapes_are_the_computed_ones_without_64_bits(name, case):
    """As JAX comes; `test_properties` has the types of 64 bits, and all backends."""
    function = function_of(name)
    with lamina.backend.use("jax"):
        for dtype in case.dtypes:
            assert traced(function, case, dtype) == inferred(function, case, dtype), dtype


@pytest.mark.parametrize(("name", "case"), CASES)
def test_types_and_shapes_are_those_of_keras(name, case):
    if not case.sized or not (hasattr(keras.ops, name) or hasattr(keras.ops.image, name)):
        return
    canonical = lamina.backend.current().canonical
    for dtype in case.dtypes:
        if canonical(dtype) != dtype:
            continue  # the backend has no such numbers
        ours = inferred(function_of(name), case, dtype)  # which is what is computed: see above
        try:
            theirs = traced_keras(name, case, dtype)
        except (TypeError, ValueError, NotImplementedError):
            continue  # Keras refuses what we compute
        assert ours == [(shape, canonical(kind)) for shape, kind in theirs], dtype


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "case"), [one for one in CASES if one.values[0] in ILL_CONDITIONED]
)
def test_values_of_matrices_in_good_condition(name, case, backend):
    function = function_of(name)
    args, kwargs = arguments(case, numbers("float32"))
    with lamina.backend.use(backend):
        ours = [ops.convert_to_numpy(one) for one in flat(function(*args, **kwargs))]
    with lamina.backend.use("numpy"):
        args, kwargs = arguments(case, numbers("float32", wide=True))
        exact = flat(function(*args, **kwargs))
    for one, other in zip(ours, exact, strict=True):
        np.testing.assert_allclose(one, other, 2e-4, 1e-5)


@pytest.mark.parametrize("scalar", [2, 2.0])
@pytest.mark.parametrize("dtype", ["int8", "float16"])
@pytest.mark.parametrize("name", ["add", "true_divide", "power", "maximum", "equal", "hypot"])
def test_python_numbers_take_the_width_of_the_tensor(name, dtype, scalar):
    case = Case([X(), scalar])
    assert traced(getattr(ops, name), case, dtype) == traced_keras(name, case, dtype)


@settings(max_examples=30, deadline=None)
@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4), st.data())
def test_broadcast_shapes(shapes, data):
    hidden = [
        tuple(None if size > 1 and data.draw(st.booleans()) else size for size in shape)
        for shape in shapes.input_shapes
    ]
    with inference():
        one, two = (KerasTensor(shape) for shape in shapes.input_shapes)
        assert ops.add(one, two).shape == shapes.result_shape
        one, two = (KerasTensor(fill(shape)) for shape in hidden)
        found = reveal(ops.add(one, two).shape)
    pairs = zip(found, shapes.result_shape, strict=True)
    assert all(size is None or size == true for size, true in pairs)


@pytest.mark.parametrize(
    ("shape", "newshape", "expected"),
    [
        ((None, 4), (-1, 2), (None, 2)),
        ((None, 4), (-1, 4), (None, 4)),
        ((None, 6, 4), (None, 24), (None, 24)),
        ((2, None, 3), (2, -1), (2, None)),
        ((6,), (2, -1), (2, 3)),
    ],
)
def test_reshape_of_unknown_dimensions(shape, newshape, expected):
    assert ops.reshape(KerasTensor(shape), newshape).shape == expected


def test_a_known_dimension_comes_out_of_an_unknown_one():
    x = KerasTensor((None, 4))
    with inference():
        x = KerasTensor(fill((None, 4)))
        assert reveal(ops.reshape(x, (x.shape[0], -1)).shape) == (None, 4)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (0, (3, 4)),
        (slice(1, None), (None, 3, 4)),
        ((..., 0), (None, 3)),
        ((slice(None), None, -1), (None, 1, 4)),
        ((slice(None), slice(0, 2)), (None, 2, 4)),
    ],
)
def test_get_item_of_unknown_dimensions(key, expected):
    assert KerasTensor((None, 3, 4))[key].shape == expected


def test_boolean_masks_are_for_numbers():
    x = np.arange(4)
    assert np.asarray(ops.get_item(x, np.asarray([True, False, True, False]))).tolist() == [0, 2]
    with pytest.raises(row.ShapeError, match="known from the data only"):
        ops.get_item(KerasTensor((4,)), KerasTensor((4,), "bool"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.matmul(KerasTensor((2, 3)), KerasTensor((4, 5))), "3 and 4 should be equal"),
        (lambda: ops.reshape(KerasTensor((2, 3)), (4, -1)), "do not fill"),
        (lambda: ops.squeeze(KerasTensor((2, 3)), 0), "has size 2"),
        (lambda: ops.concatenate([KerasTensor((2, 3)), KerasTensor((2, 4))]), "do not fit"),
        (lambda: ops.split(KerasTensor((5,)), 2), "no 2 equal parts"),
        (lambda: ops.add(KerasTensor((2,)), KerasTensor((3,))), "cannot be broadcast"),
        (lambda: ops.sum(KerasTensor((2,)), axis=1), "axis 1 is out of range"),
        (lambda: ops.einsum("ij,jk", KerasTensor((2, 3)), KerasTensor((2, 3))), "both 3 and 2"),
        (lambda: ops.get_item(KerasTensor((2,)), 2), "index 2 is out of range"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(row.ShapeError, match=message):
        call()


def test_numbers_outside_of_the_type_are_refused():
    for x, number in ((np.ones(3, "int8"), 300), (np.ones(3, "uint8"), -1)):
        with pytest.raises(OverflowError, match=r"not within u?int8.*Cast these"):
            ops.add(x, number)
    assert np.isinf(np.asarray(ops.add(np.ones(3, "float16"), 1e6))).all()


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_python_numbers_are_of_floatx(kind):
    before = lamina.backend.floatx()
    try:
        lamina.backend.set_floatx(kind)
        for x in (1.0, [1.0, 2.0]):
            assert ops.dtype(ops.tanh(x)) == ops.dtype(ops.convert_to_tensor(x)) == kind
        assert ops.dtype(ops.add([1, 2], 1)) == "int32"
    finally:
        lamina.backend.set_floatx(before)


def test_symbolic_positions_in_a_key():
    x, i = KerasTensor((None, 4)), KerasTensor((None,), "int32")
    assert ops.get_item(x, (0, i)).shape == ops.get_item(np.ones((3, 4)), (0, i)).shape == (None,)


def test_creation_of_unknown_sizes():
    with inference():
        size = fill((None,))[0]
        made = (ops.arange(size), ops.zeros((size,)), ops.full((size,), 1.0), ops.eye(size)[0])
        assert [reveal(one.shape) for one in made] == [(None,)] * 4
        assert ops.add(ops.ones((2,)), size).dtype == "float32"


def test_saturate_cast_stays_in_range():
    assert np.asarray(ops.saturate_cast([-3.0, 300.0], "uint8")).tolist() == [0, 255]


def test_nonzero_and_where_tell_positions():
    assert [np.asarray(one).tolist() for one in ops.nonzero([[0, 1], [2, 0]])] == [[0, 1], [1, 0]]
    assert [np.asarray(one).tolist() for one in ops.where([False, True])] == [[1]]
