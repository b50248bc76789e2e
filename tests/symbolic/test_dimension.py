"""Unknown dimensions: exact where they cancel, unknown where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina import KerasTensor, ops
from lamina.symbolic import dimension, infer


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 512))
def test_windows_over_an_unknown_length_stay_unknown(kernel, stride, factor):
    size = dimension.unknown()
    assert dimension.reveal([(size - kernel) // stride + 1]) == (None,)
    assert dimension.reveal([size * factor // size]) == (factor,)


def test_strides_that_hide_the_primes_of_the_first_design():
    assert 83 // 16 == 89 // 16
    assert ops.max_pool(KerasTensor((None, 1600, 1)), 16).shape == (None, 100, 1)
    assert ops.max_pool(KerasTensor((2, None, 1)), 16).shape == (2, None, 1)


@pytest.mark.parametrize(
    ("shape", "target", "expected"),
    [
        ((None, 4, 5), (-1, 20), (None, 20)),
        ((None, None, 6), (-1, 6), (None, 6)),
        ((None, 4), (2, -1), (2, None)),
        ((3, 4), (-1,), (12,)),
    ],
)
def test_reshape(shape, target, expected):
    assert ops.reshape(KerasTensor(shape), target).shape == expected


def test_a_shape_read_in_python_keeps_what_is_known():
    def flatten(x):
        batch = ops.shape(x)[0]
        return ops.reshape(x, (batch, -1))

    assert infer(flatten, KerasTensor((None, 3, 4))).shape == (None, 12)


def test_a_dimension_turned_into_a_plain_number_is_still_unknown():
    def leak(x):
        return ops.zeros((int(np.ceil(x.shape[0] / 2)), 3))

    assert infer(leak, KerasTensor((None, 3))).shape == (None, 3)


def test_unknown_beside_known_is_taken_to_be_known():
    assert ops.add(KerasTensor((None, 3)), KerasTensor((5, 3))).shape == (5, 3)
