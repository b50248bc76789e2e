"""Images made larger and smaller."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from numbers import Integral
from types import SimpleNamespace
from typing import Any

import numpy as np

from lamina.backend.dtypes import is_float, is_integer, standardize_dtype
from lamina.ops import (
    arithmetic,
    comparison,
    conversion,
    creation,
    dtypes,
    elementwise,
    indexing,
    linear_algebra,
    logical,
    reductions,
    rounding,
    shaping,
    trigonometric,
)
from lamina.ops.image import layout
from lamina.ops.image.sampling import as_type
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op
from lamina.ops.shapes import canonical_axes
from lamina.symbolic.dimension import Unknown

# The weight of a place at a distance, in places; its first argument is `numpy`, or `_OPS`.
Weight = Callable[[Any, Any], Any]


def _triangle(xp: Any, x: Any) -> Any:
    return xp.maximum(1 - x, 0)


def _keys(xp: Any, x: Any) -> Any:
    """Keys' cubic, with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return xp.where(x < 1, near, xp.where(x < 2, far, 0))


def _lanczos(radius: int, xp: Any, x: Any) -> Any:
    return xp.where(x < radius, xp.sinc(x) * xp.sinc(x / radius), 0)


_WEIGHTS: dict[str, Weight] = {
    "bilinear": _triangle,
    "bicubic": _keys,
    "lanczos3": functools.partial(_lanczos, 3),
    "lanczos5": functools.partial(_lanczos, 5),
}
INTERPOLATIONS = ("nearest", *_WEIGHTS)
_ALIASES = {"linear": "bilinear", "trilinear": "bilinear", "triangle": "bilinear"}
_ALIASES |= {"cubic": "bicubic", "tricubic": "bicubic"}
METHODS = (*_WEIGHTS, *_ALIASES)
_OPS = SimpleNamespace(
    maximum=arithmetic.maximum,
    where=comparison.where,
    sinc=trigonometric.sinc,
)


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
        raise ShapeError(f"interpolation is one of {INTERPOLATIONS}, not {interpolation!r}.")
    if np.shape(size) != (2,) or not all(isinstance(one, Integral) and one > 0 for one in size):
        raise ShapeError(f"size is (height, width), two integers above 0, not {size!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ShapeError("images are cropped or padded to the aspect ratio, not both: choose one.")
    if fill_mode != "constant":
        raise ShapeError(f"fill_mode is 'constant', not {fill_mode!r}.")
    rows, columns, _ = layout.axes(images, data_format)
    return (*images[:rows], *map(int, size), *images[columns + 1 :])


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
    rows = layout.axes(images.shape, data_format)[0]
    size = [int(one) for one in size]
    if crop_to_aspect_ratio:
        images = _cropped(images, rows, size)
    if pad_to_aspect_ratio:
        images = _padded(images, rows, size, fill_value)
    axes = [(rows, size[0]), (rows + 1, size[1])]
    if interpolation == "nearest":
        for axis, count in axes:
            images = indexing.take(images, _nearest(images.shape[axis], count), axis=axis)
        return images
    wide = _wide(images)
    for axis, count in axes:
        if images.shape[axis] != count:
            weights = _matrix(images.shape[axis], count, interpolation, antialias)
            wide = _along(wide, axis, conversion.cast(weights, wide.dtype))
    dtype = standardize_dtype(images.dtype)
    return as_type(rounding.round(wide) if is_integer(dtype) else wide, dtype)


def _wide(images: Tensor) -> Tensor:
    """Floats of 32 bits at least."""
    dtype = standardize_dtype(images.dtype)
    return images if dtype == "float64" else conversion.cast(images, "float32")


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
    weights = _WEIGHTS[interpolation](np, distances / (max(scale, 1.0) if antialias else 1.0))
    matrix: np.ndarray = weights / weights.sum(0)
    return matrix


def _along(images: Tensor, axis: int, matrix: Any) -> Tensor:
    """The product of a matrix with each vector along an axis."""
    before, after = images.shape[:axis], images.shape[axis + 1 :]
    if not after:
        return linear_algebra.matmul(images, matrix)
    # A product from the left leaves all axes where they are.
    wide = shaping.reshape(images, (*images.shape[: axis + 1], math.prod(after)))
    wide = linear_algebra.matmul(shaping.transpose(matrix), wide)
    return shaping.reshape(wide, (*before, wide.shape[-2], *after))


def _moved(
    images: Shape,
    output_shape: Sequence[int],
    scale: Shape,
    translation: Shape,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    if method not in METHODS:
        raise ShapeError(f"method is one of {METHODS}, not {method!r}.")
    if len(output_shape) != len(images):
        raise ShapeError(f"output_shape {output_shape} is not for images of shape {images}.")
    if not tuple(scale) == tuple(translation) == (len(spatial_dims),):
        raise ShapeError(
            f"scale and translation have a number for each of the spatial_dims {spatial_dims}; "
            f"their shapes are {scale} and {translation}."
        )
    spatial = canonical_axes(list(spatial_dims), len(images))
    for axis, (size, wanted) in enumerate(zip(images, output_shape, strict=True)):
        if axis not in spatial and size != wanted and not isinstance(size, Unknown):
            raise ShapeError(
                f"axis {axis} is not among the spatial_dims {spatial_dims}, so its size remains "
                f"{size}, and cannot become {wanted}."
            )
    return tuple(output_shape)


def _own_float(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """The images' type if that is a float; `scale` and `translation` keep theirs."""
    return None, types[0] if is_float(types[0]) else dtypes.floating(types[:1], dtype)[1]


@op(result=_own_float, shape=_moved)
def scale_and_translate(
    images: TensorLike,
    output_shape: Sequence[int],
    scale: TensorLike,
    translation: TensorLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Tensor:
    """An array made larger or smaller, and moved: x goes to x * scale + translation.

    Places have their middles at 0.5, 1.5, …: along each axis,
    y[i] = Σ_j w(|p_i - j|) x[j] / Σ_j w(|p_i - j|), p_i = (i + ½ - translation) / scale - ½, and 0
    where p_i lies outside.

    Args:
        images: an array of any number of dimensions.
        output_shape: the shape of the result, of as many.
        scale: how many times larger each of the `spatial_dims` becomes.
        translation: how far each of them moves, in places of the result.
        spatial_dims: the axes.
        method: the weights w, as for `resize`: `"linear"` (also `"bilinear"`, `"trilinear"`,
            `"triangle"`), `"cubic"` (also `"bicubic"`, `"tricubic"`), `"lanczos3"`, `"lanczos5"`.
        antialias: whether w is widened by 1 / scale where that is above 1.

    Returns:
        An array of `output_shape` and the type of `images`, or `floatx` where that is no float.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> x = ops.convert_to_tensor([0.0, 1.0, 2.0])
        >>> wide = ops.image.scale_and_translate(x, (5,), [2.0], [-0.5], (0,), "linear")
        >>> ops.convert_to_numpy(wide).tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    _moved(
        images.shape,
        output_shape,
        scale.shape,
        translation.shape,
        spatial_dims,
        method,
    )
    wide = _wide(images)
    kernel = _WEIGHTS[_ALIASES.get(method, method)]
    for i, axis in enumerate(canonical_axes(list(spatial_dims), len(images.shape))):
        places = creation.arange(images.shape[axis], dtype=wide.dtype)
        steps = creation.arange(output_shape[axis], dtype=wide.dtype)
        stretch, shift = (conversion.cast(one[i], wide.dtype) for one in (scale, translation))
        centers = (steps + 0.5 - shift) / stretch - 0.5
        distances = elementwise.absolute(centers - shaping.reshape(places, (-1, 1)))
        if antialias:
            distances = distances / arithmetic.maximum(1 / stretch, 1)
        weights = kernel(_OPS, distances)
        total = reductions.sum(weights, axis=0)
        inside = logical.logical_and(centers >= -0.5, centers <= images.shape[axis] - 0.5)
        weights = arithmetic.divide_no_nan(weights, comparison.where(inside, total, 0))
        wide = _along(wide, axis, weights)
    return wide
