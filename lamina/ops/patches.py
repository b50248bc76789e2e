"""Images taken apart into blocks and patches, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend.dtypes import result_type
from lamina.backend.windows import channels_first, spread
from lamina.ops import dtypes, indexing, joining, shapes_patches, shaping
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shapes_nn import Sizes
from lamina.ops.shapes_patches import count


@op(result=dtypes.own, shape=shapes_patches.depth_to_space)
def depth_to_space(
    x: TensorLike, block_size: int, data_format: str | None = "channels_last"
) -> Tensor:
    """Channels laid out as blocks of places: y[h b + i, w b + j, c] = x[h, w, (i b + j) C + c].

    Here b is `block_size` and C the number of channels of the result. Sub-pixel convolutions end
    with it.

    Args:
        x: images, whose channels are a multiple of block_size².
        block_size: the height and width of a block; 2 or more.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images block_size times as high and wide, with block_size² times fewer channels.

    Example:
        >>> from lamina import ops
        >>> y = ops.depth_to_space(ops.reshape(ops.arange(4), (1, 1, 1, 4)), 2)
        >>> ops.convert_to_numpy(y)[0, :, :, 0].tolist()
        [[0, 1], [2, 3]]

    Reference:
        Shi et al., 2016, https://arxiv.org/abs/1609.05158
    """
    b = block_size
    if channels_first(data_format):
        _, c, h, w = x.shape
        blocks = shaping.reshape(x, (-1, b, b, c // b**2, h, w))
        apart = shaping.transpose(blocks, (0, 3, 4, 1, 5, 2))
        return shaping.reshape(apart, (-1, c // b**2, h * b, w * b))
    _, h, w, c = x.shape
    blocks = shaping.reshape(x, (-1, h, w, b, b, c // b**2))
    apart = shaping.transpose(blocks, (0, 1, 3, 2, 4, 5))
    return shaping.reshape(apart, (-1, h * b, w * b, c // b**2))


@op(result=dtypes.own, shape=shapes_patches.space_to_depth)
def space_to_depth(
    x: TensorLike, block_size: int, data_format: str | None = "channels_last"
) -> Tensor:
    """Blocks of places laid out as channels; the inverse of `depth_to_space`.

    Args:
        x: images, whose height and width are multiples of `block_size`.
        block_size: the height and width of a block; 2 or more.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images block_size times less high and wide, with block_size² times the channels.

    Example:
        >>> from lamina import ops
        >>> y = ops.space_to_depth(ops.reshape(ops.arange(4), (1, 2, 2, 1)), 2)
        >>> ops.convert_to_numpy(y).tolist()
        [[[[0, 1, 2, 3]]]]
    """
    b = block_size
    if channels_first(data_format):
        _, c, h, w = x.shape
        blocks = shaping.reshape(x, (-1, c, h // b, b, w // b, b))
        joined = shaping.transpose(blocks, (0, 3, 5, 1, 2, 4))
        return shaping.reshape(joined, (-1, c * b**2, h // b, w // b))
    _, h, w, c = x.shape
    blocks = shaping.reshape(x, (-1, h // b, b, w // b, b, c))
    joined = shaping.transpose(blocks, (0, 1, 3, 2, 4, 5))
    return shaping.reshape(joined, (-1, h // b, w // b, c * b**2))


def _taken(x: Tensor, axis: int, window: int, rate: int, step: int) -> Tensor:
    """One axis as two, `window` and patches: x[i * rate + n * step] at (i, n)."""
    patches = count(x.shape[axis], window, rate, 0, step)
    before = (slice(None),) * axis
    parts = [
        indexing.get_item(x, (*before, slice(start, start + (patches - 1) * step + 1, step)))
        for start in range(0, window * rate, rate)
    ]
    return joining.stack(parts, axis=axis)


def _put(x: Tensor, axis: int, size: int, rate: int, step: int) -> Tensor:
    """Two axes, window and patches, as one of so many places; the transpose of `_taken`."""
    window, patches = x.shape[axis : axis + 2]
    rank = len(x.shape)
    if step > 1:
        x = shaping.expand_dims(x, axis + 2)
        x = shaping.pad(x, _around(rank + 1, axis + 2, 0, step - 1))
        x = shaping.reshape(x, (-1, *x.shape[1 : axis + 1], patches * step, *x.shape[axis + 3 :]))
    reach = (patches - 1) * step + 1
    total: Any = 0
    for i, part in enumerate(joining.unstack(x, window, axis=axis)):
        part = indexing.get_item(part, ((slice(None),) * axis + (slice(reach),)))
        margins = _around(rank - 1, axis, i * rate, size - reach - i * rate)
        total = total + shaping.pad(part, margins)
    return total


def _around(rank: int, axis: int, before: int, after: int) -> tuple[tuple[int, int], ...]:
    """What `pad` is to add to one axis."""
    return tuple((before, after) if i == axis else (0, 0) for i in range(rank))


@op(result=dtypes.own, shape=shapes_patches.unfold)
def unfold(
    x: TensorLike, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """The patches of images, each as a column: the matrix that a convolution multiplies (im2col).

    Args:
        x: images of shape `(batch, channels, height, width)`, whatever the data format.
        kernel_size: the height and width of a patch, one for both or one for each, as below.
        dilation: the distance between the places that a patch looks at.
        padding: how many zeros to put before and after each dimension.
        stride: the step between patches.

    Returns:
        A tensor of shape `(batch, channels * height * width of a patch, patches)`.

    Example:
        >>> from lamina import ops
        >>> x = ops.reshape(ops.arange(9.0), (1, 1, 3, 3))
        >>> ops.convert_to_numpy(ops.unfold(x, 2)).tolist()
        [[[0.0, 1.0, 3.0, 4.0], [1.0, 2.0, 4.0, 5.0], [3.0, 4.0, 6.0, 7.0], [4.0, 5.0, 7.0, 8.0]]]
    """
    kernel, rates, margins, steps = (
        spread(one, 2) for one in (kernel_size, dilation, padding, stride)
    )
    if any(margins):
        x = shaping.pad(x, ((0, 0), (0, 0), *((n, n) for n in margins)))
    for axis, *one in zip((2, 4), kernel, rates, steps, strict=True):
        x = _taken(x, axis, *one)
    _, channels, _, rows, _, columns = x.shape
    patches = shaping.transpose(x, (0, 1, 2, 4, 3, 5))
    return shaping.reshape(patches, (-1, channels * kernel[0] * kernel[1], rows * columns))


def _added(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """The type of the patches; booleans are added up as integers."""
    common = result_type(*types)
    return ("int32" if common == "bool" else common), common


@op(result=_added, shape=shapes_patches.fold)
def fold(
    x: TensorLike,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Patches put back into images, and added up where they overlap; the transpose of `unfold`.

    Args:
        x: of shape `(batch, channels * height * width of a patch, patches)`.
        output_size: the height and width of the images, one for both or one for each, as below.
        kernel_size, dilation, padding, stride: as for `unfold`.

    Returns:
        Images of shape `(batch, channels, height, width)`.

    Example:
        >>> from lamina import ops
        >>> ones = ops.ones((1, 4, 4))  # 4 patches of 2 x 2
        >>> ops.convert_to_numpy(ops.fold(ones, 3, 2)).tolist()
        [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]
    """
    kernel, rates, margins, steps = (
        spread(one, 2) for one in (kernel_size, dilation, padding, stride)
    )
    height, width = spread(output_size, 2)
    sizes = height + 2 * margins[0], width + 2 * margins[1]
    counts = [count(*one[:3], 0, one[3]) for one in zip(sizes, kernel, rates, steps, strict=True)]
    channels = x.shape[1] // (kernel[0] * kernel[1])
    patches = shaping.reshape(x, (-1, channels, *kernel, *counts))
    images = shaping.transpose(patches, (0, 1, 2, 4, 3, 5))
    for axis, *one in zip((4, 2), sizes[::-1], rates[::-1], steps[::-1], strict=True):
        images = _put(images, axis, *one)
    (top, left), (bottom, right) = margins, (margins[0] + height, margins[1] + width)
    return indexing.get_item(images, (..., slice(top, bottom), slice(left, right)))
