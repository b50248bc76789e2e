"""The shortest way through an op's public function: taken where it changes nothing."""

import inspect

import numpy as np
import pytest

from lamina import ops
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from lamina.symbolic.tensor import inference


def test_tensors_of_known_types_take_it_and_others_do_not():
    direct = ops.hypot.row.direct
    direct.clear()
    x = ops.ones((2,))
    ops.hypot(np.ones(2, "float32"), x)
    ops.hypot(x, ops.ones((2,), "int32"))
    assert not direct
    ops.hypot(x, x)
    assert len(direct) == 1
    assert ops.is_tensor(ops.hypot(np.ones(2, "float32"), x))


def test_shapes_are_inferred_all_the_same():
    x = ops.ones((2,))
    ops.tanh(x), ops.tanh(x)
    with inference():
        assert isinstance(ops.tanh(x), KerasTensor)


def test_errors_are_the_same():
    x, y = ops.ones((2, 3)), ops.ones((4, 5))
    for _ in range(2):
        ops.matmul(x, ops.ones((3, 1)))
        with pytest.raises(ShapeError, match="3 and 4"):
            ops.matmul(x, y)


def test_a_number_outside_of_the_type_is_refused_every_time():
    x = ops.ones((2,), "int8")
    for number in (1, 1, 1000):
        if number == 1000:
            with pytest.raises(OverflowError):
                ops.add(x, number)
        else:
            assert ops.convert_to_numpy(ops.add(x, number)).tolist() == [2, 2]


def test_lists_are_taken_for_tuples():
    x = ops.ones((2, 3))
    for _ in range(2):
        assert float(ops.sum(x, axis=[0, 1])) == 6


def test_the_signature_is_the_one_of_the_definition():
    assert list(inspect.signature(ops.sum).parameters) == ["x", "axis", "keepdims"]
    with pytest.raises(TypeError, match="keepdim"):
        ops.sum(ops.ones((2,)), keepdim=True)
