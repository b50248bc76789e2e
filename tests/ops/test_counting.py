"""Ops whose result's shape depends on the data, and others that compare with NumPy and Keras."""

import numpy as np
import pytest

from lamina import ops
from lamina.backend import current, use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from tests.ops.trials import on_each_backend

keras = pytest.importorskip("keras")


@pytest.fixture(params=["jax", "torch", "tensorflow", "numpy"])
def each_backend(request):
    pytest.importorskip(request.param)
    with use(request.param):
        yield


def lists(output):
    if isinstance(output, tuple):
        return tuple(lists(one) for one in output)
    return np.asarray(ops.convert_to_numpy(output)).tolist()


BINS = [
    (np.array([1, 1, 4]), {}),
    (np.array([1, 1, 4], "uint8"), {"minlength": 7}),
    (np.array([0, -2, 3]), {}),
    (np.array([], "int32"), {"minlength": 3}),
    (np.array([], "int32"), {}),
    (np.array([2, 0, 2]), {"weights": np.array([1.5, 2.0, 3.0], "float32")}),
    (np.array([2, 0, 2]), {"weights": np.array([1, 2, 3], "int8")}),
    (np.array([[3, 1], [0, 3]]), {}),
    (np.array([[3, 1], [0, 3]]), {"weights": np.array([[1, 2], [3, 4]], "float16")}),
]


@on_each_backend
@pytest.mark.parametrize(("x", "options"), BINS)
def test_bincount(x, options):
    ours = ops.bincount(x, **options)
    with use("jax"):
        theirs = keras.ops.bincount(x, **options)
    assert lists(ours) == np.asarray(theirs).tolist()
    assert ops.dtype(ours) == keras.backend.standardize_dtype(theirs.dtype)


@on_each_backend
def test_rows_of_bincount_need_not_have_the_same_largest_number():
    assert lists(ops.bincount(np.array([[0, 1], [2, 2]]))) == [[1, 1, 0], [0, 0, 2]]


def test_what_bincount_refuses():
    with pytest.raises(ValueError, match=r"drop sparse=True"):
        ops.bincount(np.array([1]), sparse=True)
    with pytest.raises(TypeError, match="counts integers, not float32"):
        ops.bincount(np.array([1.0], "float32"))


nan = float("nan")
SETS = [
    np.array([3, 1, 3, 2]),
    np.array([3, nan, 3, -1, nan], "float32"),
    np.array([True, False, True]),
    np.array([[3, 1], [3, 2], [3, 1]]),
    np.array([[nan, 1], [nan, 1], [0, 1], [0, 1]], "float32"),
    np.zeros((0,), "float32"),
    np.array(5),
]
WHOLE = {"return_index": True, "return_inverse": True, "return_counts": True}


@on_each_backend
@pytest.mark.parametrize("size", [None, 0, 2, 5])
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("x", SETS)
def test_unique(x, axis, size):
    if axis is not None and axis % 2 >= x.ndim:
        return
    fill = None if x.size or not size else 7
    ours = ops.unique(x, **WHOLE, axis=axis, size=size, fill_value=fill)
    with use("jax"):
        theirs = keras.ops.unique(x, **WHOLE, axis=axis, size=size, fill_value=fill)
    for one, other in zip(ours, theirs, strict=True):
        if other.shape == one.shape:  # of nothing, JAX tells fewer positions
            np.testing.assert_array_equal(np.asarray(ops.convert_to_numpy(one)), other)
        else:
            assert not x.size
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.unique(x, axis=axis)), _values(x, axis))


def _values(x, axis):
    with use("jax"):
        return np.asarray(keras.ops.unique(x, axis=axis))


@on_each_backend
def test_unique_fills_up():
    x = np.array([[3, 1], [3, 2], [3, 1]])
    assert lists(ops.unique(x, axis=0, size=3, fill_value=9)) == [[3, 1], [3, 2], [9, 9]]
    values, counts = ops.unique(x, return_counts=True, size=4, fill_value=-1)
    assert lists((values, counts)) == ([1, 2, 3, -1], [2, 1, 3, 0])
    if current().name != "numpy":
        jitted = current().jit(lambda x: ops.unique(x, size=2, return_inverse=True))
        assert lists(jitted(ops.convert_to_tensor([5, 1, 5]))) == ([1, 5], [1, 0, 1])


@on_each_backend
def test_unique_of_rows_of_nothing():
    rows, counts = ops.unique(np.zeros((3, 0), "float32"), axis=0, return_counts=True)
    assert rows.shape == (1, 0)
    assert lists(counts) == [3]
    if current().name != "jax":
        with pytest.raises(ShapeError, match="give fill_value"):
            ops.unique(np.zeros((0,), "float32"), size=2)


def test_shapes_known_from_the_data_only():
    x = KerasTensor((4, None), "int8")
    assert ops.bincount(KerasTensor((5,), "int32")).shape == (None,)
    assert ops.bincount(KerasTensor((3, 5), "int32"), KerasTensor((3, 5))).shape == (3, None)
    values, index, inverse, counts = ops.unique(x, **WHOLE)
    assert (values.shape, inverse.shape, counts.shape) == ((None,), (4, None), (None,))
    assert (values.dtype, index.dtype, inverse.dtype) == ("int8", "int32", "int32")
    values, inverse = ops.unique(x, return_inverse=True, axis=0, size=2)
    assert (values.shape, inverse.shape) == ((2, None), (4,))


HISTOGRAMS = [
    (np.array([1, 2, 2, 5], "float32"), {}),
    (np.array([1, 2, 2, 5], "float16"), {"bins": 3, "range": (0, 4)}),
    (np.array([1, 2, 2, 5]), {"bins": 2}),
    (np.array([True, True]), {"bins": 2}),
    (np.array([2, 2, 7], "uint8"), {"bins": 2, "range": (2, 2)}),
    (np.array([1, nan, 3, -9], "float32"), {"bins": 2, "range": (0, 4)}),
]


@on_each_backend
@pytest.mark.parametrize(("x", "options"), HISTOGRAMS)
def test_histogram(x, options):
    counts, limits = ops.histogram(x, **options)
    with use("jax"):
        expected = keras.ops.histogram(x, **options)
    assert ops.dtype(counts) == keras.backend.standardize_dtype(expected[0].dtype)
    assert lists(counts) == np.asarray(expected[0]).tolist()
    np.testing.assert_allclose(ops.convert_to_numpy(limits), expected[1], 1e-6)


@on_each_backend
@pytest.mark.parametrize("x", [np.arange(-35, 40), np.arange(11) / 10])
def test_elements_on_a_limit_are_counted_where_numpy_counts_them(x):
    x = x.astype("float32")
    counts, limits = ops.histogram(x)
    expected = np.histogram(x)
    assert lists(counts) == expected[0].tolist()
    assert lists(limits) == expected[1].tolist()


@on_each_backend
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.histogram(np.ones(3), range=(4, 0)), "goes up"),
        (lambda: ops.histogram(np.ones((2, 3))), "vector"),
        (lambda: ops.correlate(np.ones(0), np.ones(2)), "empty"),
        (lambda: ops.correlate(np.ones(3), np.ones(2), "half"), "'full', 'same' or 'valid'"),
        (lambda: ops.correlate(np.ones((2, 3)), np.ones(2)), "vector"),
        (lambda: ops.vander(np.ones(2), -1), "not -1"),
        (lambda: ops.vander(np.ones((1, 2))), "vector"),
        (lambda: ops.corrcoef(np.ones((1, 2, 3))), "vector or a matrix"),
        (lambda: ops.view_as_complex(np.ones((2, 3))), "two parts"),
        (lambda: ops.hsplit(np.ones(4), 3), "no 3 equal parts"),
        (lambda: ops.dsplit(np.ones((2, 2)), 2), "axis 2 is out of range"),
        (lambda: ops.quantile(np.ones(3), 0.5, method="odd"), "method"),
        (lambda: ops.view(np.ones((1, 3), "float16"), "float32"), "whole number"),
        (lambda: ops.view(np.float32(1), "int8"), "whole number"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
@on_each_backend
def test_windows_of_few_places(name):
    window = getattr(ops, name)
    assert lists(window(1)) == pytest.approx([1])
    assert lists(window(0)) == []
    reference = getattr(np, name)(6)
    np.testing.assert_allclose(ops.convert_to_numpy(window(np.int64(6))), reference, atol=1e-6)


HOLES = np.array([[nan, nan, nan], [4, nan, 1], [-np.inf, 2, np.inf]], "float32")
SKIPPING = ["sum", "prod", "max", "min", "mean", "median", "argmax", "argmin", "cumsum", "cumprod"]


@on_each_backend
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": -1}])
@pytest.mark.parametrize("name", [*SKIPPING, "var", "std"])
def test_slices_of_nothing_but_nan(name, options):
    ours = getattr(ops, f"nan{name}")(HOLES, **options)
    with use("jax"):
        theirs = getattr(keras.ops, f"nan{name}")(HOLES, **options)
    np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs, 1e-6)


@on_each_backend
@pytest.mark.parametrize("name", ["nanquantile", "quantile"])
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(name, method):
    x = np.array([[nan, 5, 1, 2], [nan] * 4, [3, 7, 0, 1], [1, 4, 2, 3]], "float32")
    q = [-0.5, 0.0, 0.1, 0.25, 0.5, 1.0, 1.5]
    ours = getattr(ops, name)(x, q, axis=1, method=method, keepdims=True)
    with use("jax"):
        theirs = getattr(keras.ops, name)(x, q, axis=1, method=method, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs, 1e-6)
    # Keras gives NaN for the largest of these on JAX.
    if current().name != "jax":
        assert lists(getattr(ops, name)([3, np.inf, 0], [0.5, 1], method=method)) == [3, np.inf]


@on_each_backend
def test_gradients_pass_over_nan():
    if current().name == "numpy":
        return
    for name in ("nansum", "nanprod", "nanmean", "nanmax", "nanvar", "nanstd", "nanmedian"):
        function = getattr(ops, name)
        x = ops.convert_to_tensor(np.array([nan, 1, nan, 3, 4], "float32"))
        gradient = current().value_and_grad(function, None, 0, False)(x)[1]
        gradient = ops.convert_to_numpy(gradient)
        assert np.isfinite(gradient).all(), name
        assert gradient[0] == gradient[2] == 0, name


COMPLEX = np.array([1 + 2j, -3 - 4j, 2], "complex64")


@on_each_backend
@pytest.mark.parametrize(
    "name",
    [
        *("real", "imag", "conj", "conjugate", "isreal", "angle", "view_as_real", "absolute"),
        *("std", "sum", "mean", "square", "exp", "sqrt", "negative"),
    ],
)
def test_complex_numbers(name):
    ours = getattr(ops, name)(COMPLEX)
    with use("jax"):
        theirs = getattr(keras.ops, name)(COMPLEX)
    assert ops.dtype(ours) == keras.backend.standardize_dtype(theirs.dtype)
    assert getattr(ops, name)(KerasTensor((3,), "complex64")).dtype == ops.dtype(ours)
    np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs, 1e-5)


@on_each_backend
def test_complex_numbers_from_their_parts():
    pairs = ops.view_as_real(COMPLEX)
    assert lists(ops.view_as_complex(pairs)) == COMPLEX.tolist()
    again = ops.polar(ops.absolute(COMPLEX), ops.angle(COMPLEX))
    np.testing.assert_allclose(ops.convert_to_numpy(again), COMPLEX, 1e-5, 1e-5)
    assert ops.dtype(ops.multiply(np.ones(2, "float16"), 2j)) == "complex64"
    assert ops.dtype([1j, 2]) == "complex64"
    assert lists(ops.angle([-1.0, 0.0, nan]))[:2] == pytest.approx([np.pi, 0])


VIEWS = [
    ("float32", "int32"),
    ("float32", "int8"),
    ("float32", "float16"),
    ("float32", "bfloat16"),
    ("int8", "float32"),
    ("uint8", "int16"),
    ("bfloat16", "int16"),
    ("bool", "int8"),
]


@on_each_backend
@pytest.mark.parametrize(("old", "new"), VIEWS)
def test_view(old, new):
    x = ops.cast(np.arange(8).reshape(2, 4), old)
    ours = ops.view(x, new)
    with use("jax"):
        theirs = keras.ops.view(ops.cast(np.arange(8).reshape(2, 4), old), new)
    assert ops.dtype(ours) == new
    np.testing.assert_array_equal(ops.convert_to_numpy(ours), np.asarray(theirs))
    symbolic = ops.view(KerasTensor((None, 4), old), new)
    assert (symbolic.shape[1], symbolic.dtype) == (ours.shape[1], new)
    assert lists(ops.view(ours, old)) == lists(x)
    assert ops.view(x) is x


@on_each_backend
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("lengths", [(5, 3), (5, 2), (2, 5), (3, 4), (2, 4), (1, 1)])
def test_correlate(lengths, mode):
    x, y = (np.arange(1, n + 1, dtype="float32") ** 2 for n in lengths)
    found = ops.correlate(x, y, mode)
    np.testing.assert_allclose(ops.convert_to_numpy(found), np.correlate(x, y, mode), 1e-5)
    assert ops.correlate(KerasTensor(x.shape), KerasTensor(y.shape), mode).shape == found.shape


@on_each_backend
def test_corrcoef_is_numpys():
    x = np.random.default_rng(0).normal(size=(3, 6)).astype("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(ops.corrcoef(x)), np.corrcoef(x), 1e-4, 1e-5)
    assert np.isnan(ops.convert_to_numpy(ops.corrcoef(np.ones((2, 3), "float32")))).all()
    assert lists(ops.corrcoef([1.0, 2.0, 4.0])) == pytest.approx(1)


@on_each_backend
def test_geomspace_hits_its_limits():
    assert lists(ops.geomspace(-2, -1000, 4))[::3] == [-2, -1000]
    assert lists(ops.geomspace(1, 1000, 4, dtype="int32")) == [1, 10, 100, 1000]
    assert lists(ops.geomspace(2, 1000, 1)) == [2]
    assert lists(ops.geomspace(2, 1000, 0)) == []
