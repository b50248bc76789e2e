"""Bounding boxes, against Keras on every backend."""

import copy
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina import ops
from lamina.backend import use
from lamina.symbolic import KerasTensor

pytestmark = pytest.mark.every_backend
BACKENDS = [name for name in ("jax", "torch", "tensorflow", "numpy") if find_spec(name)]
FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "REL_xyxy", "rel_yxyx")
FORMATS = (*FORMATS, "rel_xywh", "rel_center_xywh")
few = settings(max_examples=8, deadline=None)
theirs, ours = keras.utils.bounding_boxes, lamina.utils.bounding_boxes
NONE = [-1.0, -1, -1, -1]
ANCHORS = np.array([[0, 0, 10, 10], [5, 5, 20, 15.0]], "float32")


def drawn(*shape, seed=0, most=100):
    """Boxes `xyxy` that have an area."""
    corner = np.random.default_rng(seed).uniform(0, most, (*shape, 2))
    size = np.random.default_rng(seed + 1).uniform(1, most, (*shape, 2))
    return np.concatenate([corner, corner + size], -1).astype("float32")


def agrees(name, *args, tolerance=1e-5, **options):
    # Keras writes into the dictionaries that it is given.
    expected = getattr(theirs, name)(*copy.deepcopy(args), **options)
    for backend in BACKENDS:
        with use(backend):
            compare(getattr(ours, name)(*args, **options), expected, tolerance, backend)


def compare(found, expected, tolerance, backend):
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected)
        for key, value in expected.items():
            compare(found[key], value, tolerance, backend)
        return
    found, expected = ops.convert_to_numpy(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(found, expected, tolerance, tolerance, err_msg=backend)


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_formats(source, target):
    boxes = drawn(2, 3)
    if source.lower().startswith("rel_"):
        boxes = boxes / np.float32(200)
    expected = np.asarray(theirs.convert_format(boxes, source, target, 100, 150))
    for backend in BACKENDS:
        with use(backend):
            found = ops.convert_to_numpy(ours.convert_format(boxes, source, target, 100, 150))
        np.testing.assert_allclose(found, expected, 1e-5, 1e-5, err_msg=backend)


def test_formats_of_dictionaries_and_integers():
    boxes = {"boxes": drawn(3), "labels": np.array([1, 2, 3])}
    agrees("convert_format", boxes, "xyxy", "xywh")
    agrees("convert_format", np.array([[1, 2, 5, 9]], "int32"), "xyxy", "xywh", dtype="int32")


def test_formats_of_symbolic_boxes():
    boxes = KerasTensor((None, 7, 4))
    assert ours.convert_format(boxes, "xyxy", "center_xywh").shape == (None, 7, 4)
    assert ours.compute_iou(boxes, KerasTensor((5, 4)), "xyxy").shape == (None, 7, 5)


@few
@given(st.sampled_from(FORMATS), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99))
def test_iou(name, masked, first, second, seed):
    one = drawn(*((2,) if first else ()), 3, seed=seed)
    two = drawn(*((2,) if second else ()), 4, seed=seed + 7)
    two[..., 0, :] = one[..., 0, :][(0,) if first and not second else ...]
    shape = (100, 150, 3)
    if name.lower().startswith("rel_"):
        one, two = one / np.float32(200), two / np.float32(200)
    one[..., 1, :] = NONE
    masked = masked and first == second  # else Keras fails
    agrees("compute_iou", one, two, name, masked, -7, shape, tolerance=1e-4)


def test_ciou():
    one, two = drawn(5), drawn(5, seed=3)
    two[0], one[1] = one[0], NONE
    two[2] = two[2] + 300
    agrees("compute_ciou", one, two, "xyxy")
    agrees("compute_ciou", one[:, None], two, "xyxy")
    agrees("compute_ciou", abs(one), two, "center_xywh")
    # Keras refuses the relative formats; they are the same boxes.
    expected = ours.compute_ciou(one, two, "xyxy")
    relative = [theirs.convert_format(boxes, "xyxy", "rel_yxyx", 100, 150) for boxes in (one, two)]
    found = ours.compute_ciou(*map(np.asarray, relative), "rel_yxyx", (100, 150, 3))
    compare(found, expected, 1e-4, "jax")


@pytest.mark.parametrize("name", ["xyxy", "rel_yxyx", "center_xywh"])
@pytest.mark.parametrize("encoding", ["center_yxhw", "center_xywh"])
@pytest.mark.parametrize("variance", [None, [0.1, 0.1, 0.2, 0.3]])
def test_deltas(name, encoding, variance):
    shape = (100, 150, 3)
    anchors, boxes = (
        theirs.convert_format(x, "xyxy", name, 100, 150) for x in (ANCHORS, drawn(3, 2))
    )
    anchors, boxes = np.asarray(anchors), np.asarray(boxes)
    args = (name, name, encoding, variance, shape)
    agrees("encode_box_to_deltas", anchors, boxes, *args)
    deltas = ours.encode_box_to_deltas(anchors, boxes, *args)
    deltas = ops.convert_to_numpy(deltas)
    agrees("decode_deltas_to_boxes", anchors, deltas, *args, tolerance=1e-4)
    again = ops.convert_to_numpy(ours.decode_deltas_to_boxes(anchors, deltas, *args))
    np.testing.assert_allclose(again, boxes, rtol=1e-4, atol=1e-4)


def test_deltas_of_levels():
    deltas = {"a": ANCHORS / 50, "b": -ANCHORS / 50}
    anchors = {"a": ANCHORS, "b": ANCHORS + 1}
    agrees("decode_deltas_to_boxes", anchors, deltas, "xyxy", "xywh", tolerance=1e-4)


@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_clipping(kind):
    boxes = np.array([[-10, -20, 150, 160], [50, 40, 70, 80], [130, 130, 140, 150]], kind)
    given_boxes = {"boxes": boxes, "labels": np.array([0, 1, 5], "int32")}
    agrees("clip_to_image_size", given_boxes, 100, 120)
    batch = {name: value[None] for name, value in given_boxes.items()}
    agrees("clip_to_image_size", batch, 100, 120)
    relative = {**given_boxes, "boxes": (boxes / 100).astype("float32")}
    agrees("clip_to_image_size", relative, bounding_box_format="rel_xyxy")


@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_cropping_and_padding(kind):
    boxes = np.array([[[10, 20, 50, 60], [70, 80, 100, 120]]], kind)
    agrees("crop", boxes, 10, 20, 40, 30)
    agrees("pad", boxes[0], 10, 20, 200, 300)


@few
@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8), st.integers(0, 99), st.booleans())
def test_affine_transform(numbers, seed, middle):
    boxes = drawn(2, 3, seed=seed)
    names = ("angle", "translate_x", "translate_y", "scale", "shear_x", "shear_y")
    factors = (90, 0.5, 0.5, 0.9, 30, 30)
    values = {name: n * f for name, n, f in zip(names, numbers, factors, strict=False)}
    values["scale"] += 1
    if middle:
        values |= {"center_x": 0.5 + numbers[6] / 2, "center_y": 0.5 + numbers[7] / 2}
    # Keras wants the middle as a number and the rest for each image; here numbers will do.
    spread = {k: np.full(2, v, "float32") if k in names else v for k, v in values.items()}
    agrees("affine_transform", boxes, **spread, height=90, width=120, tolerance=1e-3)
    expected = theirs.affine_transform(boxes, **spread, height=90, width=120)
    found = ours.affine_transform(boxes[0], **values, height=90, width=120)
    compare(found, np.asarray(expected)[0], 1e-3, "jax")


BOX = np.zeros((1, 4), "float32")


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("convert_format", (BOX, "xyxy", "xyxz"), "format of boxes is one of"),
        ("convert_format", (BOX[:, :3], "xyxy", "xywh"), "four numbers each"),
        ("convert_format", (BOX, "xyxy", "rel_xywh"), "height and width of the image"),
        ("compute_iou", (BOX, BOX, "rel_xyxy"), "height and width of the image"),
        ("encode_box_to_deltas", (BOX, BOX, "xyxy", "xyxy", "xyxy"), "encoding of deltas"),
        ("encode_box_to_deltas", (BOX, BOX, "xyxy", "xyxy", "center_xywh", [1.0]), "four numbers"),
        ("decode_deltas_to_boxes", (BOX, BOX, "xyxy", "xyxy", "xyxy"), "encoding of deltas"),
        ("clip_to_image_size", ({"boxes": BOX, "labels": [1]},), "pass both"),
        ("crop", (BOX, 1, 1, 1, 1, "xywh"), "convert_format them first"),
        ("pad", (BOX, 1, 1, 1, 1, "rel_xyxy"), "convert_format them first"),
    ],
)
def test_wrong_arguments_are_refused(name, args, message):
    with pytest.raises(ValueError, match=message):
        getattr(ours, name)(*args)
