"""Shape rules of blocks and patches; see `lamina.ops.shapes`."""

from __future__ import annotations

from lamina.ops.row import Shape, ShapeError
from lamina.ops.shapes_nn import Sizes, join_format, split_format, spread
from lamina.symbolic.dimension import Unknown


def _images(x: Shape, block_size: int, data_format: str | None) -> tuple[int, Shape, int]:
    if len(x) != 4:
        raise ShapeError(f"images have 4 dimensions; the input's shape is {x}.")
    if block_size < 2:
        raise ShapeError(f"block_size is 2 or more, not {block_size}.")
    return split_format(x, data_format)


def depth_to_space(x: Shape, block_size: int, data_format: str | None = "channels_last") -> Shape:
    batch, spatial, channels = _images(x, block_size, data_format)
    if channels % block_size**2 and not isinstance(channels, Unknown):
        raise ShapeError(f"{channels} channels are no multiple of block_size² = {block_size**2}.")
    sizes = tuple(size * block_size for size in spatial)
    return join_format(batch, sizes, channels // block_size**2, data_format)


def space_to_depth(x: Shape, block_size: int, data_format: str | None = "channels_last") -> Shape:
    batch, spatial, channels = _images(x, block_size, data_format)
    if any(size % block_size for size in spatial if not isinstance(size, Unknown)):
        raise ShapeError(f"the image of {spatial} places has no whole blocks of {block_size}.")
    sizes = tuple(size // block_size for size in spatial)
    return join_format(batch, sizes, channels * block_size**2, data_format)


def count(size: int, window: int, rate: int, margin: int, step: int) -> int:
    """How many patches there are along `size` places with a margin before and after."""
    return (size + 2 * margin - (window - 1) * rate - 1) // step + 1


def _counts(
    spatial: Shape, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> tuple[int, int]:
    """How many elements a patch has, and how many patches there are."""
    kernel = spread(kernel_size, 2, "kernel_size")
    rates, margins = spread(dilation, 2, "dilation"), spread(padding, 2, "padding")
    steps = spread(stride, 2, "stride")
    rows, columns = map(count, spatial, kernel, rates, margins, steps)
    if rows < 1 or columns < 1:
        raise ShapeError(
            f"a patch of {kernel}, dilation {rates}, does not fit into an image of {spatial} with "
            f"a padding of {margins}."
        )
    return kernel[0] * kernel[1], rows * columns


def unfold(
    x: Shape, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Shape:
    if len(x) != 4:
        raise ShapeError(f"images are (batch, channels, height, width), not of shape {x}.")
    elements, patches = _counts(x[2:], kernel_size, dilation, padding, stride)
    return x[0], x[1] * elements, patches


def fold(
    x: Shape,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Shape:
    if len(x) != 3:
        raise ShapeError(f"patches are (batch, elements, patches), not of shape {x}.")
    sizes = spread(output_size, 2, "output_size")
    elements, patches = _counts(sizes, kernel_size, dilation, padding, stride)
    if x[1] % elements or (x[2] != patches and not isinstance(x[2], Unknown)):
        raise ShapeError(
            f"images of {sizes} have {patches} patches of {elements} elements a channel; the shape "
            f"{x} has {x[2]} of {x[1]}."
        )
    return x[0], x[1] // elements, *sizes
