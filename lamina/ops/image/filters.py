"""Images blurred, and the edges in them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from lamina.backend.dtypes import standardize_dtype
from lamina.ops import conversion, convolution, dtypes, indexing, joining, shaping
from lamina.ops.image import layout
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op


def _blur_fits(
    images: Shape, kernel_size: Sequence[int], sigma: Sequence[float], data_format: str | None
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    layout.axes(images, data_format)
    for name, value in (("kernel_size", kernel_size), ("sigma", sigma)):
        if not isinstance(value, (list, tuple)) or len(value) != 2 or not min(value) > 0:
            raise ShapeError(f"{name} is (height, width), two numbers above 0, not {value!r}.")
    return images


@op(result=dtypes.floating, shape=_blur_fits)
def gaussian_blur(
    images: TensorLike,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:
    """Images blurred: y[p] = Σ_k w[k] x[p + k], w[k] ~ exp(-k² / 2σ²) along each axis, Σ w = 1.

    Args:
        images: an image or a batch of them; around them is zero.
        kernel_size: over how many rows and columns the sum goes.
        sigma: the width σ along rows and columns, in places.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the shape of `images`, of a float type. Keras does the same on TensorFlow; on JAX
        it takes (width, height) for (height, width), and channels for first where `data_format`
        is None.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.convert_to_tensor([0.0, 0.0, 1.0, 0.0, 0.0]), (1, 5, 1))
        >>> blurred = ops.image.gaussian_blur(image, (1, 3), (1.0, 1.0))
        >>> [round(one, 3) for one in ops.convert_to_numpy(blurred).ravel().tolist()]
        [0.0, 0.274, 0.452, 0.274, 0.0]
    """
    _blur_fits(images.shape, kernel_size, sigma, data_format)
    batch = layout.batched(images)
    return layout.unbatched(blurred(batch, kernel_size, sigma, "same", data_format), images)


def blurred(
    batch: Tensor,
    kernel_size: Sequence[int],
    sigma: Sequence[float],
    padding: str,
    data_format: str | None,
) -> Tensor:
    """A batch of images convolved with a Gaussian along rows, then along columns."""
    channels = batch.shape[layout.axes(batch.shape, data_format)[2]]
    for axis in (0, 1):
        weights = _gaussian(kernel_size[axis], float(sigma[axis]))
        window = weights.reshape((-1, 1) if axis == 0 else (1, -1))[..., None, None]
        kernel = np.broadcast_to(window, (*window.shape[:2], channels, 1))
        kernel = conversion.cast(kernel, standardize_dtype(batch.dtype))
        batch = convolution.depthwise_conv(batch, kernel, 1, padding, data_format)
    return batch


@functools.lru_cache(maxsize=128)
def _gaussian(size: int, sigma: float) -> np.ndarray:
    """The weights of `size` places around the middle; they sum to 1."""
    places = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(places**2) / (2 * sigma**2))
    normalized: np.ndarray = weights / weights.sum()
    return normalized


def _edges(images: Shape, data_format: str | None) -> Shape:
    layout.axes(images, data_format)
    return (*images, 2)


def _signed(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """The images' own type, where it has numbers below 0, else a float."""
    unsigned = types[0] == "bool" or types[0].startswith("uint")
    return dtypes.promoted(["float" if unsigned else types[0]], dtype)


@op(result=_signed, shape=_edges)
def sobel_edges(images: TensorLike, data_format: str | None = None) -> Tensor:
    """How fast images change: Sobel's derivatives along rows and along columns.

    dy[r, c] = Σ_i s[i] (x[r + 1, c + i] - x[r - 1, c + i]), s = (1, 2, 1), i = -1, 0, 1, and dx the
    same with rows and columns exchanged.

    Args:
        images: an image or a batch of them; around them is zero.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Of the shape `(*images.shape, 2)`: (dy, dx) at each place, in the type of `images`, or
        `floatx` where that has no numbers below 0.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.arange(9.0), (1, 3, 3, 1))
        >>> ops.convert_to_numpy(ops.image.sobel_edges(image))[0, 1, 1, 0].tolist()
        [24.0, 8.0]

    Reference:
        Sobel and Feldman, 1968, "A 3x3 isotropic gradient operator for image processing".
    """
    rows, columns, _ = layout.axes(images.shape, data_format)
    widths = [(1, 1) if axis in (rows, columns) else (0, 0) for axis in range(len(images.shape))]
    wide = shaping.pad(images, widths)
    found = [_smooth(_slope(wide, a), b) for a, b in ((rows, columns), (columns, rows))]
    return joining.stack(found, axis=-1)


def _three(x: Tensor, axis: int) -> list[Tensor]:
    """For each place along an axis but the outer ones: the one before, itself, the one after."""
    size = x.shape[axis] - 2
    before = (slice(None),) * axis
    return [indexing.get_item(x, (*before, slice(i, i + size))) for i in range(3)]


def _slope(x: Tensor, axis: int) -> Tensor:
    low, _, high = _three(x, axis)
    return high - low


def _smooth(x: Tensor, axis: int) -> Tensor:
    low, middle, high = _three(x, axis)
    return low + 2 * middle + high
