"""Images made larger and smaller, against Keras."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina import ops
from lamina.backend import use
from lamina.symbolic import KerasTensor
from tests.ops.image_agreement import agrees, agrees_with_keras, drawn

pytestmark = pytest.mark.every_backend
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
METHODS = ("linear", "trilinear", "cubic", "tricubic", "bilinear", *INTERPOLATIONS[2:])
SIZES = ((3, 4), (9, 5), (5, 14), (1, 1))
few = settings(max_examples=3, deadline=None)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", SIZES)
def test_sizes_and_weights(interpolation, size):
    for antialias in (False, True):
        options = {"interpolation": interpolation, "antialias": antialias}
        agrees_with_keras("resize", drawn(2, 5, 7, 3), size, **options)
        options["data_format"] = "channels_first"
        agrees_with_keras("resize", drawn(3, 5, 7), size, **options)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos3"])
def test_types(dtype, interpolation):
    x = drawn(2, 4, 6, 1, dtype=dtype, high=250 if "int" in dtype else 1)
    tolerance = 2e-2 if "float" in dtype else 1e-7
    options = {"interpolation": interpolation, "tolerance": tolerance}
    agrees_with_keras("resize", x, (7, 11), **options)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_booleans(interpolation):
    x = drawn(4, 6, 1, dtype="bool")
    agrees_with_keras("resize", x, (6, 9), interpolation)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 7), (3, 10)])
def test_aspect_ratio(shape):
    for size, way in itertools.product(((3, 3), (4, 9), (9, 4)), ("crop", "pad")):
        fill = {"fill_value": 2.0} if way == "pad" else {}
        options = {f"{way}_to_aspect_ratio": True} | fill
        agrees_with_keras("resize", drawn(1, *shape, 2), size, **options)


def test_sizes_may_be_of_numpy():
    agrees_with_keras("resize", drawn(5, 7, 3), np.array([4, 3]))


def test_unknown_dimensions_of_the_input():
    assert ops.image.resize(KerasTensor((None, None, None, 3)), (4, 5)).shape == (None, 4, 5, 3)


def test_gradient_under_jit():
    x = drawn(1, 4, 4, 1)
    gradient = lamina.jit(lamina.grad(lambda x: ops.sum(ops.image.resize(x, (8, 8)))))(x)
    # What is resized to the double is each place four times, but for the weights at the border.
    assert float(ops.sum(gradient)) == pytest.approx(64, rel=1e-5)
    np.testing.assert_allclose(gradient, np.full(x.shape, 4.0), atol=0.8)


@few
@given(
    st.sampled_from(METHODS),
    st.booleans(),
    st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)),
    st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
)
def test_scale_and_translate(method, antialias, scale, translation):
    args = [np.array(one, "float32") for one in (scale, translation)]
    x = drawn(5, 7, 2)
    agrees_with_keras(
        "scale_and_translate", x, (6, 8, 2), *args, (0, -2), method, antialias, tolerance=1e-4
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16"])
def test_types_of_scale_and_translate(dtype):
    x = drawn(5, 7, dtype=dtype, high=200 if "int" in dtype else 1)
    one = np.array([0.7], "float32")
    agrees_with_keras("scale_and_translate", x, (5, 7), one, one, (1,), "linear", tolerance=2e-2)


def test_scale_and_translate_of_many_dimensions():
    x, one = drawn(2, 3, 4, 5, 3), np.array([2.0], "float32")
    agrees_with_keras("scale_and_translate", x, (2, 3, 6, 5, 3), one, one, (2,), "cubic")


def test_what_scales_without_moving_is_resize():
    x = drawn(5, 7, 3, dtype="float64")
    scale, zero = np.array([2 / 5, 9 / 7]), np.zeros(2)
    for name in INTERPOLATIONS[1:]:
        for antialias in (False, True):
            with use("numpy"):
                ours = ops.image.scale_and_translate(
                    x, (2, 9, 3), scale, zero, (0, 1), name, antialias
                )
                np.testing.assert_allclose(ours, ops.image.resize(x, (2, 9), name, antialias))


def test_triangle_is_linear():
    # The documents of Keras name it, and Keras refuses it.
    x, one = drawn(5, 7), np.array([0.7], "float32")
    linear = np.asarray(keras.ops.image.scale_and_translate(x, (5, 7), one, one, (1,), "linear"))
    agrees("scale_and_translate", linear, x, (5, 7), one, one, (1,), "triangle")


BOTH = {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}
X = np.zeros((1, 4, 4, 1), "float32")
ONE = np.ones(1, "float32")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (2, 2), "interpolation": "cubic"}, "interpolation is one of"),
        ({"size": (2,)}, "two integers"),
        ({"size": (2, 0)}, "two integers above 0"),
        ({"size": (2, 2.0)}, "two integers above 0"),
        ({"size": (2, 2), "fill_mode": "edge"}, "fill_mode is 'constant'"),
        ({"size": (2, 2), **BOTH}, "choose one"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    for x in (X, KerasTensor(X.shape)):
        with pytest.raises(ValueError, match=message):
            ops.image.resize(x, **options)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (((1, 4, 9, 1), ONE, ONE, (2,), "nearest"), "method is one of"),
        (((4, 9, 1), ONE, ONE, (2,), "linear"), "output_shape .* is not for"),
        (((1, 4, 9, 1), ONE, ONE, (1, 2), "linear"), "a number for each of the spatial_dims"),
        (((1, 4, 9, 1), ONE, ONE, (1,), "linear"), "axis 2 is not among"),
        (((1, 4, 9, 1), ONE, ONE, (4,), "linear"), "axis 4 is out of range"),
    ],
)
def test_wrong_scales_are_refused(args, message):
    for x in (X, KerasTensor(X.shape)):
        with pytest.raises(ValueError, match=message):
            ops.image.scale_and_translate(x, *args)
