"""Images moved, turned, seen from elsewhere and bent; arrays between their places."""

import keras
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina import ops
from lamina.backend import use
from lamina.random import SeedGenerator
from lamina.symbolic import KerasTensor
from tests.ops.image_agreement import BACKENDS, agrees, agrees_with_keras, drawn

pytestmark = pytest.mark.every_backend
FILL_MODES = ["constant", "nearest", "wrap", "mirror", "reflect"]
# As SciPy calls what goes on outside as it does inside.
SCIPY_MODES = {"constant": "grid-constant", "wrap": "grid-wrap"}
TURN = np.array([1.03, 0.21, -0.83, -0.17, 0.92, 0.56, 0, 0], "float32")
CORNERS = np.array([[0, 0], [6, 0], [0, 4], [6, 4]], "float32")
MOVED = np.array([[0.3, 0.5], [5.7, -0.6], [-0.8, 4.4], [6.6, 3.6]], "float32")
few = settings(max_examples=3, deadline=None)
modes = st.sampled_from(FILL_MODES)
seeds = st.integers(0, 10**6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), modes, st.integers(0, 1), seeds)
def test_map_coordinates_is_scipys(shape, mode, order, seed):
    x = drawn(*shape, dtype="float64", seed=seed)
    places = drawn(len(shape), 3, 4, dtype="float64", low=-9, high=12, seed=seed + 1)
    known = SCIPY_MODES.get(mode, mode)
    expected = scipy.ndimage.map_coordinates(x, places, order=order, mode=known, cval=0.3)
    with use("numpy"):
        found = ops.image.map_coordinates(x, places, order, mode, 0.3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_map_coordinates_is_keras(mode, order):
    places = drawn(2, 40, low=-12, high=15, seed=1)
    halves = np.floor(places) + np.float32(0.5)
    for coordinates in (places, halves):
        args = (coordinates, order, mode, 0.5)
        agrees_with_keras("map_coordinates", drawn(5, 7), *args)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "float16", "bfloat16"])
def test_types_of_map_coordinates(dtype):
    line = np.arange(-1, 6, 0.25, dtype="float32")[None]
    x = np.array([0, 1, 2, 3, 5, 6]) - (0 if dtype in ("bool", "uint8") else 2)
    for order in (0, 1):
        kind = ops.convert_to_numpy(ops.cast(x, dtype))
        agrees_with_keras("map_coordinates", kind, line, order, "nearest", tolerance=1e-2)


@few
@given(st.sampled_from(["nearest", "bilinear"]), modes, st.booleans(), st.booleans(), seeds)
def test_affine_transform(interpolation, mode, batch, first, seed):
    transform = TURN + drawn(2, 8, low=-0.2, high=0.2, seed=seed)
    transform[:, 6:] = 0
    shape = (*((2,) if batch else ()), *((3, 5, 7) if first else (5, 7, 3)))
    agrees_with_keras(
        "affine_transform",
        drawn(*shape, seed=seed),
        transform if batch else transform[0],
        interpolation,
        mode,
        0.3,
        "channels_first" if first else "channels_last",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16"])
def test_types_of_affine_transform(dtype):
    x = drawn(1, 8, 1, dtype=dtype, high=200 if "int" in dtype else 1)
    half = np.array([1, 0, 0.5, 0, 1, 0, 0, 0], "float32")
    for interpolation in ("nearest", "bilinear"):
        agrees_with_keras("affine_transform", x, half, interpolation, tolerance=1e-2)


def test_affine_transform_heeds_the_perspective():
    # The same eight numbers, once from points and once as they are.
    numbers = np.array([1.1, 0.2, -0.4, -0.1, 0.9, 0.3, 0.03, -0.02], "float32")
    x, y = CORNERS[:, 0], CORNERS[:, 1]
    a, b = (numbers[i] * x + numbers[i + 1] * y + numbers[i + 2] for i in (0, 3))
    starts = np.stack([a, b], -1) / (numbers[6] * x + numbers[7] * y + 1)[:, None]
    image = drawn(5, 7, 3)
    with use("numpy"):
        expected = ops.image.perspective_transform(image, starts, CORNERS)
        assert np.abs(expected - ops.image.affine_transform(image, TURN)).max() > 0.1
    agrees("affine_transform", expected, image, numbers, tolerance=1e-4)


def test_one_transform_for_all_images():
    images = drawn(2, 5, 7, 3)
    for transform in (TURN, TURN[None]):
        with use("numpy"):
            expected = ops.image.affine_transform(images, np.stack([TURN, TURN]))
        agrees("affine_transform", expected, images, transform, tolerance=1e-4)


@few
@given(st.sampled_from(["nearest", "bilinear"]), st.booleans(), st.booleans(), seeds)
def test_perspective_transform(interpolation, batch, first, seed):
    ends = MOVED + drawn(2, 4, 2, low=-0.3, high=0.3, seed=seed)
    starts = np.stack([CORNERS] * 2)
    shape = (*((2,) if batch else ()), *((3, 5, 7) if first else (5, 7, 3)))
    agrees_with_keras(
        "perspective_transform",
        drawn(*shape, seed=seed),
        starts if batch else starts[0],
        ends if batch else ends[0],
        interpolation,
        0.5,
        "channels_first" if first else "channels_last",
        tolerance=1e-3,
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16"])
def test_types_of_perspective_transform(dtype):
    x = drawn(5, 7, 3, dtype=dtype, high=200 if "int" in dtype else 1)
    agrees_with_keras("perspective_transform", x, CORNERS, MOVED, "nearest", tolerance=1e-2)
    points = CORNERS.astype("int32"), np.round(MOVED).astype("int32")
    agrees_with_keras("perspective_transform", drawn(5, 7, 3), *points, tolerance=1e-4)


def bend(**options):
    """How far each place of a large image moves, along rows and along columns."""
    ramps = np.stack(np.meshgrid(np.arange(160.0), np.arange(150.0), indexing="ij"), -1)
    images = np.stack([ramps, ramps]).astype("float32")
    moved = ops.convert_to_numpy(ops.image.elastic_transform(images, **options)) - images
    return moved[:, 40:-40, 40:-40]


@pytest.mark.parametrize("backend", BACKENDS)
def test_elastic_transform_bends_by_smooth_noise(backend):
    with use(backend):
        moved = bend(alpha=6.0, sigma=2.0, seed=3)
    assert abs(moved.mean()) < 0.25
    # Of white noise, blurred in two dimensions by sigma, times alpha sigma.
    np.testing.assert_allclose(moved.std((0, 1, 2)), 6 / (2 * np.sqrt(np.pi)), rtol=0.15)
    for lag in (1, 3):
        near, far = moved[:, :, :-lag, 0].ravel(), moved[:, :, lag:, 0].ravel()
        assert np.corrcoef(near, far)[0, 1] == pytest.approx(np.exp(-(lag**2) / 16), abs=0.1)
    rows, columns = moved[..., 0].ravel(), moved[..., 1].ravel()
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.15
    assert abs(np.corrcoef(moved[0].ravel(), moved[1].ravel())[0, 1]) < 0.15


def test_elastic_transform_moves_as_far_as_keras():
    ramps = np.arange(200.0, dtype="float32")[:, None, None] * np.ones((1, 200, 1), "float32")
    theirs = np.asarray(keras.ops.image.elastic_transform(ramps, 6.0, 2.0, seed=1)) - ramps
    ours = bend(alpha=6.0, sigma=2.0, seed=1)
    assert ours.std() == pytest.approx(theirs[40:-40, 40:-40].std(), rel=0.15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_seeds_of_elastic_transform(backend):
    image = drawn(3, 9, 8)

    def bent(seed):
        transform = ops.image.elastic_transform
        return ops.convert_to_numpy(transform(image, seed=seed, data_format="channels_first"))

    with use(backend):
        assert (bent(1) == bent(1)).all()
        assert (bent(1) != bent(2)).any()
        generator = SeedGenerator(1)
        first, second = bent(generator), bent(generator)
        assert (first == bent(1)).all()
        assert (first != second).any()
        assert (bent(None) != bent(None)).any()
        lamina.utils.set_random_seed(5)
        before = bent(None)
        lamina.utils.set_random_seed(5)
        assert (before == bent(None)).all()


def test_bytes_are_bent_too():
    image = drawn(9, 8, 3, dtype="uint8", high=255)
    for backend in BACKENDS:
        with use(backend):
            assert ops.dtype(ops.image.elastic_transform(image, seed=1)) == "uint8"


X = np.zeros((2, 5, 7, 3), "float32")


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("map_coordinates", (np.zeros((3, 4)), 1), "a row for each of the 4 dimensions"),
        ("map_coordinates", (np.zeros((4, 4)), 2), r"order is 0 .* or 1"),
        ("map_coordinates", (np.zeros((4, 4)), 1, "edge"), "fill_mode is one of"),
        ("affine_transform", (np.zeros(7),), r"transform is of shape \(8\), or \(2, 8\)"),
        ("affine_transform", (np.zeros((3, 8)),), r"not \(3, 8\)"),
        ("affine_transform", (TURN, "cubic"), "interpolation is one of"),
        ("affine_transform", (TURN, "nearest", "edge"), "fill_mode is one of"),
        ("perspective_transform", (CORNERS, MOVED[:3]), "end_points is of shape"),
        ("elastic_transform", (1.0, 0.0), "sigma is a width"),
    ],
)
def test_wrong_arguments_are_refused(name, args, message):
    for x in (X, KerasTensor(X.shape)):
        with pytest.raises(ValueError, match=message):
            getattr(ops.image, name)(x, *args)


def test_images_have_three_or_four_dimensions():
    with pytest.raises(ValueError, match=r"a batch of them, of four; the shape is \(5, 7\)"):
        ops.image.affine_transform(np.zeros((5, 7)), TURN)
