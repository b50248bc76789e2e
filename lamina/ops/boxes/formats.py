"""The formats of bounding boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import conversion, joining
from lamina.ops.row import Tensor, TensorLike

_ABSOLUTE = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
FORMATS = (*_ABSOLUTE, *(f"rel_{name}" for name in _ABSOLUTE if name != "center_yxhw"))
_ROWS_FIRST = ("yxyx", "center_yxhw")
ImageShape = Sequence[int] | None


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: Any = "float32",
) -> Any:
    """Boxes in another format.

    `"xyxy"` is left, top, right, bottom, and `"yxyx"` top, left, bottom, right; `"xywh"` is left,
    top, width, height; `"center_xywh"` and `"center_yxhw"` have the middle for the corner. What
    begins with `"rel_"` is in parts of the image's size, else it is in places.

    Args:
        boxes: of shape `(…, 4)`, or a dictionary with those under `"boxes"`.
        source, target: the formats, in letters of any case.
        height, width: the size of the image; needed where a format is relative.
        dtype: the element type of the result.

    Returns:
        The boxes, or a dictionary with them in place of the old ones.

    Raises:
        ValueError: if a format is not known, the size is missing, or boxes are not of four numbers.

    Example:
        >>> from lamina import ops, utils
        >>> boxes = utils.bounding_boxes.convert_format([[10, 20, 30, 60]], "xyxy", "center_xywh")
        >>> ops.convert_to_numpy(boxes).tolist()
        [[20.0, 40.0, 20.0, 40.0]]
    """
    if isinstance(boxes, dict):
        found = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": found}
    source, target = source.lower(), target.lower()
    for name in (source, target):
        if name not in FORMATS:
            raise ValueError(f"The format of boxes is one of {FORMATS}, not {name!r}.")
    relative = source.startswith("rel_") or target.startswith("rel_")
    if relative and (height is None or width is None):
        raise ValueError(
            f"From {source!r} to {target!r}, boxes need the height and width of the image, which "
            f"are {height} and {width}. Pass both."
        )
    left, top, right, bottom = _corners(as_boxes(boxes), source)
    if source.startswith("rel_") != target.startswith("rel_"):
        sizes = [conversion.cast(one, left.dtype) for one in (width, height)]
        across, down = sizes if source.startswith("rel_") else [1 / one for one in sizes]
        left, top, right, bottom = left * across, top * down, right * across, bottom * down
    parts = _parts(left, top, right, bottom, target.removeprefix("rel_"))
    return conversion.cast(joining.stack(parts, axis=-1), dtype)


def as_boxes(boxes: TensorLike) -> Tensor:
    """Boxes as a tensor of floats.

    Raises:
        ValueError: if they are not of four numbers each.
    """
    boxes = conversion.convert_to_tensor(boxes)
    if not boxes.shape or boxes.shape[-1] != 4:
        raise ValueError(
            f"Boxes are four numbers each along the last axis; the shape is {tuple(boxes.shape)}."
        )
    return boxes if "float" in conversion.dtype(boxes) else conversion.cast(boxes, "float32")


def columns(boxes: Tensor) -> list[Tensor]:
    """The four numbers, each without the last axis."""
    return [boxes[..., i] for i in range(4)]


def _corners(boxes: Tensor, source: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Left, top, right and bottom."""
    a, b, c, d = columns(boxes)
    name = source.removeprefix("rel_")
    if name in _ROWS_FIRST:
        a, b, c, d = b, a, d, c
    if name.startswith("center"):
        a, b = a - c / 2, b - d / 2
    return (a, b, c, d) if name in ("xyxy", "yxyx") else (a, b, a + c, b + d)


def _parts(left: Tensor, top: Tensor, right: Tensor, bottom: Tensor, target: str) -> list[Tensor]:
    """The four numbers of a format."""
    width, height = right - left, bottom - top
    if target in ("xyxy", "yxyx"):
        parts = [left, top, right, bottom]
    elif target == "xywh":
        parts = [left, top, width, height]
    else:
        parts = [left + width / 2, top + height / 2, width, height]
    return [parts[i] for i in (1, 0, 3, 2)] if target in _ROWS_FIRST else parts


def corners_in_places(boxes: TensorLike, name: str, image_shape: ImageShape) -> Tensor:
    """Boxes as `"xyxy"`, in places.

    Args:
        boxes: of the format `name`.
        name: the format.
        image_shape: `(height, width, …)` of the image, needed where the format is relative.
    """
    height, width = (None, None) if image_shape is None else tuple(image_shape)[:2]
    return convert_format(boxes, name, "xyxy", height, width)
