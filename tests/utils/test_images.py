"""Images between arrays, Pillow and files, against Keras."""

import io
import pathlib
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import lamina

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-3, 5, (6, 9, 3))
MODES = ("rgb", "rgba", "grayscale")


def same(name, *args, **options):
    """Both give the same image, or the same array."""
    ours, theirs = (getattr(one.utils, name)(*args, **options) for one in (lamina, keras))
    if isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
    else:
        assert (ours.mode, ours.size) == (theirs.mode, theirs.size)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.fixture(params=["RGB", "RGBA", "L", "I;16"])
def path(request, tmp_path):
    path = tmp_path / "image.png"
    if request.param == "I;16":
        image = Image.fromarray(np.arange(54, dtype="uint16").reshape(6, 9) * 1000)
    else:
        image = Image.fromarray(RANDOM.integers(0, 255, (6, 9, 3)).astype("uint8"))
        image = image.convert(request.param)
    image.save(path)
    return path


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_to_images(channels):
    x = RANDOM.uniform(-3, 5, (6, 9, channels))
    same("array_to_img", x)
    same("array_to_img", np.moveaxis(x, -1, 0), "channels_first")
    same("array_to_img", (x + 3) * 30, scale=False)
    same("array_to_img", np.full_like(x, 7.0))
    same("array_to_img", (x * 20 + 100).astype("uint8"), scale=False, dtype="uint8")


def test_wide_grays():
    same("array_to_img", np.array([[[0.9], [1.5], [254.7], [300.2]]]), scale=False)


def test_colors_out_of_range_are_put_on_its_limits():
    image = lamina.utils.array_to_img([[[-5.0, 100.0, 300.0]]], scale=False)
    assert image.getpixel((0, 0)) == (0, 100, 255)


def test_images_to_arrays(path):
    with Image.open(path) as image:
        same("img_to_array", image)
        same("img_to_array", image, "channels_first", "uint16")


def test_tensors_are_arrays():
    tensor = lamina.ops.convert_to_tensor(X.astype("float32"))
    ours = lamina.utils.img_to_array(lamina.utils.array_to_img(tensor))
    theirs = keras.utils.img_to_array(keras.utils.array_to_img(X))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("mode", MODES)
def test_loading(path, mode):
    same("load_img", path, mode)
    same("load_img", str(path), mode, (4, 5))
    for size in ((4, 4), (3, 9), (9, 3), (6, 9)):
        same("load_img", path, mode, size, keep_aspect_ratio=True)
    assert lamina.utils.load_img(io.BytesIO(path.read_bytes()), mode).size == (9, 6)


@pytest.mark.parametrize("way", ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])
def test_interpolations(tmp_path, way):
    lamina.utils.save_img(tmp_path / "image.png", X)
    same("load_img", tmp_path / "image.png", target_size=(4, 5), interpolation=way)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("image.png", {}),
        ("image.jpg", {}),
        ("image.jpg", {"quality": 10}),
        ("image.dat", {"file_format": "jpg"}),
        ("image.dat", {"file_format": "PNG"}),
        ("image.png", {"scale": False}),
    ],
)
def test_saving(tmp_path, name, options):
    x = (X + 3) * 30
    for module in (lamina, keras):
        (tmp_path / module.__name__).mkdir()
        module.utils.save_img(tmp_path / module.__name__ / name, x, **options)
    found = [(tmp_path / module.__name__ / name).read_bytes() for module in (lamina, keras)]
    assert found[0] == found[1]


def test_jpeg_has_no_opacity(tmp_path):
    with pytest.warns(UserWarning, match="no opacity"):
        lamina.utils.save_img(tmp_path / "image.jpg", RANDOM.uniform(0, 1, (4, 5, 4)))
    with Image.open(tmp_path / "image.jpg") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda u: u.array_to_img(X[0]), ValueError, "three dimensions"),
        (lambda u: u.array_to_img(X[..., :2]), ValueError, "1, 3 or 4 channels"),
        (lambda u: u.img_to_array(X[None]), ValueError, "two or three dimensions"),
        (lambda u: u.load_img("x.png", "cmyk"), ValueError, "color_mode is one of"),
        (lambda u: u.load_img("x.png", interpolation="x"), ValueError, "interpolation is one of"),
        (lambda u: u.load_img(3), TypeError, "a path or a BytesIO"),
        (lambda u: u.load_img(pathlib.Path("none.png")), FileNotFoundError, "none.png"),
    ],
)
def test_what_is_no_image_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(lamina.utils)


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        lamina.utils.array_to_img(X)
