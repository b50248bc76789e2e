"""Shape rules of convolution, pooling, encodings and attention; see `lamina.ops.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend.config import standardize_data_format
from lamina.backend.windows import transposed_pads
from lamina.ops.row import Shape, ShapeError
from lamina.ops.shapes import canonical_axis
from lamina.symbolic.dimension import Unknown

Sizes = int | Sequence[int]


def spread(value: Sizes, rank: int, name: str) -> tuple[int, ...]:
    """One number for each of `rank` dimensions, from one for all or one for each."""
    if isinstance(value, int):
        return (value,) * rank
    sizes = tuple(value)
    if len(sizes) == 1:
        return sizes * rank
    if len(sizes) != rank:
        raise ShapeError(f"{name} must be one integer or {rank} of them, not {value!r}.")
    return sizes


def split_format(shape: Shape, data_format: str | None) -> tuple[Any, Shape, int]:
    """(batch, spatial dimensions, channels) of a batch of images."""
    if len(shape) < 3:
        raise ShapeError(f"the input needs a batch, space and channels; its shape is {shape}.")
    if standardize_data_format(data_format) == "channels_last":
        return shape[0], shape[1:-1], shape[-1]
    return shape[0], shape[2:], shape[1]


def join_format(batch: int, spatial: Shape, channels: int, data_format: str | None) -> Shape:
    if standardize_data_format(data_format) == "channels_last":
        return (batch, *spatial, channels)
    return (batch, channels, *spatial)


def _window(size: int, window: int, stride: int, padding: str) -> int:
    """How many windows of that width there are along `size` places."""
    if padding in ("same", "causal"):
        return -(-size // stride)
    if padding != "valid":
        raise ShapeError(f"padding is 'valid' or 'same', not {padding!r}.")
    if size < window:
        raise ShapeError(
            f"a window of {window} (dilation counted) does not fit into an input of {size}; use "
            "padding='same', a smaller window or a larger input."
        )
    return (size - window) // stride + 1


def _windows(spatial: Shape, windows: Sequence[int], strides: Sequence[int], padding: str) -> Shape:
    padding = padding.lower()
    return tuple(
        _window(size, window, stride, padding)
        for size, window, stride in zip(spatial, windows, strides, strict=True)
    )


def _dilated(kernel: Shape, dilation_rate: Sizes) -> list[int]:
    rates = spread(dilation_rate, len(kernel), "dilation_rate")
    return [(size - 1) * rate + 1 for size, rate in zip(kernel, rates, strict=True)]


def _kernel_fits(inputs: Shape, kernel: Shape) -> None:
    if len(kernel) != len(inputs):
        raise ShapeError(
            f"an input of shape {inputs} needs a kernel of {len(inputs)} dimensions; its shape is "
            f"{kernel}."
        )


def conv(
    inputs: Shape,
    kernel: Shape,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Shape:
    _kernel_fits(inputs, kernel)
    batch, spatial, channels = split_format(inputs, data_format)
    groups = channels // kernel[-2]
    if groups * kernel[-2] != channels or kernel[-1] % groups:
        raise ShapeError(
            f"the kernel of shape {kernel} takes {kernel[-2]} channels a group and makes "
            f"{kernel[-1]}: the input's {channels} channels do not divide into such groups."
        )
    steps = spread(strides, len(spatial), "strides")
    found = _windows(spatial, _dilated(kernel[:-2], dilation_rate), steps, padding)
    return join_format(batch, found, kernel[-1], data_format)


def depthwise_conv(
    inputs: Shape,
    kernel: Shape,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Shape:
    _kernel_fits(inputs, kernel)
    batch, spatial, channels = split_format(inputs, data_format)
    if kernel[-2] != channels:
        raise ShapeError(
            f"the kernel of shape {kernel} takes {kernel[-2]} channels; the input has {channels}."
        )
    steps = spread(strides, len(spatial), "strides")
    found = _windows(spatial, _dilated(kernel[:-2], dilation_rate), steps, padding)
    return join_format(batch, found, channels * kernel[-1], data_format)


def affine_conv(inputs: Shape, kernel: Shape, bias: Shape | None, *settings: Any) -> Shape:
    if bias is not None and tuple(bias) != tuple(kernel[-1:]):
        raise ShapeError(f"a kernel of shape {kernel} needs a bias of {kernel[-1]}, not {bias}.")
    return conv(inputs, kernel, *settings)


def conv_transpose(
    inputs: Shape,
    kernel: Shape,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Shape:
    _kernel_fits(inputs, kernel)
    batch, spatial, channels = split_format(inputs, data_format)
    if kernel[-1] != channels:
        raise ShapeError(
            f"the kernel of shape {kernel} takes {kernel[-1]} channels; the input has {channels}."
        )
    rank = len(spatial)
    steps = spread(strides, rank, "strides")
    rates = spread(dilation_rate, rank, "dilation_rate")
    extra = None if output_padding is None else spread(output_padding, rank, "output_padding")
    pads = transposed_pads(kernel[:-2], steps, padding, extra, rates)
    widths = _dilated(kernel[:-2], dilation_rate)
    found = tuple(
        (size - 1) * step + 1 + before + after - width + 1
        for size, width, step, (before, after) in zip(spatial, widths, steps, pads, strict=True)
    )
    return join_format(batch, found, kernel[-2], data_format)


def pool(
    inputs: Shape,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Shape:
    batch, spatial, channels = split_format(inputs, data_format)
    window = spread(pool_size, len(spatial), "pool_size")
    steps = window if strides is None else spread(strides, len(spatial), "strides")
    return join_format(batch, _windows(spatial, window, steps, padding), channels, data_format)


def adaptive_pool(inputs: Shape, output_size: Sizes, data_format: str | None = None) -> Shape:
    batch, spatial, channels = split_format(inputs, data_format)
    windows = spread(output_size, len(spatial), "output_size")
    if min(windows) < 1:
        raise ShapeError(f"output_size is 1 or more in each dimension, not {output_size!r}.")
    return join_format(batch, windows, channels, data_format)


def halved(x: Shape, axis: int = -1) -> Shape:
    axis = canonical_axis(axis, len(x))
    if x[axis] % 2:
        raise ShapeError(f"the size {x[axis]} of axis {axis} is odd and cannot be halved.")
    return (*x[:axis], x[axis] // 2, *x[axis + 1 :])


def one_hot(
    x: Shape, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Shape:
    axis = canonical_axis(axis, len(x) + 1)
    return (*x[:axis], num_classes, *x[axis:])


def equal_shapes(target: Shape, output: Shape, *others: Any) -> Shape:
    """The shape of both, which must be the same where it is known."""
    fits = len(target) == len(output) and all(
        a == b or isinstance(a, Unknown) or isinstance(b, Unknown)
        for a, b in zip(target, output, strict=True)
    )
    if not fits:
        raise ShapeError(f"target and output differ in shape: {target} and {output}.")
    return output


def psnr(x1: Shape, x2: Shape, max_val: Shape = ()) -> Shape:
    equal_shapes(x1, x2)
    return ()


def categorical_crossentropy(
    target: Shape, output: Shape, from_logits: bool = False, axis: int = -1
) -> Shape:
    equal_shapes(target, output)
    axis = canonical_axis(axis, len(output))
    return (*output[:axis], *output[axis + 1 :])


def sparse_categorical_crossentropy(
    target: Shape, output: Shape, from_logits: bool = False, axis: int = -1
) -> Shape:
    axis = canonical_axis(axis, len(output))
    rest = (*output[:axis], *output[axis + 1 :])
    if len(target) == len(output) and target[-1] == 1:
        target = target[:-1]
    return equal_shapes(target, rest)


def attention(query: Shape, key: Shape, value: Shape, *others: Any) -> Shape:
    for name, shape in (("query", query), ("key", key), ("value", value)):
        if len(shape) != 4:
            raise ShapeError(f"{name} is (batch, length, heads, size), not of shape {shape}.")
    if query[2] % key[2]:
        raise ShapeError(f"{key[2]} key heads do not divide the query's {query[2]} heads.")
    return (*query[:-1], value[-1])
