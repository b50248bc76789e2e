"""Nothing, NaN, and what is out of range: the same answers on every backend, which are Keras's."""

import numpy as np
import pytest

from lamina import ops
from lamina.backend import use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from tests.ops.trials import on_each_backend

keras = pytest.importorskip("keras")
nan, inf = float("nan"), float("inf")
NONE = np.zeros((0,), "float32")
WIDTHLESS = np.zeros((2, 0), "float32")
ROWLESS = np.zeros((0, 3), "float32")


@pytest.fixture(params=["jax", "torch", "tensorflow", "numpy"])
def each_backend(request):
    pytest.importorskip(request.param)
    with use(request.param):
        yield


SUMS = ["sum", "prod", "mean", "var", "std", "any", "all", "logsumexp", "average"]
SUMS += ["nansum", "nanprod", "nanmean", "nanvar", "nanstd"]
CASES = [
    *[(name, (NONE,), {}) for name in SUMS],
    *[
        (name, (x,), {"axis": axis})
        for name in SUMS
        for x in (WIDTHLESS, ROWLESS)
        for axis in (0, 1)
    ],
    ("max", (WIDTHLESS,), {"axis": 1, "initial": 3.0}),
    ("max", (WIDTHLESS,), {"axis": 0}),
    *[(name, (NONE,), {}) for name in ("cumsum", "sort", "argsort", "unique", "diff", "erfinv")],
    ("take_along_axis", (WIDTHLESS, np.zeros((2, 0), "int32")), {"axis": 1}),
    ("meshgrid", (NONE, np.ones(2, "int32")), {}),
    ("arange", (5, 1), {}),
    ("arange", (0, 1, -1), {}),
    ("eye", (2, 0), {}),
    ("view", (NONE, "int8"), {}),
    ("where", (NONE > 0,), {}),
    ("logical_and", (NONE, 2), {}),
    ("segment_max", (NONE, np.zeros(0, "int32"), 2), {}),
    # NaN and infinity
    ("sort", (np.array([[nan, 1, inf, -nan, 0]], "float32"),), {}),
    ("argsort", (np.array([[nan, 1, inf, -0.0, 0]], "float32"),), {}),
    ("argsort", (np.array([nan, -1, 1, -inf], "float16"),), {"axis": None}),
    ("searchsorted", (np.array([-1, 2, 3], "float32"), np.array([nan, 0], "float32")), {}),
    ("average", (np.ones(2, "float32"),), {"weights": np.zeros(2, "float32")}),
    ("hypot", (np.array([3e38, 0, inf], "float32"), np.array([1e38, 0, 1], "float32")), {}),
    # Out of range
    ("slice", (np.arange(5), (-2,), (2,)), {}),
    ("slice_update", (np.arange(5), (-2,), np.array([8, 9])), {}),
    ("slice_update", (np.arange(5), (4,), np.array([7, 8, 9])), {}),
    ("unravel_index", (np.array([7, -1, 4]), (2, 3)), {}),
    ("in_top_k", (np.array([5, -1, 0]), np.ones((3, 3), "float32"), 1), {}),
    ("segment_sum", (np.ones(4, "float32"), np.array([0, 5, -1, 1]), 3), {}),
    ("round", (np.array([15, 25, -15]), -1), {}),
    ("clip", (np.array([True, False]), np.array([0], "int8"), np.array([1], "int8")), {}),
]


def arrays(output):
    parts = output if isinstance(output, (list, tuple)) else [output]
    return [np.asarray(ops.convert_to_numpy(one)) for one in parts]


@on_each_backend
@pytest.mark.filterwarnings("ignore:Mean of empty", "ignore:.*egrees of freedom")
@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_they_are_answered_as_keras_does(name, args, options):
    ours = arrays(getattr(ops, name)(*args, **options))
    with use("jax"):
        theirs = arrays(getattr(keras.ops, name)(*args, **options))
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, 1e-6)


@on_each_backend
@pytest.mark.parametrize(
    ("call", "message"),
    [
        *[(lambda n=n: getattr(ops, n)(NONE), "no element") for n in ("max", "min", "ptp")],
        (lambda: ops.nanmax(WIDTHLESS, axis=1), "no element"),
        (lambda: ops.top_k(np.ones(3), 5), "more than the 3 elements"),
        (lambda: ops.slice(np.ones(5), (1,), (9,)), "is larger than the tensor"),
        (lambda: ops.get_item(np.ones(3), 5), "out of range"),
        (lambda: ops.take(np.ones(3), 0, axis=1), "axis 1 is out of range"),
    ],
)
def test_what_cannot_be_answered_is_refused(call, message):
    with pytest.raises((ShapeError, IndexError), match=message):
        call()


def test_numbers_among_joined_tensors():
    joined = ops.hstack([KerasTensor((3,), "int8"), 2])
    assert (joined.shape, joined.dtype) == ((4,), "int8")
