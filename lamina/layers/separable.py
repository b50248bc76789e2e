"""Convolutions of each channel on its own: depthwise, and separable with a mixture after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import constraints, initializers, ops, regularizers
from lamina.core import registry
from lamina.layers.checks import positive
from lamina.layers.convolution import Sizes, Windowed
from lamina.ops.row import Tensor, TensorLike


class DepthwiseConv(Windowed):
    """Convolution of each channel on its own; see `DepthwiseConv2D`."""

    strides_dilate = True

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)
        self._start(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self._start_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Sequence[int | None]) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self._add_kernel(shape, "depthwise", "kernel")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: TensorLike) -> Tensor:
        outputs = ops.depthwise_conv(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finish(outputs)


class DepthwiseConv1D(DepthwiseConv):
    """Convolution of each channel of sequences on its own; see `DepthwiseConv2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.DepthwiseConv1D(3, depth_multiplier=2)(ops.ones((2, 10, 4))).shape
        (2, 8, 8)
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """Convolution of each channel of images on its own.

    Args:
        kernel_size: the window, one size or `(height, width)`.
        strides: the step between windows.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of filters for each channel.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dilation_rate: the distance between the places that a window looks at.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a number to each channel.
        depthwise_initializer: for the kernel of shape
            `(*kernel_size, channels, depth_multiplier)`.
        bias_initializer: for the bias of shape `(channels * depth_multiplier,)`.
        depthwise_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        depthwise_constraint: a projection of the kernel, applied after each step.
        bias_constraint: a projection of the bias.

    Example:
        >>> from lamina import layers, ops
        >>> layers.DepthwiseConv2D(3, padding="same")(ops.ones((2, 6, 6, 4))).shape
        (2, 6, 6, 4)

    Reference:
        Chollet, 2016, https://arxiv.org/abs/1610.02357
    """

    rank = 2


class SeparableConv(Windowed):
    """Convolution of each channel, then a mixture of channels; see `SeparableConv2D`."""

    strides_dilate = True

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive("filters", filters)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)
        self._start(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self._start_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Sequence[int | None]) -> None:
        channels = self._channels(input_shape)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self._add_kernel(depthwise, "depthwise", "depthwise_kernel")
        self.pointwise_kernel = self._add_kernel(pointwise, "pointwise", "pointwise_kernel")
        self._add_bias(self.filters)

    def call(self, inputs: TensorLike) -> Tensor:
        outputs = ops.separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finish(outputs)


class SeparableConv1D(SeparableConv):
    """Separable convolution of sequences; see `SeparableConv2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.SeparableConv1D(5, 3)(ops.ones((2, 10, 4))).shape
        (2, 8, 5)
    """

    rank = 1


class SeparableConv2D(SeparableConv):
    """Convolution of each channel on its own, then a mixture of the channels at each place.

    Args:
        filters: the number of output channels.
        kernel_size: the window, one size or `(height, width)`.
        strides: the step between windows.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dilation_rate: the distance between the places that a window looks at.
        depth_multiplier: the number of filters for each channel in the first step.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a number to each channel.
        depthwise_initializer: for the kernel of shape
            `(*kernel_size, channels, depth_multiplier)`.
        pointwise_initializer: for the kernel of shape
            `(1, 1, channels * depth_multiplier, filters)`.
        bias_initializer: for the bias of shape `(filters,)`.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties on them.
        activity_regularizer: a penalty on the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections of them.

    Example:
        >>> from lamina import layers, ops
        >>> layers.SeparableConv2D(5, 3, padding="same")(ops.ones((2, 6, 6, 4))).shape
        (2, 6, 6, 5)

    Reference:
        Chollet, 2016, https://arxiv.org/abs/1610.02357
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
for _cls in (SeparableConv1D, SeparableConv2D):
    registry.enter("layers", _cls, _cls.__name__.replace("Conv", "Convolution"))
