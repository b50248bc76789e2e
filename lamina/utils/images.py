"""Images between arrays, Pillow and files. Pillow is imported where it is needed."""

from __future__ import annotations

import io
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from lamina.backend.config import settings, standardize_data_format
from lamina.backend.dtypes import standardize_dtype
from lamina.ops import convert_to_numpy

if TYPE_CHECKING:
    from PIL import Image

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GRAYS = ("L", "I;16", "I")  # what is gray already, 16 and 32 bits wide too
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Images are read, written and resized by Pillow, which is not installed: "
            "`pip install pillow`."
        ) from error
    return Image


def array_to_img(
    x: ArrayLike, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Image.Image:
    """An array as an image of Pillow.

    Args:
        x: of shape `(height, width, channels)`, of one, three or four channels.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        scale: whether the smallest number becomes 0 and the largest 255; else numbers lose their
            fraction, and what is outside of 0 … 255 is put on its limits (Keras lets it wrap
            around), but for one channel, which becomes 32 bits wide.
        dtype: the float type to compute in; `floatx` where None.

    Raises:
        ValueError: if `x` is of another shape.
        ImportError: if Pillow is not installed.

    Example:
        >>> array_to_img([[[0.0], [0.5]], [[1.0], [0.25]]]).getpixel((0, 1))
        255
    """
    image = _pillow()
    kind = standardize_dtype(dtype or settings.floatx)
    array = np.asarray(convert_to_numpy(x)).astype(kind)
    if array.ndim != 3:
        raise ValueError(f"An image has three dimensions; the array's shape is {array.shape}.")
    if standardize_data_format(data_format) == "channels_first":
        array = np.moveaxis(array, 0, -1)
    if array.shape[-1] not in (1, 3, 4):
        raise ValueError(f"An image has 1, 3 or 4 channels, not {array.shape[-1]}.")
    if scale:
        wide = array.astype("float32") if array.dtype.kind != "f" else array
        wide = wide - wide.min()
        largest = wide.max()
        array = (wide / largest if largest else wide) * 255
    array = array[..., 0] if array.shape[-1] == 1 else array
    if array.ndim == 2 and array.max() > 255:
        array = array.astype("int32")
    else:
        array = np.clip(array, 0, 255).astype("uint8")
    found: Image.Image = image.fromarray(array)
    return found


def img_to_array(
    img: Image.Image | ArrayLike, data_format: str | None = None, dtype: Any = None
) -> np.ndarray:
    """An image of Pillow as an array.

    Args:
        img: the image, or an array of two or three dimensions.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dtype: the element type; `floatx` where None.

    Returns:
        Of shape `(height, width, channels)`, or with the channels first.

    Raises:
        ValueError: if it has other dimensions.

    Example:
        >>> img_to_array(array_to_img([[[0.0], [1.0]]])).tolist()
        [[[0.0], [255.0]]]
    """
    first = standardize_data_format(data_format) == "channels_first"
    array: np.ndarray = np.asarray(img).astype(standardize_dtype(dtype or settings.floatx))
    if array.ndim == 3:
        return np.moveaxis(array, -1, 0) if first else array
    if array.ndim != 2:
        raise ValueError(
            f"An image has two or three dimensions; the array's shape is {array.shape}."
        )
    return array[None] if first else array[..., None]


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image.Image:
    """The image in a file, as an image of Pillow.

    Args:
        path: of the file, or a `BytesIO` that holds one.
        color_mode: `"rgb"`, `"rgba"`, or `"grayscale"`, which leaves 16 and 32 bits as they are.
        target_size: `(height, width)`; the image's own where None.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos"`, `"box"` or `"hamming"`.
        keep_aspect_ratio: cut the image to the ratio of `target_size` first, about the middle.

    Raises:
        ValueError: if `color_mode` or `interpolation` is none of these.
        TypeError: if `path` is neither a path nor a `BytesIO`.
        ImportError: if Pillow is not installed.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/image.png"
        >>> save_img(path, [[[0.0], [1.0]]])
        >>> load_img(path, "grayscale", target_size=(2, 4)).size
        (4, 2)
    """
    image = _pillow()
    if color_mode not in _MODES:
        raise ValueError(f"color_mode is one of {tuple(_MODES)}, not {color_mode!r}.")
    if interpolation.lower() not in _INTERPOLATIONS:
        raise ValueError(f"interpolation is one of {_INTERPOLATIONS}, not {interpolation!r}.")
    if isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:
            path = io.BytesIO(file.read())
    elif not isinstance(path, io.BytesIO):
        raise TypeError(f"load_img reads a path or a BytesIO, not a {type(path).__name__}.")
    found: Image.Image = image.open(path)
    keeps = color_mode == "grayscale" and found.mode in _GRAYS
    if not keeps and found.mode != _MODES[color_mode]:
        found = found.convert(_MODES[color_mode])
    if target_size is None or found.size == (target_size[1], target_size[0]):
        return found
    method = getattr(image.Resampling, interpolation.upper())
    box = _middle(found.size, target_size) if keep_aspect_ratio else None
    return found.resize((target_size[1], target_size[0]), method, box=box)


def _middle(size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest part of an image (left, top, right, bottom) of the ratio of a size."""
    width, height = size
    kept_height = min(height, width * target_size[0] // target_size[1])
    kept_width = min(width, height * target_size[1] // target_size[0])
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    return left, top, left + kept_width, top + kept_height


def save_img(
    path: Any,
    x: ArrayLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to a file, as an image.

    Args:
        path: of the file, or something to write to.
        x, data_format, scale: as for `array_to_img`.
        file_format: `"png"`, `"jpeg"`, …; that of the path's ending where None.
        **kwargs: for Pillow: `quality=90`, …

    Raises:
        ValueError: if `x` is no image.
        ImportError: if Pillow is not installed.

    Example:
        >>> file = io.BytesIO()
        >>> save_img(file, [[[0.0], [1.0]]], file_format="png")
        >>> load_img(file, "grayscale").size
        (2, 1)
    """
    image = array_to_img(x, data_format, scale)
    ending = os.path.splitext(os.fsdecode(path))[1] if isinstance(path, (str, os.PathLike)) else ""
    name = (file_format or ending.removeprefix(".")).lower()
    if name in ("jpg", "jpeg"):
        if image.mode == "RGBA":
            warnings.warn("JPEG files have no opacity: it is left out.", stacklevel=2)
            image = image.convert("RGB")
        file_format = "jpeg"
    image.save(path, format=file_format, **kwargs)
