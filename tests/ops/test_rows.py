"""Every op's types, shapes, values and gradients: see `table` for what it is tried on."""

from __future__ import annotations

from dataclasses import dataclass
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
from tests.ops import table, table_image, table_linear, table_nn, table_numpy
from tests.ops.table import Case, I, M, X

MINE = [
    "arithmetic",
    "comparison",
    "logical",
    "trigonometric",
    "elementwise",
    "rounding",
    "special",
    "reductions",
    "shaping",
    "joining",
    "indexing",
    "creation",
    "sorting",
    "linear_algebra",
    "decompositions",
    "nan_reductions",
    "quantiles",
    "windows",
    "complex_numbers",
    "counting",
    "correlation",
    "activations",
    "patches",
    "pooling",
    "quality",
    "ctc",
    "ctc_decoding",
    "fourier",
    "least_squares",
    "norms",
    *(f"image.{file}" for file in ("borders", "color", "filters", "geometry", "patches")),
    *(f"image.{file}" for file in ("quality", "resizing", "sampling")),
]
TABLE = {
    **table.TABLE,
    **table_numpy.TABLE,
    **table_image.IMAGE,
    **table_linear.TABLE,
    **table_nn.TABLE_NN,
}
# What depends on the data has tests of its own.
ELSEWHERE = {"bincount"}
# Each case on each of them, in one process.
BACKENDS = [name for name in ("jax", "torch", "tensorflow") if find_spec(name)]
CASES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, cases in TABLE.items()
    for i, case in enumerate(cases)
]


@pytest.fixture(params=BACKENDS)
def each_backend(request):
    with lamina.backend.use(request.param):
        yield


def on_each_backend(test):
    """A test of one case after another, which runs once whatever backend the tests are run on."""
    return pytest.mark.every_backend(pytest.mark.usefixtures("each_backend")(test))


def fresh(operand: X | M, dtype: str, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if isinstance(operand, M) and dtype == "bool":
        value = np.broadcast_to(np.eye(operand.shape[-1]), operand.shape)
    elif isinstance(operand, M):
        root = random.uniform(-1, 1, operand.shape)
        value = root @ np.swapaxes(root, -1, -2) + 2 * np.eye(operand.shape[-1])
    else:
        value = random.uniform(operand.low, operand.high, operand.shape)
    if dtype.startswith("uint"):
        value = np.abs(value)
    if getattr(operand, "missing", False) and dtype.startswith(("float", "bfloat")):
        value.ravel()[::3] = np.nan
    # Through the narrow type, so that every backend starts from the same numbers.
    return value if dtype == "float64" else np.asarray(ops.convert_to_numpy(value)).astype(dtype)


def numbers(dtype: str, wide: bool = False):
    """A maker of operands, in double precision where `wide`."""

    def make(operand: X | M, seed: int) -> np.ndarray:
        value = fresh(operand, dtype, seed)
        return value.astype("float64") if wide else value

    return make


def symbols(dtype: str):
    dtype = lamina.backend.current().canonical(dtype)
    return lambda operand, seed: KerasTensor(operand.shape, dtype)


def build(tree, make, index=lambda value: np.asarray(value, _kind(value)), seed=None):
    """A case's arguments with `make(operand, seed)` for its operands."""
    seed = seed if seed is not None else [0]
    if isinstance(tree, (X, M)):
        seed[0] += 1
        return make(tree, seed[0])
    if isinstance(tree, I):
        return index(tree.value)
    if isinstance(tree, dict):
        return {key: build(value, make, index, seed) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)) and any(isinstance(one, (X, M, I)) for one in tree):
        return type(tree)(build(one, make, index, seed) for one in tree)
    return tree


def _kind(value) -> str:
    return "bool" if np.asarray(value).dtype == bool else "int32"


def arguments(case: Case, make, index=None):
    seed = [0]
    index = index or (lambda value: np.asarray(value, _kind(value)))
    args = [build(one, make, index, seed) for one in case.args]
    return args, build(case.kwargs, make, index, seed)


def flat(output) -> list:
    return list(output) if isinstance(output, (list, tuple)) else [output]


def specs(output) -> list:
    return [(tuple(one.shape), keras.backend.standardize_dtype(one.dtype)) for one in flat(output)]


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


def function_of(name: str):
    return row.rows[name].function


def inferred(function, case: Case, dtype: str) -> list:
    """What the rows say that `function` computes."""
    with inference():
        args, kwargs = arguments(case, symbols(dtype))
        return specs(function(*args, **kwargs))


@dataclass
class Hole:
    """The place of an operand."""

    place: int


def mapped(tree, function):
    if isinstance(tree, dict):
        return {key: mapped(value, function) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(mapped(value, function) for value in tree)
    return function(tree)


def test_the_table_is_complete():
    here = {name for name, one in row.rows.items() if one.definition.__module__[11:] in MINE}
    assert here == set(TABLE) | ELSEWHERE


@on_each_backend
@pytest.mark.parametrize(("name", "case"), CASES)
def test_predicted_types_and_shapes_are_the_computed_ones(name, case):
    function, canonical = function_of(name), lamina.backend.current().canonical
    for dtype in case.dtypes:
        if name != "nonzero":
            predicted = inferred(function, case, dtype)
            assert traced(function, case, dtype) == predicted, dtype
        with lamina.backend.use("numpy"):
            args, kwargs = arguments(case, numbers(dtype))
            output = [(shape, canonical(kind)) for shape, kind in specs(function(*args, **kwargs))]
            held = canonical(dtype) == dtype  # else the backend has no such numbers
            assert name == "nonzero" or not held or output == predicted, dtype


@pytest.mark.parametrize(("name", "case"), CASES)
def test_types_and_shapes_are_those_of_keras(name, case):
    if name == "nonzero":
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


@on_each_backend
@pytest.mark.parametrize(("name", "case"), [one for one in CASES if one.values[1].values])
def test_values_are_those_of_numpy_in_double_precision(name, case):
    function = function_of(name)
    for dtype in ("float32", "int32"):
        if dtype not in case.dtypes:
            continue
        args, kwargs = arguments(case, numbers(dtype))
        ours = flat(function(*args, **kwargs))
        with lamina.backend.use("numpy"):
            args, kwargs = arguments(case, numbers(dtype, wide=dtype == "float32"))
            exact = flat(function(*args, **kwargs))
        for one, other in zip(ours, exact, strict=True):
            # Half-width sums are rounded at each step, or at the end only.
            tolerance = 2e-3 if other.dtype == np.float16 else 2e-4
            np.testing.assert_allclose(np.asarray(one), other, tolerance, 1e-5, err_msg=dtype)


@on_each_backend
@pytest.mark.parametrize(("name", "case"), [one for one in CASES if one.values[1].gradient])
def test_gradients_are_those_of_central_differences(name, case):
    function = function_of(name)
    args, kwargs = arguments(case, numbers("float64"))
    at = next(i for i, one in enumerate(case.args) if isinstance(one, (X, M)))
    weights: list = []

    def loss(x):
        output = function(*args[:at], x, *args[at + 1 :], **kwargs)
        if not weights:
            weights.append(np.random.default_rng(0).uniform(1, 2, tuple(output.shape)))
        return ops.sum(ops.multiply(output, weights[0]))

    def exact(x):
        with lamina.backend.use("numpy"):
            return float(loss(x))

    x, step = args[at], 1e-5
    slopes = [(exact(x + step * e) - exact(x - step * e)) / (2 * step) for e in _units(x)]
    narrow = ops.convert_to_tensor(x, "float32")
    gradient = lamina.backend.current().value_and_grad(loss, None, 0, False)(narrow)[1]
    np.testing.assert_allclose(np.asarray(gradient).ravel(), slopes, 2e-3, 2e-3)


def _units(x: np.ndarray) -> list[np.ndarray]:
    return [unit.reshape(x.shape) for unit in np.eye(x.size)]


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
