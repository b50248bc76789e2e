"""Images cut into windows, cropped and padded, against Keras."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import ops
from lamina.symbolic import KerasTensor
from tests.ops.image_agreement import agrees_with_keras, drawn

pytestmark = pytest.mark.every_backend
few = settings(max_examples=4, deadline=None)


@few
@given(st.data())
def test_windows(data):
    rank = data.draw(st.sampled_from([2, 2, 3]))
    size = tuple(data.draw(st.integers(1, 3)) for _ in range(rank))
    strides = data.draw(st.sampled_from([None, 1, 2, (3, 1, 2)[:rank]]))
    rate = data.draw(st.sampled_from([1, 1, 2]))
    padding = data.draw(st.sampled_from(["valid", "same", "SAME"]))
    first, batch = data.draw(st.booleans()), data.draw(st.booleans())
    space = (5, 7, 6)[:rank]
    shape = (*((2,) if batch else ()), *((2, *space) if first else (*space, 2)))
    data_format = "channels_first" if first else "channels_last"
    args = (drawn(*shape), size, strides, rate, padding, data_format)
    agrees_with_keras("extract_patches", *args)
    if rank == 3:
        agrees_with_keras("extract_patches_3d", *args)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16"])
def test_types_of_windows(dtype):
    x = drawn(2, 5, 7, 3, dtype=dtype, high=200 if "int" in dtype else 1)
    agrees_with_keras("extract_patches", x, 2)
    agrees_with_keras("extract_patches", x, (2, 3), 1, 1, "same")


def test_windows_of_volumes_of_one_size():
    agrees_with_keras("extract_patches_3d", drawn(4, 5, 6, 2), 2)


def test_windows_of_unknown_sizes():
    patches = ops.image.extract_patches
    assert patches(KerasTensor((None, None, None, 3)), 2).shape == (None, None, None, 12)
    assert patches(KerasTensor((None, 8, 8, 3)), 2, 1).shape == (None, 7, 7, 12)
    assert patches(KerasTensor((None, None, 8, 3)), 2, 1, padding="same").shape[2:] == (8, 12)


CROPS = [
    *((1, 0, 2, 3, None, None), (None, None, 1, 2, 3, 4), (1, 2, None, None, 3, 4)),
    *((0, None, 0, 2, None, 4), (None, 1, 1, None, 2, 5), (1, 1, 4, 6, None, None)),
]
PADS = [
    *((1, 0, 2, 3, None, None), (None, None, 1, 2, 9, 10), (1, 2, None, None, 9, 10)),
    *((0, None, 0, 2, None, 10), (None, 1, 1, None, 8, 8), (0, 0, 0, 0, None, None)),
]
BORDERS = [("crop_images", one) for one in CROPS] + [("pad_images", one) for one in PADS]


@pytest.mark.parametrize(("name", "borders"), BORDERS)
def test_borders(name, borders):
    if name == "crop_images" and borders == (1, 1, 4, 6, None, None):
        borders = (1, 1, 3, 5, None, None)  # one place is left
    for shape, data_format in (((5, 7, 3), "channels_last"), ((2, 3, 5, 7), "channels_first")):
        agrees_with_keras(name, drawn(*shape), *borders, data_format=data_format)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["crop_images", "pad_images"])
def test_types_of_borders(name, dtype):
    x = drawn(5, 7, 3, dtype=dtype, high=200 if "int" in dtype else 1)
    agrees_with_keras(name, x, 1, 1, 2, 3)


def test_a_target_is_known_where_the_size_is_not():
    x = KerasTensor((None, None, None, 3))
    for target in (4, 3000):  # smaller and larger than what stands for unknown sizes
        for function in (ops.image.crop_images, ops.image.pad_images):
            assert function(x, 1, None, None, 1, target, 5).shape == (None, target, 5, 3)


@pytest.mark.parametrize("name", ["crop_images", "pad_images"])
def test_of_three_numbers_two_are_given(name):
    for given_ones in itertools.product((None, 1), (None, 1), (None, 3 if name[0] == "c" else 7)):
        args = (given_ones[0], 0, given_ones[1], 0, given_ones[2])
        if given_ones.count(None) == 1:
            agrees_with_keras(name, drawn(5, 7, 3), *args)
            continue
        for function in (getattr(ops.image, name), getattr(keras.ops.image, name)):
            with pytest.raises(ValueError, match=r"two"):
                function(drawn(5, 7, 3), *args)


X = np.zeros((2, 5, 7, 3), "float32")


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("crop_images", (-1, 0, 0, 0), "none may be negative"),
        ("crop_images", (3, 0, 3, 0), "do not fit images of 5 places"),
        ("crop_images", (0, 0, None, 0, 6), "do not fit images of 5 places"),
        ("pad_images", (-1, 0, 0, 0), "none may be negative"),
        ("pad_images", (1, 0, None, 0, 5), "do not fit images of 5 places"),
        ("extract_patches", ((2, 2, 2, 2),), "size is one number, two"),
        ("extract_patches", ((2,),), "size is one number, two"),
        ("extract_patches", (9,), "does not fit into 5"),
        ("extract_patches", (2, 0), "must be above 0"),
        ("extract_patches", (2, 1, 1, "causal"), "padding is 'valid' or 'same'"),
        ("extract_patches", (2, (1, 1, 1)), "strides must be one integer or 2"),
        ("extract_patches", ((2, 2, 2), 1, 1, "valid"), "a batch; the shape|does not fit"),
    ],
)
def test_wrong_arguments_are_refused(name, args, message):
    for x in (X, KerasTensor(X.shape)):
        with pytest.raises(ValueError, match=message):
            getattr(ops.image, name)(x[0] if len(args) == 4 and args[0] == (2, 2, 2) else x, *args)
