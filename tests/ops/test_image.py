"""Resizing of images, against Keras."""

import itertools

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.symbolic import KerasTensor

keras = pytest.importorskip("keras")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
SIZES = ((3, 4), (9, 5), (5, 14))


def image(*shape, dtype="float32"):
    return np.random.default_rng(0).uniform(0, 250, shape).astype(dtype)


def check(x, size, tolerance=1e-5, **settings):
    expected = np.asarray(keras.ops.image.resize(x, size, **settings))
    symbolic = ops.image.resize(KerasTensor(x.shape, x.dtype), size, **settings)
    assert (symbolic.shape, symbolic.dtype) == (expected.shape, expected.dtype.name)
    for backend in (current().name, "numpy"):
        with use(backend):
            found = ops.convert_to_numpy(ops.image.resize(x, size, **settings))
        assert found.dtype == expected.dtype
        wide = expected.astype("float32")
        np.testing.assert_allclose(found.astype("float32"), wide, atol=250 * tolerance)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", SIZES)
def test_sizes_and_weights(interpolation, size):
    for antialias in (False, True):
        settings = {"interpolation": interpolation, "antialias": antialias}
        check(image(2, 5, 7, 3), size, **settings)
        check(image(3, 5, 7), size, data_format="channels_first", **settings)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "float16", "bfloat16"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos3"])
def test_types(dtype, interpolation):
    x = image(2, 4, 6, 1) > 120 if dtype == "bool" else image(2, 4, 6, 1)
    check(keras.ops.cast(x, dtype), (6, 9), 1e-2, interpolation=interpolation)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 7), (3, 10)])
def test_aspect_ratio(shape):
    for size, way in itertools.product(((3, 3), (4, 9), (9, 4)), ("crop", "pad")):
        fill = {"fill_value": 2.0} if way == "pad" else {}
        check(image(1, *shape, 2), size, **{f"{way}_to_aspect_ratio": True}, **fill)


def test_unknown_dimensions_of_the_input():
    assert ops.image.resize(KerasTensor((None, None, None, 3)), (4, 5)).shape == (None, 4, 5, 3)


def test_gradient_under_jit():
    x = image(1, 4, 4, 1)
    gradient = lamina.jit(lamina.grad(lambda x: ops.sum(ops.image.resize(x, (8, 8)))))(x)
    np.testing.assert_allclose(gradient, np.full(x.shape, 4.0), atol=0.8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (2, 2), "interpolation": "cubic"}, "interpolation is one of"),
        ({"size": (2,)}, "two integers"),
        ({"size": (2, 2), "fill_mode": "edge"}, "fill_mode is 'constant'"),
        (
            {"size": (2, 2), "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
            "choose one",
        ),
    ],
)
def test_wrong_arguments_are_refused(settings, message):
    for x in (image(1, 4, 4, 1), KerasTensor((1, 4, 4, 1))):
        with pytest.raises(ValueError, match=message):
            ops.image.resize(x, **settings)
