"""Images made larger and smaller.

Images are `(batch, height, width, channels)` or `(height, width, channels)`; with
`data_format="channels_first"` the channels come before the height.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamina.backend.config import standardize_data_format
from lamina.backend.dtypes import is_float, is_integer, standardize_dtype
from lamina.ops import conversion, dtypes, indexing, linear_algebra, rounding, shaping
from lamina.ops.row import Shape, Tensor, TensorLike, op

Weights = Callable[[np.ndarray], np.ndarray]


def _triangle(x: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.maximum(0, 1 - x)
    return weights


def _keys(x: np.ndarray) -> np.ndarray:
    """Keys' cubic, with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius: int, x: np.ndarray) -> np.ndarray:
    return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


# By interpolation: the weight of a place at a distance, in places of the input.
_WEIGHTS: dict[str, Weights] = {
    "bilinear": _triangle,
    "bicubic": _keys,
    "lanczos3": functools.partial(_lanczos, 3),
    "lanczos5": functools.partial(_lanczos, 5),
}
INTERPOLATIONS = ("nearest", *_WEIGHTS)


def _resized(
    images: Shape,
    size: Sequence[int],
    interpolation: str,
    antialias: bool,
    crop_to_aspect_ratio: bool,
    pad_to_aspect_ratio: bool,
    fill_mode: str,
    fill_value: float,
    data_format: str | None,
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation is one of {INTERPOLATIONS}, not {interpolation!r}.")
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ValueError(f"size is (height, width), two integers, not {size!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Images are cropped or padded to the aspect ratio, not both: choose one.")
    if fill_mode != "constant":
        raise ValueError(f"fill_mode is 'constant', not {fill_mode!r}.")
    if len(images) not in (3, 4):
        raise ValueError(f"resize takes an image or a batch of them; the shape is {images}.")
    rows = _rows_axis(len(images), data_format)
    return (*images[:rows], *size, *images[rows + 2 :])


def _rows_axis(rank: int, data_format: str | None) -> int:
    return rank - (2 if standardize_data_format(data_format) == "channels_first" else 3)


@op(result=dtypes.own, shape=_resized)
def resize(
    images: TensorLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images of another size: each place a weighted mean of the places around it.

    Along each axis, y[i] = Σ_j w(|p_i - j|) x[j] / Σ_j w(|p_i - j|), p_i = (i + ½) n / m - ½, for
    n places made m.

    Args:
        images: an image or a batch of them.
        size: `(height, width)` of the result.
        interpolation: the weights w: `"nearest"`, `"bilinear"`, `"bicubic"` (Keys, a = -½),
            `"lanczos3"` or `"lanczos5"`.
        antialias: whether w is widened by n / m where an image is made smaller.
        crop_to_aspect_ratio: cut the images to the ratio of `size` first, about the middle.
        pad_to_aspect_ratio: widen the images to the ratio of `size` first, on both sides.
        fill_mode: `"constant"`.
        fill_value: what is put where images are widened.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the type of `images`; integers are rounded, and stay within their type.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.convert_to_tensor([0.0, 1.0]), (1, 2, 1))
        >>> ops.convert_to_numpy(ops.image.resize(image, (1, 4))).ravel().tolist()
        [0.0, 0.25, 0.75, 1.0]

    Reference:
        Keys, 1981, https://doi.org/10.1109/TASSP.1981.1163711
    """
    _resized(
        images.shape,
        size,
        interpolation,
        antialias,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        fill_mode,
        fill_value,
        data_format,
    )
    rows = _rows_axis(len(images.shape), data_format)
    if crop_to_aspect_ratio:
        images = _cropped(images, rows, size)
    if pad_to_aspect_ratio:
        images = _padded(images, rows, size, fill_value)
    axes = [(rows, size[0]), (rows + 1, size[1])]
    if interpolation == "nearest":
        for axis, count in axes:
            images = indexing.take(images, _nearest(images.shape[axis], count), axis=axis)
        return images
    dtype = standardize_dtype(images.dtype)
    wide = images if dtype == "float64" else conversion.cast(images, "float32")
    for axis, count in axes:
        if images.shape[axis] != count:
            weights = _matrix(images.shape[axis], count, interpolation, antialias)
            wide = _along(wide, axis, conversion.cast(weights, wide.dtype))
    if is_float(dtype):
        return conversion.cast(wide, dtype)
    wide = rounding.round(wide)
    return conversion.saturate_cast(wide, dtype) if is_integer(dtype) else wide != 0


def _cropped(images: Tensor, rows: int, size: Sequence[int]) -> Tensor:
    height, width = images.shape[rows], images.shape[rows + 1]
    kept = (min(height, width * size[0] // size[1]), min(width, height * size[1] // size[0]))
    starts = ((height - kept[0]) // 2, (width - kept[1]) // 2)
    parts = [slice(start, start + count) for start, count in zip(starts, kept, strict=True)]
    return indexing.get_item(images, (*[slice(None)] * rows, *parts))


def _padded(images: Tensor, rows: int, size: Sequence[int], fill_value: float) -> Tensor:
    height, width = images.shape[rows], images.shape[rows + 1]
    wanted = (max(height, width * size[0] // size[1]), max(width, height * size[1] // size[0]))
    widths = [(0, 0)] * len(images.shape)
    for axis, places, count in ((rows, height, wanted[0]), (rows + 1, width, wanted[1])):
        widths[axis] = ((count - places) // 2,) * 2  # the same on both sides, as Keras does
    return shaping.pad(images, widths, constant_values=fill_value)


@functools.lru_cache(maxsize=128)
def _nearest(places: int, count: int) -> np.ndarray:
    """For each of `count` places of the result, the place of the input that it shows."""
    return np.floor((np.arange(count) + 0.5) * places / count).astype("int32")


@functools.lru_cache(maxsize=128)
def _matrix(places: int, count: int, interpolation: str, antialias: bool) -> np.ndarray:
    """The weight of each place of the input (rows) in each place of the result (columns)."""
    scale = places / count
    centers = (np.arange(count) + 0.5) * scale - 0.5
    distances = np.abs(centers - np.arange(places)[:, None])
    width = max(scale, 1.0) if antialias else 1.0
    weights = _WEIGHTS[interpolation](distances / width)
    matrix: np.ndarray = weights / weights.sum(0)
    return matrix


def _along(images: Tensor, axis: int, matrix: Any) -> Tensor:
    """The product of a matrix with each vector along an axis."""
    letters = "abcd"[: len(images.shape)]
    result = letters.replace(letters[axis], "z")
    return linear_algebra.einsum(f"{letters},{letters[axis]}z->{result}", images, matrix)
