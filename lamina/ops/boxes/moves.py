"""Bounding boxes in images that are cropped, padded, turned and sheared."""

from __future__ import annotations

import math
from typing import Any

from lamina.ops import (
    comparison,
    conversion,
    joining,
    reductions,
    rounding,
    shaping,
    trigonometric,
)
from lamina.ops.boxes.formats import as_boxes, columns
from lamina.ops.row import Tensor, TensorLike


def _corners(name: str, function: str, allowed: tuple[str, ...] = ("xyxy",)) -> None:
    if name.lower() not in allowed:
        raise ValueError(
            f"{function} takes boxes as {' or '.join(allowed)}, not as {name!r}: convert_format "
            "them first."
        )


def clip_to_image_size(
    bounding_boxes: dict[str, Any],
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """Boxes cut off at the borders of the image; the label of one that has no area left is -1.

    Args:
        bounding_boxes: `"boxes"` of shape `(n, 4)` or `(batch, n, 4)`, and `"labels"` for them.
        height, width: the size of the image; not needed for `"rel_xyxy"`.
        bounding_box_format: `"xyxy"` or `"rel_xyxy"`.

    Returns:
        A dictionary like the one given.

    Raises:
        ValueError: if the format is another, or the size is missing.

    Example:
        >>> from lamina import ops, utils
        >>> given = {"boxes": [[-10, 0, 20, 20], [120, 0, 130, 20]], "labels": [3, 4]}
        >>> cut = utils.bounding_boxes.clip_to_image_size(given, 100, 100)
        >>> [ops.convert_to_numpy(cut[name]).tolist() for name in ("boxes", "labels")]
        [[[0, 0, 20, 20], [100, 0, 100, 20]], [3, -1]]
    """
    _corners(bounding_box_format, "clip_to_image_size", ("xyxy", "rel_xyxy"))
    if bounding_box_format.lower() == "rel_xyxy":
        height = width = 1
    if height is None or width is None:
        raise ValueError("Boxes in places are cut off at height and width: pass both.")
    boxes = conversion.convert_to_tensor(bounding_boxes["boxes"])
    labels = conversion.convert_to_tensor(bounding_boxes["labels"])
    boxes = _kept(boxes, height, width)
    left, top, right, bottom = columns(boxes)
    area = (right - left) * (bottom - top)
    return {**bounding_boxes, "boxes": boxes, "labels": comparison.where(area > 0, labels, -1)}


def _kept(boxes: Tensor, height: Any, width: Any) -> Tensor:
    """The part of boxes that is between 0 and the size."""
    sizes = (width, height, width, height)
    parts = [rounding.clip(one, 0, size) for one, size in zip(columns(boxes), sizes, strict=True)]
    return joining.stack(parts, axis=-1)


def _shifted(boxes: TensorLike, left: Any, top: Any) -> Tensor:
    x1, y1, x2, y2 = columns(conversion.convert_to_tensor(boxes))
    return joining.stack([x1 + left, y1 + top, x2 + left, y2 + top], axis=-1)


def crop(
    boxes: TensorLike,
    top: Any,
    left: Any,
    height: Any,
    width: Any,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """Boxes in a part of the image that begins at `top` and `left`, cut off at its borders.

    Args:
        boxes: of shape `(n, 4)` or `(batch, n, 4)`.
        top, left: the first row and column of the part.
        height, width: its size.
        bounding_box_format: `"xyxy"`.

    Returns:
        Boxes of the same shape and type.

    Raises:
        ValueError: if the format is another.

    Example:
        >>> from lamina import ops, utils
        >>> boxes = utils.bounding_boxes.crop([[10, 20, 50, 60]], 10, 20, 40, 30)
        >>> ops.convert_to_numpy(boxes).tolist()
        [[0, 10, 30, 40]]
    """
    _corners(bounding_box_format, "crop")
    return _kept(_shifted(boxes, -left, -top), height, width)


def pad(
    boxes: TensorLike,
    top: Any,
    left: Any,
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """Boxes in an image to which rows were added at the top and columns at the left.

    Args:
        boxes: of shape `(n, 4)` or `(batch, n, 4)`.
        top, left: how many.
        height, width: taken for Keras's sake: boxes in places do not depend on the size.
        bounding_box_format: `"xyxy"`.

    Returns:
        Boxes of the same shape and type.

    Raises:
        ValueError: if the format is another.

    Example:
        >>> from lamina import ops, utils
        >>> boxes = utils.bounding_boxes.pad([[10, 20, 50, 60]], 1, 2)
        >>> ops.convert_to_numpy(boxes).tolist()
        [[12, 21, 52, 61]]
    """
    _corners(bounding_box_format, "pad")
    return _shifted(boxes, left, top)


def affine_transform(
    boxes: TensorLike,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: int,
    width: int,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """The boxes around boxes that are moved, turned by an angle, sheared and scaled.

    p' = scale M (p + t - m) + m for each corner, t the way, m the middle of the turn, and, with
    c and s the cosine and sine of the angle, a and b the tangents of the shears, the rows of M are
    (c - a d, s + a e) and (d, e), d = b c - s, e = c + b s. The first of the four differs from a
    turn with a shear after it in its sign, as in Keras.

    Args:
        boxes: of shape `(n, 4)` or `(batch, n, 4)`.
        angle: in degrees.
        translate_x, translate_y: the way, in parts of the width and height less one place.
        scale: how many times larger boxes become.
        shear_x, shear_y: in degrees.
        height, width: the size of the image.
        center_x, center_y: the middle of the turn, in parts as the way; a half where None.
        bounding_box_format: `"xyxy"`.

        All but the last are numbers, or of shape `(batch,)`, one for each image.

    Returns:
        Boxes of the same shape, of a float type.

    Raises:
        ValueError: if the format is another.

    Example:
        >>> from lamina import ops, utils
        >>> turned = utils.bounding_boxes.affine_transform(
        ...     [[10.0, 20.0, 50.0, 60.0]], 90.0, 0, 0, 1.0, 0, 0, height=101, width=101
        ... )
        >>> ops.convert_to_numpy(turned).round(3).tolist()
        [[20.0, 50.0, 60.0, 90.0]]
    """
    _corners(bounding_box_format, "affine_transform")
    left, top, right, bottom = columns(as_boxes(boxes))

    def number(value: Any) -> Tensor:
        value = conversion.cast(value, left.dtype)
        return shaping.expand_dims(value, -1) if len(value.shape) else value

    across, down = width - 1, height - 1
    m_x = number(0.5 if center_x is None else center_x) * across
    m_y = number(0.5 if center_y is None else center_y) * down
    t_x, t_y = number(translate_x) * across - m_x, number(translate_y) * down - m_y
    turn, a, b = (number(one) * (math.pi / 180) for one in (angle, shear_x, shear_y))
    a, b = trigonometric.tan(a), trigonometric.tan(b)
    c, s = trigonometric.cos(turn), trigonometric.sin(turn)
    d, e = b * c - s, c + b * s
    size = number(scale)
    points = [(x + t_x, y + t_y) for x in (left, right) for y in (top, bottom)]
    xs = joining.stack([size * ((c - a * d) * x + (s + a * e) * y) + m_x for x, y in points])
    ys = joining.stack([size * (d * x + e * y) + m_y for x, y in points])
    found = [reduce(one, axis=0) for reduce in (reductions.min, reductions.max) for one in (xs, ys)]
    return joining.stack(found, axis=-1)
