"""Convolutions over one, two or three spatial dimensions.

Inputs are `(batch, *space, channels)`, or `(batch, channels, *space)` with
`data_format="channels_first"`.
"""

from __future__ import annotations

from lamina.backend.config import standardize_data_format
from lamina.ops import arithmetic, dtypes, shapes_nn, shaping
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shapes_nn import Sizes


@op(result=dtypes.promoted, shape=shapes_nn.conv)
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Convolution (cross-correlation): y[p] = Σ_k x[p * stride + k * dilation] · kernel[k].

    Args:
        inputs: a batch of signals, images or volumes.
        kernel: `(*window, channels / groups, filters)`; its third last size decides the groups.
        strides: the step between windows, one for all or one for each spatial dimension.
        padding: `"valid"` (none), `"same"` (zeros, so that the output has size / stride places)
            or `"causal"` (zeros before the first place only).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dilation_rate: the distance between the places that a window looks at.

    Returns:
        A tensor of `filters` channels, in the operands' common type.

    Example:
        >>> from lamina import ops
        >>> tuple(ops.conv(ops.ones((1, 5, 2)), ops.ones((3, 2, 4))).shape)
        (1, 3, 4)
    """
    ...


@op(result=dtypes.promoted, shape=shapes_nn.affine_conv)
def affine_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    bias: TensorLike | None,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """`conv`, and a number added to each filter's output, as one op where a backend has it.

    Args:
        inputs, kernel, strides, padding, data_format, dilation_rate: as for `conv`.
        bias: of shape `(filters,)`, or None.
    """
    outputs = conv(inputs, kernel, strides, padding, data_format, dilation_rate)
    if bias is None:
        return outputs
    if standardize_data_format(data_format) == "channels_first":
        bias = shaping.reshape(bias, (-1, *(1,) * (len(outputs.shape) - 2)))
    return arithmetic.add(outputs, bias)


@op(result=dtypes.promoted, shape=shapes_nn.depthwise_conv)
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Convolution of each channel on its own.

    Args:
        inputs: as for `conv`.
        kernel: `(*window, channels, multiplier)`: so many filters for each channel.
        strides, padding, data_format, dilation_rate: as for `conv`.

    Returns:
        A tensor of channels * multiplier channels, those of one input channel side by side.
    """
    ...


@op(result=dtypes.promoted)
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Convolution of each channel on its own, then a mixture of the channels at each place.

    Args:
        inputs: as for `conv`.
        depthwise_kernel: `(*window, channels, multiplier)`.
        pointwise_kernel: `(1, …, channels * multiplier, filters)`.
        strides, padding, data_format, dilation_rate: as for `conv`.
    """
    places = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(places, pointwise_kernel, 1, "valid", data_format, 1)


@op(result=dtypes.promoted, shape=shapes_nn.conv_transpose)
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Transposed convolution: the gradient of `conv` with respect to its input.

    Args:
        inputs: as for `conv`.
        kernel: `(*window, filters, channels)`.
        strides: how far apart the places of the input come to lie in the output.
        padding: `"valid"` or `"same"` (the output has size * stride places).
        output_padding: places added at the end; None for what gives the size above.
        data_format, dilation_rate: as for `conv`.

    Returns:
        A tensor of `filters` channels.
    """
    ...
