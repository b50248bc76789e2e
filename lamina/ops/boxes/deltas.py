"""What a detector predicts: how boxes differ from anchors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import conversion, elementwise, joining
from lamina.ops.boxes.formats import ImageShape, convert_format
from lamina.ops.row import Tensor, TensorLike

_ENCODINGS = ("center_yxhw", "center_xywh")


def _sizes(image_shape: ImageShape) -> tuple[Any, Any]:
    """Height and width, or None for both."""
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def _scale(variance: Any, encoding: str) -> Any:
    """Four factors, after the arguments were checked."""
    if encoding.lower() not in _ENCODINGS:
        raise ValueError(f"The encoding of deltas is one of {_ENCODINGS}, not {encoding!r}.")
    if variance is None:
        return 1.0
    factors = conversion.convert_to_tensor(variance, "float32")
    if tuple(factors.shape) != (4,):
        raise ValueError(f"variance is four numbers, not {variance!r}.")
    return factors


def encode_box_to_deltas(
    anchors: TensorLike,
    boxes: TensorLike,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: ImageShape = None,
) -> Tensor:
    """How boxes differ from anchors: middles by (b - a) / size of a, sizes by log(b / a).

    Args:
        anchors: of shape `(n, 4)`.
        boxes: of shape `(n, 4)` or `(batch, n, 4)`.
        anchor_format, box_format: their formats: see `convert_format`.
        encoding_format: the order of the four results: `"center_yxhw"` or `"center_xywh"`.
        variance: four numbers that the results are divided by.
        image_shape: `(height, width, …)`; needed where a format is relative.

    Returns:
        Deltas of the shape of `boxes`, float32.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops, utils
        >>> deltas = utils.bounding_boxes.encode_box_to_deltas(
        ...     [[0, 0, 8, 8]], [[1, 2, 9, 10]], "xyxy", "xyxy"
        ... )
        >>> ops.convert_to_numpy(deltas).tolist()
        [[0.25, 0.125, 0.0, 0.0]]
    """
    factors = _scale(variance, encoding_format)
    sizes = _sizes(image_shape)
    anchors = convert_format(anchors, anchor_format, encoding_format, *sizes)
    boxes = convert_format(boxes, box_format, encoding_format, *sizes)
    middles = (boxes[..., :2] - anchors[..., :2]) / anchors[..., 2:]
    stretch = elementwise.log(boxes[..., 2:] / anchors[..., 2:])
    return joining.concatenate([middles, stretch], axis=-1) / factors


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Sequence[float] | None = None,
    image_shape: ImageShape = None,
) -> Any:
    """The boxes that differ so from anchors: the inverse of `encode_box_to_deltas`.

    Args:
        anchors: of shape `(n, 4)`, or a dictionary of such.
        boxes_delta: of shape `(n, 4)` or `(batch, n, 4)`, or a dictionary of the same names.
        anchor_format, box_format: the format of the anchors, and that of the result.
        encoded_format: the order of the deltas: `"center_yxhw"` or `"center_xywh"`.
        variance: four numbers that the deltas are multiplied by.
        image_shape: `(height, width, …)`; needed where a format is relative.

    Returns:
        Boxes, float32, or a dictionary of them.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops, utils
        >>> boxes = utils.bounding_boxes.decode_deltas_to_boxes(
        ...     [[0, 0, 10, 10]], [[0.5, 0.0, 0.0, 0.0]], "xyxy", "xyxy"
        ... )
        >>> ops.convert_to_numpy(boxes).tolist()
        [[0.0, 5.0, 10.0, 15.0]]
    """
    options = (anchor_format, box_format, encoded_format, variance, image_shape)
    if isinstance(boxes_delta, dict):
        return {
            name: decode_deltas_to_boxes(anchors[name], deltas, *options)
            for name, deltas in boxes_delta.items()
        }
    factors = _scale(variance, encoded_format)
    sizes = _sizes(image_shape)
    anchors = convert_format(anchors, anchor_format, encoded_format, *sizes)
    deltas = conversion.cast(boxes_delta, "float32") * factors
    middles = deltas[..., :2] * anchors[..., 2:] + anchors[..., :2]
    extent = elementwise.exp(deltas[..., 2:]) * anchors[..., 2:]
    boxes = joining.concatenate([middles, extent], axis=-1)
    return convert_format(boxes, encoded_format, box_format, *sizes)
