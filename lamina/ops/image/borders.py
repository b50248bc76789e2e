"""Images with places cut off from their borders, or put around them."""

from __future__ import annotations

from typing import Any

from lamina.ops import dtypes, indexing, shaping
from lamina.ops.image import layout
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op

# How many places at the start and at the end of an axis, and how many there are to be.
Border = int | None
Given = tuple[Any, Any, Any]


@op(result=dtypes.own)
def crop_images(
    images: TensorLike,
    top_cropping: Border = None,
    left_cropping: Border = None,
    bottom_cropping: Border = None,
    right_cropping: Border = None,
    target_height: Border = None,
    target_width: Border = None,
    data_format: str | None = None,
) -> Tensor:
    """Images with places cut off at their borders.

    Of the top, the bottom and the target height, two are given and the third follows; so of the
    left, the right and the target width.

    Args:
        images: an image or a batch of them.
        top_cropping, left_cropping, bottom_cropping, right_cropping: how many rows or columns are
            cut off there.
        target_height, target_width: how many are left.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the type of `images`.

    Raises:
        ValueError: if more or fewer than two of three numbers are given, or there is not so much
            to cut off.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.arange(9), (3, 3, 1))
        >>> cropped = ops.image.crop_images(image, 0, 1, target_height=2, target_width=2)
        >>> ops.convert_to_numpy(cropped)[..., 0].tolist()
        [[1, 2], [4, 5]]
    """
    kept = [slice(None)] * len(images.shape)
    for axis, (start, end) in _borders(
        images.shape,
        ("cropping", -1),
        (top_cropping, bottom_cropping, target_height),
        (left_cropping, right_cropping, target_width),
        data_format,
    ):
        kept[axis] = slice(start, images.shape[axis] - end)
    return indexing.get_item(images, tuple(kept))


@op(result=dtypes.own)
def pad_images(
    images: TensorLike,
    top_padding: Border = None,
    left_padding: Border = None,
    bottom_padding: Border = None,
    right_padding: Border = None,
    target_height: Border = None,
    target_width: Border = None,
    data_format: str | None = None,
) -> Tensor:
    """Images with zeros around them.

    Of the top, the bottom and the target height, two are given and the third follows; so of the
    left, the right and the target width.

    Args:
        images: an image or a batch of them.
        top_padding, left_padding, bottom_padding, right_padding: how many rows or columns of zeros
            are put there.
        target_height, target_width: how many there are then.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the type of `images`.

    Raises:
        ValueError: if more or fewer than two of three numbers are given, or the images are larger
            than what they are to become.

    Example:
        >>> from lamina import ops
        >>> image = ops.ones((1, 2, 1), "int32")
        >>> padded = ops.image.pad_images(image, 0, 1, target_height=2, target_width=4)
        >>> ops.convert_to_numpy(padded)[..., 0].tolist()
        [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    widths = [(0, 0)] * len(images.shape)
    for axis, ends in _borders(
        images.shape,
        ("padding", 1),
        (top_padding, bottom_padding, target_height),
        (left_padding, right_padding, target_width),
        data_format,
    ):
        widths[axis] = ends
    return shaping.pad(images, widths)


def _borders(
    images: Shape, way: tuple[str, int], rows: Given, columns: Given, data_format: str | None
) -> list[tuple[int, tuple[int, int]]]:
    """For the axes of rows and of columns, how many places to cut off or add at both ends.

    Args:
        images: the shape.
        way: what is done to them, and the sign of the change that it makes.
        rows, columns: how many at the start and at the end, and how many there are to be.
        data_format: as for the op.
    """
    height, width, _ = layout.axes(images, data_format)
    word, sign = way
    return [
        (height, _ends(images[height], sign, rows, f"top_{word}, bottom_{word}, target_height")),
        (width, _ends(images[width], sign, columns, f"left_{word}, right_{word}, target_width")),
    ]


def _ends(size: int, sign: int, given: Given, names: str) -> tuple[int, int]:
    start, end, target = given
    if list(given).count(None) != 1:
        raise ShapeError(
            f"of {names}, two are to be given and the third follows; they are {given}."
        )
    if start is None:
        start = sign * (target - size) - end
    elif end is None:
        end = sign * (target - size) - start
    if min(start, end, size + sign * (start + end)) < 0:
        raise ShapeError(
            f"{names} of {given} do not fit images of {size} places there: {start} and {end} at "
            "the ends, and none may be negative."
        )
    return start, end
