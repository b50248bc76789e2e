"""How far bounding boxes overlap."""

from __future__ import annotations

import math

from lamina.backend.config import epsilon
from lamina.ops import (
    arithmetic,
    comparison,
    control,
    elementwise,
    logical,
    reductions,
    shaping,
    trigonometric,
)
from lamina.ops.boxes.formats import ImageShape, columns, corners_in_places
from lamina.ops.row import Tensor, TensorLike


def _overlap(one: Tensor, two: Tensor) -> Tensor:
    """Intersection by union of boxes `"xyxy"`, whose shapes broadcast; 0 where both are empty."""
    left, top, right, bottom = columns(one)
    other_left, other_top, other_right, other_bottom = columns(two)
    width = arithmetic.minimum(right, other_right) - arithmetic.maximum(left, other_left)
    height = arithmetic.minimum(bottom, other_bottom) - arithmetic.maximum(top, other_top)
    common = arithmetic.maximum(width, 0) * arithmetic.maximum(height, 0)
    areas = (right - left) * (bottom - top)
    others = (other_right - other_left) * (other_bottom - other_top)
    return arithmetic.divide_no_nan(common, areas + others - common)


def compute_iou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: ImageShape = None,
) -> Tensor:
    """Intersection by union of each of some boxes with each of others.

    Args:
        boxes1: of shape `(m, 4)` or `(batch, m, 4)`.
        boxes2: of shape `(n, 4)` or `(batch, n, 4)`.
        bounding_box_format: the format of both: see `convert_format`.
        use_masking: whether boxes whose numbers are all below 0 stand for no box.
        mask_val: the result for no box.
        image_shape: `(height, width, …)`; needed where the format is relative.

    Returns:
        A table of shape `(m, n)` or `(batch, m, n)`, float32.

    Raises:
        ValueError: if the format is not known, or `image_shape` is missing.

    Example:
        >>> from lamina import ops, utils
        >>> one, two = [[0, 0, 10, 10]], [[0, 0, 10, 5], [20, 20, 30, 30]]
        >>> table = utils.bounding_boxes.compute_iou(one, two, "xyxy")
        >>> ops.convert_to_numpy(table).tolist()
        [[0.5, 0.0]]
    """
    one = corners_in_places(boxes1, bounding_box_format, image_shape)
    two = corners_in_places(boxes2, bounding_box_format, image_shape)
    one, two = shaping.expand_dims(one, -2), shaping.expand_dims(two, -3)
    found = _overlap(one, two)
    if not use_masking:
        return found
    absent = logical.logical_or(*(reductions.max(boxes, axis=-1) < 0 for boxes in (one, two)))
    return comparison.where(absent, mask_val, found)


def compute_ciou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: str,
    image_shape: ImageShape = None,
) -> Tensor:
    """Complete intersection by union of pairs of boxes: iou - ρ² / c² - α v.

    ρ is the distance between their middles, c the diagonal of the smallest box around both,
    v = 4 / π² (arctan(w₂ / h₂) - arctan(w₁ / h₁))² and α = v / (1 - iou + v).

    Args:
        boxes1: of shape `(…, 4)`.
        boxes2: of a shape that broadcasts with it.
        bounding_box_format: the format of both: see `convert_format`.
        image_shape: `(height, width, …)`; needed where the format is relative, which Keras
            refuses.

    Returns:
        A number for each pair, float32.

    Raises:
        ValueError: if the format is not known, or `image_shape` is missing.

    Example:
        >>> from lamina import utils
        >>> box, moved = [0, 0, 10, 10], [10, 0, 20, 10]
        >>> round(float(utils.bounding_boxes.compute_ciou(box, moved, "xyxy")), 3)
        -0.2

    Reference:
        Zheng and others, 2020, https://arxiv.org/abs/1911.08287
    """
    tiny = epsilon()
    one = corners_in_places(boxes1, bounding_box_format, image_shape)
    two = corners_in_places(boxes2, bounding_box_format, image_shape)
    left, top, right, bottom = columns(one)
    other_left, other_top, other_right, other_bottom = columns(two)
    width = arithmetic.maximum(right, other_right) - arithmetic.minimum(left, other_left)
    height = arithmetic.maximum(bottom, other_bottom) - arithmetic.minimum(top, other_top)
    diagonal = elementwise.square(width) + elementwise.square(height)
    across = (left + right - other_left - other_right) / 2
    down = (top + bottom - other_top - other_bottom) / 2
    distance = elementwise.square(across) + elementwise.square(down)
    slants = [
        trigonometric.arctan(wide / (high + tiny))
        for wide, high in (
            (right - left, bottom - top),
            (other_right - other_left, other_bottom - other_top),
        )
    ]
    v = elementwise.square(slants[1] - slants[0]) * (4 / math.pi**2)
    iou = _overlap(one, two)
    weight = control.stop_gradient(v / (1 - iou + v + tiny))
    return iou - distance / (diagonal + tiny) - weight * v
