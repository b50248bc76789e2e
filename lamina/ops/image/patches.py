"""Images and volumes cut into windows."""

from __future__ import annotations

import numpy as np

from lamina.backend.windows import channels_first, pads
from lamina.ops import dtypes, indexing, shaping
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op
from lamina.ops.shapes_nn import Sizes, spread


@op(result=dtypes.own)
def extract_patches(
    images: TensorLike,
    size: Sizes,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of images or volumes, each as the channels of one place.

    Args:
        images: an image or a batch of them; where `size` is three numbers, a volume or a batch of
            them.
        size: the window: one number or two for images, three for volumes.
        strides: the step between windows; the window's size where None.
        dilation_rate: the distance between the places that a window looks at.
        padding: `"valid"` (none) or `"same"` (zeros around, so that there are size / stride
            windows).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Of the type of `images`: windows in place of the places, and for each its rows, columns and
        channels, in this order, as channels.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.arange(16), (4, 4, 1))
        >>> ops.convert_to_numpy(ops.image.extract_patches(image, 2))[0].tolist()
        [[0, 1, 4, 5], [2, 3, 6, 7]]
    """
    rank = 2 if isinstance(size, int) else len(size)
    if rank not in (2, 3):
        raise ShapeError(f"size is one number, two for images or three for volumes, not {size!r}.")
    return _patches(images, rank, size, strides, dilation_rate, padding, data_format)


@op(result=dtypes.own)
def extract_patches_3d(
    volumes: TensorLike,
    size: Sizes,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of volumes, each as the channels of one place: `extract_patches` of volumes.

    Args:
        volumes: `(depth, height, width, channels)`, or a batch of them.
        size: the window, one number for all or one for each of the three dimensions.
        strides, dilation_rate, padding, data_format: as for `extract_patches`.

    Returns:
        Of the type of `volumes`: windows in place of the places, and for each its depth, rows,
        columns and channels, in this order, as channels.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> ops.shape(ops.image.extract_patches_3d(ops.ones((4, 4, 4, 1)), 2))
        (2, 2, 2, 8)
    """
    return _patches(volumes, 3, size, strides, dilation_rate, padding, data_format)


def _patches(
    images: Tensor,
    rank: int,
    size: Sizes,
    strides: Sizes | None,
    dilation_rate: Sizes,
    padding: str,
    data_format: str | None,
) -> Tensor:
    """The windows of something of `rank` spatial dimensions."""
    shape: Shape = tuple(images.shape)
    if len(shape) not in (rank + 1, rank + 2):
        raise ShapeError(
            f"windows of {rank} dimensions are cut from {rank + 1} dimensions, or {rank + 2} with "
            f"a batch; the shape is {shape}."
        )
    sizes = spread(size, rank, "size")
    steps = sizes if strides is None else spread(strides, rank, "strides")
    rates = spread(dilation_rate, rank, "dilation_rate")
    if padding.lower() not in ("valid", "same"):
        raise ShapeError(f"padding is 'valid' or 'same', not {padding!r}.")
    if min(*sizes, *steps, *rates) < 1:
        raise ShapeError(
            f"size {size}, strides {strides} and dilation_rate {dilation_rate} must be above 0."
        )
    first = channels_first(data_format)
    batch = len(shape) - rank - 1
    space = range(batch + first, batch + first + rank)
    widths = [(width - 1) * rate + 1 for width, rate in zip(sizes, rates, strict=True)]
    around = [(0, 0)] * len(shape)
    around[space.start : space.stop] = pads([shape[i] for i in space], widths, steps, padding)
    windows = shaping.pad(images, around) if padding.lower() == "same" else images
    for i in reversed(range(rank)):
        windows = _windows(windows, space[i], sizes[i], steps[i], rates[i])
    # Now each spatial dimension is followed by that of its windows; these go before the channels.
    places = [batch + first + 2 * i for i in range(rank)]
    inside = [place + 1 for place in places]
    channels = batch if first else len(windows.shape) - 1
    merged = [*inside, channels]
    order = [*range(batch), *merged, *places] if first else [*range(batch), *places, *merged]
    windows = shaping.transpose(windows, order)
    left = windows.shape[:batch]
    if first:
        return shaping.reshape(windows, (*left, -1, *windows.shape[batch + rank + 1 :]))
    return shaping.reshape(windows, (*windows.shape[: batch + rank], -1))


def _windows(x: Tensor, axis: int, size: int, step: int, rate: int) -> Tensor:
    """`x` with an axis made two: the windows along it, and the places of each."""
    places = x.shape[axis]
    count = (places - (size - 1) * rate - 1) // step + 1
    if size == step and rate == 1:  # no place is in two windows, and none between them
        whole = indexing.get_item(x, (*(slice(None),) * axis, slice(0, count * step)))
        return shaping.reshape(whole, (*x.shape[:axis], count, size, *x.shape[axis + 1 :]))
    chosen = np.arange(count)[:, None] * step + np.arange(size) * rate
    return indexing.take(x, chosen.astype("int32"), axis=axis)
