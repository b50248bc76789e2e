"""Images blurred, their edges, colours and likeness."""

import colorsys

import keras
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import ops
from lamina.backend import use
from lamina.symbolic import KerasTensor
from tests.ops.image_agreement import agrees, agrees_with_keras, drawn

pytestmark = pytest.mark.every_backend
few = settings(max_examples=3, deadline=None)
seeds = st.integers(0, 10**6)
FORMATS = [
    ((2, 6, 7, 3), "channels_last"),
    ((6, 7, 3), "channels_last"),
    ((2, 3, 6, 7), "channels_first"),
    ((3, 6, 7), "channels_first"),
]
formats = pytest.mark.parametrize(("shape", "data_format"), FORMATS)
widths = st.tuples(st.integers(1, 5), st.integers(1, 5))
sigmas = st.tuples(st.floats(0.4, 3), st.floats(0.4, 3))


@few
@given(st.sampled_from(FORMATS), widths, sigmas, seeds)
def test_gaussian_blur(layout, kernel_size, sigma, seed):
    shape, data_format = layout
    x = drawn(*shape, seed=seed)
    # Keras on JAX takes the columns before the rows.
    theirs = keras.ops.image.gaussian_blur(x, kernel_size[::-1], sigma[::-1], data_format)
    agrees("gaussian_blur", np.asarray(theirs), x, kernel_size, sigma, data_format)


def test_gaussian_blur_is_scipys():
    x = drawn(1, 20, 21, 1, dtype="float64")
    sigma, radius = (1.5, 0.8), 4
    options = {"mode": "constant", "radius": radius}
    expected = scipy.ndimage.gaussian_filter(x[0, :, :, 0], sigma, **options)
    with use("numpy"):
        found = ops.image.gaussian_blur(x, (2 * radius + 1,) * 2, sigma)
    np.testing.assert_allclose(found[0, :, :, 0], expected, rtol=0, atol=1e-12)


def test_gaussian_blur_of_bytes_gives_floats():
    x = drawn(6, 7, 3, dtype="uint8", high=255)
    with use("numpy"):
        expected = ops.image.gaussian_blur(x.astype("float32"))
    agrees("gaussian_blur", expected, x)


@formats
def test_sobel_edges(shape, data_format):
    x = drawn(*shape)
    batch = x if len(shape) == 4 else x[None]  # Keras takes batches only
    expected = np.asarray(keras.ops.image.sobel_edges(batch, data_format)).reshape(*shape, 2)
    agrees("sobel_edges", expected, x, data_format)


def test_sobel_edges_are_scipys():
    x = drawn(1, 6, 7, 1, dtype="float64")
    with use("numpy"):
        found = ops.image.sobel_edges(x)[0, :, :, 0]
    for i in (0, 1):
        expected = scipy.ndimage.sobel(x[0, :, :, 0], i, mode="constant")
        np.testing.assert_allclose(found[..., i], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["int32", "float16", "bfloat16"])
def test_types_of_sobel_edges(dtype):
    x = drawn(1, 6, 7, 3, dtype=dtype, high=100 if dtype == "int32" else 1)
    agrees_with_keras("sobel_edges", x, tolerance=4e-2)


def test_sobel_edges_of_bytes_give_floats():
    x = drawn(1, 6, 7, 3, dtype="uint8", high=255)
    with use("numpy"):
        expected = ops.image.sobel_edges(x.astype("float32"))
    agrees("sobel_edges", expected, x)


@few
@given(st.sampled_from(FORMATS), st.integers(1, 6), st.floats(0.5, 3), seeds)
def test_ssim(layout, size, sigma, seed):
    shape, data_format = layout
    x, y = drawn(*shape, seed=seed), drawn(*shape, seed=seed + 1)
    args = (y, 1.5, size, sigma, 0.02, 0.05, data_format)
    agrees_with_keras("ssim", x, *args, tolerance=1e-4)


def test_ssim_of_equal_images_and_of_bytes():
    x = drawn(2, 12, 13, 3, dtype="uint8", high=255)
    y = drawn(2, 12, 13, 3, dtype="uint8", high=255, seed=1)
    agrees("ssim", np.ones(2, "float32"), x, x, 255.0)
    with use("numpy"):
        expected = ops.image.ssim(x.astype("float32"), y.astype("float32"), 255.0)
    agrees("ssim", expected, x, y, 255.0)


@pytest.mark.parametrize("name", ["rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb"])
@formats
def test_colors(name, shape, data_format):
    agrees_with_keras(name, drawn(*shape), data_format)
    # Equal channels, zeros and ones, where the hue jumps.
    agrees_with_keras(name, np.round(drawn(*shape, high=3)) / np.float32(3), data_format)


@pytest.mark.parametrize("name", ["rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_of_colors(name, dtype):
    agrees_with_keras(name, drawn(5, 7, 3, dtype="float32").astype(dtype), tolerance=2e-2)


def test_colors_are_those_of_python():
    x = drawn(5, 7, 3, dtype="float64")
    for name in ("rgb_to_hsv", "hsv_to_rgb"):
        function, of_one = getattr(ops.image, name), getattr(colorsys, name)
        expected = np.array([of_one(*place) for place in x.reshape(-1, 3)]).reshape(x.shape)
        with use("numpy"):
            np.testing.assert_allclose(function(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32"])
def test_grayscale_of_integers(dtype):
    agrees_with_keras("rgb_to_grayscale", drawn(5, 7, 3, dtype=dtype, high=200))


def test_gray_images_stay_as_they_are():
    agrees_with_keras("rgb_to_grayscale", drawn(5, 7, 1))


X = np.zeros((2, 5, 7, 3), "float32")


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("gaussian_blur", (3,), r"kernel_size is \(height, width\)"),
        ("gaussian_blur", ((3, 3), (1.0, 0.0)), r"sigma is \(height, width\)"),
        ("ssim", (X,), "smaller than the filter"),
        ("ssim", (X[:1],), "differ in shape"),
        ("rgb_to_hsv", ("channels_first",), "have three channels"),
        ("rgb_to_grayscale", ("channels_first",), "have three channels"),
    ],
)
def test_wrong_arguments_are_refused(name, args, message):
    for x in (X, KerasTensor(X.shape)):
        with pytest.raises(ValueError, match=message):
            getattr(ops.image, name)(x, *args)


@pytest.mark.parametrize("name", ["rgb_to_hsv", "hsv_to_rgb"])
def test_hues_of_integers_are_refused(name):
    for x in (X.astype("uint8"), KerasTensor(X.shape, "uint8")):
        with pytest.raises(ValueError, match=r"take floats .*not uint8: .* / 255"):
            getattr(ops.image, name)(x)
