"""What is peculiar to metrics of intersection over union."""

import keras
import numpy as np
import pytest

from lamina import metrics
from lamina.backend import current
from tests.losses.data import one_hot, places, values

pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
TRUE, SCORES = one_hot((2, 4, 3)), values((2, 4, 3))


def mean_iou(**kwargs):
    return metrics.MeanIoU(3, **kwargs), keras.metrics.MeanIoU(3, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "y_true", "y_pred"),
    [
        ({"sparse_y_pred": False}, TRUE.argmax(-1), SCORES),
        ({"sparse_y_true": False}, TRUE, SCORES.argmax(-1)),
        ({"sparse_y_true": False, "sparse_y_pred": False}, TRUE, SCORES),
        ({}, TRUE.argmax(-1)[..., None], SCORES.argmax(-1)),
    ],
)
def test_class_numbers_and_scores_agree(kwargs, y_true, y_pred):
    ours, theirs = mean_iou(**kwargs)
    assert np.isclose(float(ours(y_true, y_pred)), float(theirs(y_true, y_pred)))


def test_scores_may_lie_along_any_axis():
    # Keras has an error for all but the last.
    first = metrics.OneHotMeanIoU(3, axis=1)(TRUE.transpose(0, 2, 1), SCORES.transpose(0, 2, 1))
    assert float(first) == float(metrics.OneHotMeanIoU(3)(TRUE, SCORES))


@pytest.mark.parametrize("ignored", [0, -1, 255])
def test_ignored_places_agree(ignored):
    y_true, y_pred = places((4, 6)), places((4, 6))
    y_true[:, ::2] = ignored
    ours, theirs = mean_iou(ignore_class=ignored)
    assert np.isclose(float(ours(y_true, y_pred)), float(theirs(y_true, y_pred)))
    assert np.array_equal(ours.total_cm.numpy(), theirs.total_cm.numpy())


def test_weights_are_whole_numbers_unless_counts_are_floats():
    y_true, y_pred, weights = places((8,)), places((8,)), values((8,)) * 3
    ours, theirs = mean_iou()
    with pytest.warns(UserWarning, match="whole numbers"):
        ours.update_state(y_true, y_pred, weights)
    with pytest.warns(UserWarning):
        theirs.update_state(y_true, y_pred, weights)
    assert np.array_equal(ours.total_cm.numpy(), theirs.total_cm.numpy())
    ours, theirs = mean_iou(dtype="float32")
    assert np.isclose(float(ours(y_true, y_pred, weights)), float(theirs(y_true, y_pred, weights)))


def test_a_weight_for_each_image():
    y_true, y_pred = places((2, 4, 4)), places((2, 4, 4))
    weighted, repeated = metrics.MeanIoU(3), metrics.MeanIoU(3)
    weighted.update_state(y_true, y_pred, np.array([2, 1]))
    for image in (0, 0, 1):
        repeated.update_state(y_true[image], y_pred[image])
    assert np.array_equal(weighted.total_cm.numpy(), repeated.total_cm.numpy())


@pytest.mark.parametrize(("y_true", "y_pred"), [([0, 3], [0, 1]), ([0, 1], [-1, 1])])
def test_class_numbers_that_are_no_classes(y_true, y_pred):
    metric = metrics.MeanIoU(3)
    with pytest.raises(ValueError, match=r"classes are 0 to 2") as caught:
        metric.update_state(y_true, y_pred)
    assert len(str(caught.value)) <= 600
    assert not np.any(metric.total_cm.numpy())
    if current().compiles:  # as in Keras
        current().jit(metric.update_state)(np.array(y_true), np.array(y_pred))
        assert metric.total_cm.numpy().sum() == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: metrics.IoU(3, []),
        lambda: metrics.IoU(3, [0, 3]),
        lambda: metrics.BinaryIoU([2]),
        lambda: metrics.OneHotIoU(3, [-1]),
        lambda: metrics.OneHotMeanIoU(3)(TRUE, SCORES[..., :1]),
        lambda: metrics.OneHotMeanIoU(2)(TRUE, SCORES),
        lambda: metrics.MeanIoU(3)(places((4, 2)), places((8,))),
    ],
)
def test_what_cannot_be_counted_is_refused(make):
    with pytest.raises(ValueError):
        make()
