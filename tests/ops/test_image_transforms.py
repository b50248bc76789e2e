"""Ops on images in compiled functions, maps and models, on every backend; on real images."""

import pathlib

import numpy as np
import pytest
from PIL import Image

import lamina
from lamina import ops
from lamina.backend import use
from lamina.symbolic import KerasTensor
from tests.ops.image_agreement import BACKENDS, drawn
from tests.ops.test_image_geometry import CORNERS, MOVED, TURN

TWO, ONE = np.array([1.3, 0.8], "float32"), np.array([0.4, -0.2], "float32")
# By op: a function of one image (6, 7, 3), or of a batch of them.
CALLS = {
    "affine_transform": lambda x: ops.image.affine_transform(x, TURN, fill_mode="mirror"),
    "crop_images": lambda x: ops.image.crop_images(x, 1, 1, 1, 2),
    "extract_patches": lambda x: ops.image.extract_patches(x, (2, 3), 1, padding="same"),
    "gaussian_blur": lambda x: ops.image.gaussian_blur(x, (3, 5), (1.0, 2.0)),
    "hsv_to_rgb": lambda x: ops.image.hsv_to_rgb(x),
    "pad_images": lambda x: ops.image.pad_images(x, 1, 1, 1, 2),
    "perspective_transform": lambda x: ops.image.perspective_transform(x, CORNERS, MOVED),
    "resize": lambda x: ops.image.resize(x, (4, 9), "bicubic", antialias=True),
    "rgb_to_grayscale": lambda x: ops.image.rgb_to_grayscale(x),
    "rgb_to_hsv": lambda x: ops.image.rgb_to_hsv(x),
    "sobel_edges": lambda x: ops.image.sobel_edges(x),
    "ssim": lambda x: ops.image.ssim(x, 1 - x, filter_size=3),
}
# Ops that know no batches.
SINGLES = {
    "extract_patches_3d": lambda x: ops.image.extract_patches_3d(x[..., None], 2),
    "map_coordinates": lambda x: ops.image.map_coordinates(x, drawn(3, 8, high=4), 1, "wrap"),
    "scale_and_translate": lambda x: ops.image.scale_and_translate(
        x, (8, 5, 3), TWO, ONE, (0, 1), "linear"
    ),
}
ALL = {**CALLS, **SINGLES}
pytestmark = pytest.mark.every_backend
on_each = pytest.mark.parametrize("backend", BACKENDS)
IMAGES = drawn(3, 6, 7, 3)


def exact(function, x):
    """What NumPy gives in double precision."""
    with use("numpy"):
        return function(x.astype("float64"))


@on_each
@pytest.mark.parametrize("name", ALL)
def test_under_jit_and_vmap(name, backend):
    function = ALL[name]
    expected = np.stack([exact(function, x) for x in IMAGES])
    with use(backend):
        mapped = lamina.jit(lamina.vmap(function))(ops.convert_to_tensor(IMAGES))
        np.testing.assert_allclose(ops.convert_to_numpy(mapped), expected, rtol=1e-4, atol=1e-4)
        if name in CALLS:
            batch = ops.convert_to_numpy(lamina.jit(function)(ops.convert_to_tensor(IMAGES)))
            np.testing.assert_allclose(batch, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CALLS)
def test_unknown_sizes(name):
    known = ALL[name](KerasTensor((3, 6, 7, 3)))
    assert ALL[name](KerasTensor((None, 6, 7, 3))).shape == (None, *known.shape[1:])
    unknown = ALL[name](KerasTensor((None, None, None, 3)))
    assert len(unknown.shape) == len(known.shape)
    assert all(a in (None, b) for a, b in zip(unknown.shape, known.shape, strict=True))


@on_each
def test_in_a_model(backend):
    with use(backend):
        inputs = lamina.Input((None, None, 3))
        outputs = inputs
        for name in ("gaussian_blur", "affine_transform", "rgb_to_hsv", "resize"):
            outputs = CALLS[name](outputs)
        model = lamina.Model(inputs, outputs)
        assert model.output_shape == (None, 4, 9, 3)
        found = ops.convert_to_numpy(model(IMAGES))
    expected = IMAGES
    for name in ("gaussian_blur", "affine_transform", "rgb_to_hsv", "resize"):
        expected = exact(CALLS[name], expected)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "numpy"])
@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
def test_gradients_of_coordinates_and_transforms(backend, mode):
    x, image = drawn(4, 5, dtype="float64"), drawn(4, 5, 2, dtype="float64")
    places, turn = drawn(2, 6, dtype="float64", low=-1.4, high=5.3, seed=4), TURN + np.float64(0.01)

    def of_places(places):
        return ops.sum(ops.square(ops.image.map_coordinates(x, places, 1, mode, 0.3)))

    def of_turn(turn):
        found = ops.image.affine_transform(image, turn, fill_mode=mode, fill_value=0.3)
        return ops.sum(ops.square(found))

    for function, at in ((of_places, places), (of_turn, turn)):
        with use("numpy"):
            steps = np.eye(at.size).reshape(-1, *at.shape) * 1e-6
            slopes = [float(function(at + s) - function(at - s)) / 2e-6 for s in steps]
        with use(backend):
            gradient = lamina.grad(function)(ops.convert_to_tensor(at, "float32"))
            found = ops.convert_to_numpy(gradient).ravel()
        np.testing.assert_allclose(found, slopes, rtol=5e-3, atol=5e-3)


def cifar10():
    path = pathlib.Path(__file__).parents[1] / "data" / "cifar10" / "test_0.png"
    return np.asarray(Image.open(path)).reshape(-1, 32, 32, 3)[:8]


@on_each
def test_real_images(backend):
    images = cifar10()
    with use(backend):
        same = [
            ops.image.resize(images, (32, 32)),
            ops.image.affine_transform(images, np.array([1, 0, 0, 0, 1, 0, 0, 0], "float32")),
            ops.image.crop_images(ops.image.pad_images(images, 2, 3, 4, 5), 2, 3, 4, 5),
        ]
        for one in same:
            assert (ops.convert_to_numpy(one) == images).all()
        wide = images.astype("float32") / 255
        back = ops.image.hsv_to_rgb(ops.image.rgb_to_hsv(wide))
        np.testing.assert_allclose(ops.convert_to_numpy(back), wide, atol=1e-5)
        blurred = ops.image.gaussian_blur(wide, (5, 5), (1.5, 1.5))
        smaller = ops.image.resize(ops.image.resize(wide, (64, 64), "bicubic"), (32, 32))
        alike, less = (ops.convert_to_numpy(ops.image.ssim(wide, x)) for x in (smaller, blurred))
    assert (alike > 0.97).all()
    assert (less < alike - 0.05).all()
