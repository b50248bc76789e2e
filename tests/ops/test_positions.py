"""Positions at and beyond the limits: as Keras on JAX, and alike on every backend."""

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from tests.ops.test_control import NAMES, numbers

keras = pytest.importorskip("keras")
X = np.arange(12, dtype="float32").reshape(3, 4)
RANKED = np.array([[3, 1, 2, 3], [0, 5, 5, 1]], "float32")
IDS = np.array([0, 0, 1, 3], "int32")
NINES = np.full((1, 2), 9, "float32")


def ints(*values):
    return np.array(values, "int32")


CASES = {
    "block from the end": ("slice", X, (-1, 0), (1, 2)),
    "block that sticks out": ("slice", X, (2, 3), (2, 2)),
    "block at a tensor": ("slice", X, ints(-2, 1), (2, 2)),
    "block of the rest": ("slice", X, (1, 1), (-1, -1)),
    "update from the end": ("slice_update", X, (-1, 0), NINES),
    "update that sticks out": ("slice_update", X, (5, 3), NINES),
    "update at a tensor": ("slice_update", X, ints(-1, -2), NINES),
    "class out of range": ("in_top_k", ints(7, -1), RANKED, 2),
    "more than there are": ("in_top_k", ints(0, 1), RANKED, 9),
    "ranks of equals": ("top_k", RANKED, 3),
    "groups out of range": ("segment_sum", X[0], ints(9, 0, -1, 0), 4),
    "groups without any": ("segment_max", X[0], IDS, 5),
    "groups of booleans": ("segment_max", X[0] > 0, IDS, 5),
    "positions from the end": ("take_along_axis", X, ints([3], [1], [-1]), 1),
    "saturated above": ("saturate_cast", np.array([1e10, -1e10, 5.5], "float32"), "int32"),
    "saturated half": ("saturate_cast", np.array([70000.0], "float32"), "float16"),
    "split at both ends": ("rearrange", X, "a (b c) -> c (a b)"),
}


def values(output):
    found = output if isinstance(output, (list, tuple)) else [output]
    return [(ops.dtype(one), numbers(one)) for one in found]


@pytest.fixture(params=NAMES)
def backend(request):
    with use(request.param) as active:
        yield active


@pytest.mark.every_backend
@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_keras(backend, case):
    name, *args = CASES[case]
    kwargs = {"c": 2} if name == "rearrange" else {}
    found = getattr(keras.ops, name)(*args, **kwargs)
    found = found if isinstance(found, (list, tuple)) else [found]
    theirs = [
        (keras.backend.standardize_dtype(one.dtype), np.asarray(one).tolist()) for one in found
    ]
    assert values(getattr(ops, name)(*args, **kwargs)) == theirs


@pytest.mark.every_backend
@pytest.mark.parametrize("case", ["block at a tensor", "update at a tensor", "class out of range"])
def test_compiled_code_has_the_same_values(backend, case):
    name, *args = CASES[case]
    count = 2 if name != "slice" else 1

    def run(*tensors):
        return getattr(ops, name)(*tensors, *args[len(tensors) :])

    tensors = [ops.convert_to_tensor(one) for one in args[:count]]
    assert values(current().jit(run)(*tensors)) == values(run(*args))


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.get_item(ops.convert_to_tensor(X), 3),
        lambda: ops.get_item(ops.convert_to_tensor(X), (0, -5)),
        lambda: ops.get_item(ops.convert_to_tensor(X), (..., 4)),
        lambda: ops.top_k(RANKED, 5),
        lambda: ops.slice(X, (0, 0), (4, 4)),
        lambda: ops.slice(X, (0,), (1,)),
        lambda: ops.argpartition(RANKED, 4),
        lambda: ops.segment_sum(X, ints([0, 1], [1, 0], [0, 0]), 2),
        lambda: ops.scatter_update(X, ints([0]), X[:1], "median"),
    ],
)
def test_what_is_out_of_range_is_refused_alike(backend, call):
    with pytest.raises(ShapeError):
        call()


@pytest.mark.every_backend
@pytest.mark.parametrize(("axis", "kth"), [(-1, 2), (0, 1), (None, 3), (None, -2)])
def test_argpartition_divides(backend, axis, kth):
    places = ops.convert_to_numpy(ops.argpartition(RANKED, kth, axis))
    data = RANKED.reshape(-1) if axis is None else RANKED
    ranked = np.take_along_axis(data, places, 0 if axis is None else axis)
    ranked = np.moveaxis(ranked, 0 if axis is None else axis, 0)
    kth %= len(ranked)
    assert (ranked[:kth] <= ranked[kth]).all() and (ranked[kth:] >= ranked[kth]).all()
    assert ops.argpartition(KerasTensor((2, 4)), kth, axis).shape == places.shape


def test_the_number_of_groups_may_be_known_from_data_only():
    x, ids = KerasTensor((None, 2)), KerasTensor((None,), "int32")
    assert ops.segment_sum(x, ids).shape == (None, 2)
    assert ops.segment_sum(x, ids, num_segments=3).shape == (3, 2)
    with pytest.raises(ShapeError, match="are a vector"):
        ops.segment_sum(x, KerasTensor((None, 1), "int32"))
    with pytest.raises(ShapeError, match="not for a tensor"):
        ops.segment_sum(KerasTensor((4,)), KerasTensor((3,), "int32"), 2)


@pytest.mark.every_backend
def test_places_that_hold(backend):
    found = ops.where(X > 9)
    assert [numbers(one) for one in found] == [[2, 2], [2, 3]]


def test_elements_mapped_over():
    places = lamina.vmap(lambda row, i: ops.take(row, i))(
        ops.convert_to_tensor(X), ops.convert_to_tensor(ints(0, -1, 2))
    )
    assert numbers(places) == [0.0, 7.0, 10.0]
