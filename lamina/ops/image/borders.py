"""Images with places cut off from their borders, or put around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import dtypes, indexing, shaping
from lamina.ops.image import layout
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op
from lamina.symbolic.dimension import Unknown

Border = int | None


def _borders(
    images: Shape, word: str, sign: int, numbers: Sequence[Border], data_format: str | None
) -> list[tuple[int, int, int]]:
    """For the axes of rows and of columns: the axis, and how many places change at both ends.

    Args:
        images: the shape.
        word, sign: what is done to them, and whether it makes them larger (1) or smaller (-1).
        numbers: those of the op, from top to width.
        data_format: as for the op.
    """
    top, left, bottom, right, height, width = numbers
    rows, columns, _ = layout.axes(images, data_format)
    vertical = f"top_{word}, bottom_{word}, target_height"
    horizontal = f"left_{word}, right_{word}, target_width"
    return [
        (rows, *_ends(images[rows], sign, (top, bottom, height), vertical)),
        (columns, *_ends(images[columns], sign, (left, right, width), horizontal)),
    ]


def _ends(
    size: int, sign: int, given: tuple[Border, Border, Border], names: str
) -> tuple[int, int]:
    start, end, target = given
    if given.count(None) != 1:
        raise ShapeError(
            f"of {names}, two are to be given and the third follows; they are {given}."
        )
    change = 0 if target is None else sign * (target - size)
    start = change - (end or 0) if start is None else start
    end = change - start if end is None else end
    known = not isinstance(size, Unknown)
    if known and min(start, end, size + sign * (start + end)) < 0:
        raise ShapeError(
            f"{names} of {given} do not fit images of {size} places there: {start} and {end} at "
            "the ends, and none may be negative."
        )
    return start, end


def _changed(
    images: Shape, word: str, sign: int, numbers: Sequence[Border], data_format: str | None
) -> Shape:
    """The shape of images of which places are cut off, or to which they are added."""
    sizes = list(images)
    for axis, start, end in _borders(images, word, sign, numbers, data_format):
        sizes[axis] = sizes[axis] + sign * (start + end)
    return tuple(sizes)


def _cropped(images: Shape, *numbers: Any) -> Shape:
    return _changed(images, "cropping", -1, numbers[:-1], numbers[-1])


def _padded(images: Shape, *numbers: Any) -> Shape:
    return _changed(images, "padding", 1, numbers[:-1], numbers[-1])


@op(result=dtypes.own, shape=_cropped)
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
    numbers = (
        *(top_cropping, left_cropping, bottom_cropping, right_cropping),
        *(target_height, target_width),
    )
    kept = [slice(None)] * len(images.shape)
    for axis, start, end in _borders(images.shape, "cropping", -1, numbers, data_format):
        kept[axis] = slice(start, images.shape[axis] - end)
    return indexing.get_item(images, tuple(kept))


@op(result=dtypes.own, shape=_padded)
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
    numbers = (
        *(top_padding, left_padding, bottom_padding, right_padding),
        *(target_height, target_width),
    )
    widths = [(0, 0)] * len(images.shape)
    for axis, start, end in _borders(images.shape, "padding", 1, numbers, data_format):
        widths[axis] = (start, end)
    return shaping.pad(images, widths)
