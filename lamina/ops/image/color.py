"""The colours of images in other coordinates."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.ops import (
    arithmetic,
    comparison,
    conversion,
    dtypes,
    indexing,
    joining,
    rounding,
    shaping,
)
from lamina.ops.image import layout
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op

# How bright red, green and blue are to the eye: ITU-R BT.601.
_BRIGHTNESS = (0.2989, 0.587, 0.114)


def _colored(images: Shape, data_format: str | None) -> Shape:
    """The shape of images of three channels."""
    channels = images[layout.axes(images, data_format)[2]]
    if channels != 3:
        raise ShapeError(f"images have three channels here; the shape is {images}.")
    return images


def _gray(images: Shape, data_format: str | None) -> Shape:
    axis = layout.axes(images, data_format)[2]
    if images[axis] != 1:
        _colored(images, data_format)
    return (*images[:axis], 1, *images[axis + 1 :])


def _floats(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """The images' own type, a float."""
    if not is_float(types[0]):
        raise ValueError(
            f"rgb_to_hsv and hsv_to_rgb take floats between 0 and 1, not {types[0]}: "
            "ops.cast(images, 'float32') / 255 for images of bytes."
        )
    return dtypes.own(types, dtype)


def _channels(images: Tensor, data_format: str | None) -> tuple[int, list[Tensor]]:
    """The axis of the channels, and each of the three."""
    _colored(images.shape, data_format)
    axis = layout.axes(images.shape, data_format)[2]
    return axis, [indexing.take(images, i, axis=axis) for i in range(3)]


@op(result=dtypes.own, shape=_gray)
def rgb_to_grayscale(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Images without colour: y = 0.2989 red + 0.587 green + 0.114 blue.

    Args:
        images: an image or a batch of them, of three channels; of one, they are gray already.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of one channel and the type of `images`; integers lose the fraction.

    Raises:
        ValueError: if there are neither three channels nor one.

    Example:
        >>> from lamina import ops
        >>> white = ops.ones((1, 1, 3))
        >>> round(float(ops.image.rgb_to_grayscale(white)[0, 0, 0]), 3)
        1.0

    Reference:
        Recommendation ITU-R BT.601.
    """
    if _gray(images.shape, data_format) == tuple(images.shape):
        return images
    dtype = standardize_dtype(images.dtype)
    wide = images if is_float(dtype) else conversion.cast(images, "float32")
    axis, channels = _channels(wide, data_format)
    parts = [channel * share for channel, share in zip(channels, _BRIGHTNESS, strict=True)]
    return conversion.cast(shaping.expand_dims(parts[0] + parts[1] + parts[2], axis), dtype)


@op(result=_floats, shape=_colored)
def rgb_to_hsv(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value of red, green and blue.

    value = max, saturation = (max - min) / max, and hue, a sixth of a turn for each step from red
    over yellow, green, cyan, blue and magenta: (green - blue) / (max - min) / 6 where red is the
    greatest, 1/3 and 2/3 more for the other two alike.

    Args:
        images: an image or a batch of them, of three channels between 0 and 1, of a float type.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the same shape, all between 0 and 1.

    Raises:
        ValueError: if there are not three channels, or they are no floats.

    Example:
        >>> from lamina import ops
        >>> cyan = ops.convert_to_tensor([[[0.0, 0.5, 0.5]]])
        >>> ops.convert_to_numpy(ops.image.rgb_to_hsv(cyan)).ravel().tolist()
        [0.5, 1.0, 0.5]

    Reference:
        Smith, 1978, https://doi.org/10.1145/965139.807361
    """
    axis, (red, green, blue) = _channels(images, data_format)
    value = arithmetic.maximum(arithmetic.maximum(red, green), blue)
    spread = value - arithmetic.minimum(arithmetic.minimum(red, green), blue)
    share = arithmetic.divide_no_nan
    saturation = share(spread, value)
    past_green = comparison.where(
        comparison.equal(value, green),
        share(blue - red, spread) + 2,
        share(red - green, spread) + 4,
    )
    hue = comparison.where(comparison.equal(value, red), share(green - blue, spread), past_green)
    hue = comparison.where(spread > 0, arithmetic.mod(hue / 6, 1), 0)
    return joining.stack([hue, saturation, value], axis=axis)


@op(result=_floats, shape=_colored)
def hsv_to_rgb(images: TensorLike, data_format: str | None = None) -> Tensor:
    """Red, green and blue of hue, saturation and value: the inverse of `rgb_to_hsv`.

    channel = value (1 - saturation min(max(min(k, 4 - k), 0), 1)), k = (n + 6 hue) mod 6, with
    n = 5, 3, 1 for red, green and blue.

    Args:
        images: an image or a batch of them, of three channels between 0 and 1, of a float type.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the same shape, all between 0 and 1.

    Raises:
        ValueError: if there are not three channels, or they are no floats.

    Example:
        >>> from lamina import ops
        >>> cyan = ops.convert_to_tensor([[[0.5, 1.0, 0.5]]])
        >>> ops.convert_to_numpy(ops.image.hsv_to_rgb(cyan)).ravel().tolist()
        [0.0, 0.5, 0.5]

    Reference:
        Smith, 1978, https://doi.org/10.1145/965139.807361
    """
    axis, (hue, saturation, value) = _channels(images, data_format)
    shade = value * saturation
    channels = []
    for n in (5, 3, 1):
        k = arithmetic.mod(hue * 6 + n, 6)
        channels.append(value - shade * rounding.clip(arithmetic.minimum(k, 4 - k), 0, 1))
    return joining.stack(channels, axis=axis)
