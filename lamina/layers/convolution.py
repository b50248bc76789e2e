"""Convolutions over one, two or three spatial dimensions; transposed ones."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import activations, constraints, initializers, ops, regularizers
from lamina.backend import current
from lamina.core import registry
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.core.variable import Variable
from lamina.layers.checks import (
    channel_axis,
    one_of,
    positive,
    sizes,
    standardize_data_format,
    strides_or_dilation,
)
from lamina.layers.low_rank import BuiltWeight, LowRankLayer
from lamina.ops.convolution import affine_conv
from lamina.ops.row import Tensor, TensorLike

Sizes = int | Sequence[int]


class Windowed(Layer):
    """What convolutions have in common: a window, its steps, a bias and an activation."""

    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    # Whether steps and distances may both be above 1.
    strides_dilate: ClassVar[bool] = False

    def _start(
        self,
        kernel_size: Sizes,
        strides: Sizes,
        padding: str,
        data_format: str | None,
        dilation_rate: Sizes,
        activation: Any,
        use_bias: bool,
    ) -> None:
        self.kernel_size = sizes("kernel_size", kernel_size, self.rank)
        self.strides = sizes("strides", strides, self.rank)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.rank)
        if not self.strides_dilate:
            strides_or_dilation(self.strides, self.dilation_rate, strides, dilation_rate)
        self.data_format = standardize_data_format(data_format)
        self.padding = one_of("padding", padding, self.paddings)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _start_bias(self, initializer: Any, regularizer: Any, constraint: Any) -> None:
        self.bias_initializer = initializers.get(initializer)
        self.bias_regularizer = regularizers.get(regularizer)
        self.bias_constraint = constraints.get(constraint)

    def _channels(self, input_shape: Sequence[int | None]) -> int:
        """The number of input channels, from now on required."""
        axis = channel_axis(self.data_format)
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs to know the number of its input's "
                f"channels (axis {axis}), and was called on the shape {tuple(input_shape)}. Give "
                "it in the Input."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_kernel(self, shape: Sequence[int], role: str, name: str | None = None) -> Variable:
        """A weight with the initializer, regularizer and constraint of its role."""
        weight = self.add_weight(
            shape,
            getattr(self, f"{role}_initializer"),
            regularizer=getattr(self, f"{role}_regularizer"),
            constraint=getattr(self, f"{role}_constraint"),
            name=name or role,
        )
        if role in ("kernel", "pointwise"):
            current().lay_out_filters(weight.handle)
        return weight

    def _add_bias(self, channels: int) -> None:
        self.bias = self._add_kernel((channels,), "bias") if self.use_bias else None

    def _finish(self, outputs: Tensor) -> Tensor:
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            outputs = ops.add(outputs, bias)
        return outputs if self.activation is None else self.activation(outputs)


class Conv(LowRankLayer, Windowed):
    """Convolution over `rank` spatial dimensions; see `Conv2D`."""

    kernel: Any = BuiltWeight()

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._start_lora(lora_rank, lora_alpha)
        self.filters = positive("filters", filters)
        self.groups = positive("groups", groups)
        if filters % groups:
            raise ValueError(f"filters={filters} is not a multiple of groups={groups}.")
        self._start(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self._start_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Sequence[int | None]) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} divides its input's channels into "
                f"groups={self.groups}, and the input has {channels}: no multiple of it."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self._add_kernel(shape, "kernel")
        self._add_bias(self.filters)
        self._adapt_as_asked()

    def convolution_op(self, inputs: TensorLike, kernel: TensorLike) -> Tensor:
        """The convolution without bias and activation, for subclasses to compute otherwise.

        Args:
            inputs: as in the call.
            kernel: `(*kernel_size, channels / groups, filters)`.

        Example:
            >>> from lamina import layers, ops
            >>> class Centered(layers.Conv1D):
            ...     def convolution_op(self, inputs, kernel):
            ...         kernel = kernel - ops.mean(kernel, axis=(0, 1))
            ...         return super().convolution_op(inputs, kernel)
            >>> outputs = Centered(4, 3)(ops.ones((1, 5, 2)))
            >>> bool(abs(ops.convert_to_numpy(outputs)).max() < 1e-5)
            True
        """
        return ops.conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def call(self, inputs: TensorLike) -> Tensor:
        if type(self).convolution_op is not Conv.convolution_op:
            return self._finish(self.convolution_op(inputs, self.kernel))
        outputs = affine_conv(
            inputs,
            self.kernel.value,
            None if self.bias is None else self.bias.value,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
        )
        return outputs if self.activation is None else self.activation(outputs)


class Conv1D(Conv):
    """Convolution of sequences: filters that slide along one dimension.

    y[t] = activation(Σ_k x[t * stride + k * dilation] · kernel[k] + bias)

    Args:
        filters: the number of output channels.
        kernel_size: the width of the window.
        strides: the step between windows.
        padding: `"valid"` (none), `"same"` (zeros on both sides, so that an output of stride 1
            is as long as the input) or `"causal"` (zeros before the first step only, so that no
            output sees what comes after it).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dilation_rate: the distance between the steps that a window looks at.
        groups: into how many groups the channels are divided, each with filters of its own.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a number to each channel.
        kernel_initializer: for the kernel of shape `(*kernel_size, channels / groups, filters)`.
        bias_initializer: for the bias of shape `(filters,)`.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: a projection of the kernel, applied after each step.
        bias_constraint: a projection of the bias.
        lora_rank, lora_alpha: adapt the kernel by `enable_lora` as soon as there is one.

    Input: `(batch, steps, channels)`. Output: `(batch, new steps, filters)`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Conv1D(4, 3, padding="causal")(ops.ones((2, 10, 5))).shape
        (2, 10, 4)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    """Convolution of images: filters that slide along rows and columns.

    y[p] = activation(Σ_k x[p * strides + k * dilation] · kernel[k] + bias)

    Args:
        filters: the number of output channels.
        kernel_size: the window, one size or `(height, width)`.
        strides: the step between windows.
        padding: `"valid"` (none) or `"same"` (zeros around the image, so that an output of
            strides 1 is as large as the input).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dilation_rate: the distance between the places that a window looks at.
        groups: into how many groups the channels are divided, each with filters of its own.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a number to each channel.
        kernel_initializer: for the kernel of shape `(*kernel_size, channels / groups, filters)`.
        bias_initializer: for the bias of shape `(filters,)`.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: a projection of the kernel, applied after each step.
        bias_constraint: a projection of the bias.
        lora_rank, lora_alpha: adapt the kernel by `enable_lora` as soon as there is one.

    Input: `(batch, height, width, channels)`, or `(batch, channels, height, width)` with
    `"channels_first"`. Output: the same form, of `filters` channels.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Conv2D(4, 3, activation="relu")(ops.ones((2, 8, 8, 3))).shape
        (2, 6, 6, 4)
    """

    rank = 2


class Conv3D(Conv):
    """Convolution of volumes: `Conv2D` with one more spatial dimension.

    Input: `(batch, depth, height, width, channels)`, or with the channels first.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Conv3D(2, 3, padding="same")(ops.ones((1, 4, 4, 4, 3))).shape
        (1, 4, 4, 4, 2)
    """

    rank = 3


class ConvTranspose(Windowed):
    """Transposed convolution over `rank` spatial dimensions; see `Conv2DTranspose`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive("filters", filters)
        self._start(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = sizes("output_padding", output_padding, self.rank, 0)
            if any(map(operator.ge, self.output_padding, self.strides)):
                raise ValueError(
                    f"output_padding={output_padding!r} must be below strides={strides!r}: it "
                    "chooses among the sizes that a convolution of these strides takes to one."
                )
        self._start_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (*self.kernel_size, self.filters, self._channels(input_shape))
        self.kernel = self._add_kernel(shape, "kernel")
        self._add_bias(self.filters)

    def call(self, inputs: TensorLike) -> Tensor:
        outputs = ops.conv_transpose(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            output_padding=self.output_padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finish(outputs)


class Conv1DTranspose(ConvTranspose):
    """Transposed convolution of sequences; see `Conv2DTranspose`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Conv1DTranspose(4, 3, strides=2)(ops.ones((2, 5, 3))).shape
        (2, 11, 4)
    """

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """Transposed convolution of images: what makes `Conv2D`'s input from its output's shape.

    It is the gradient of a convolution with respect to its input, and makes images larger
    where `strides` is above 1.

    Args:
        filters: the number of output channels.
        kernel_size: the window, one size or `(height, width)`.
        strides: how far apart the places of the input come to lie in the output.
        padding: `"valid"` or `"same"` (the output has input * strides places).
        output_padding: places added at the end; None for what gives the size above.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        dilation_rate: the distance between the places that a window looks at.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a number to each channel.
        kernel_initializer: for the kernel of shape `(*kernel_size, filters, channels)`.
        bias_initializer: for the bias of shape `(filters,)`.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: a projection of the kernel, applied after each step.
        bias_constraint: a projection of the bias.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Conv2DTranspose(4, 3, strides=2, padding="same")(ops.ones((1, 5, 5, 3))).shape
        (1, 10, 10, 4)

    Reference:
        Dumoulin and Visin, 2016, https://arxiv.org/abs/1603.07285
    """

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """Transposed convolution of volumes; see `Conv2DTranspose`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Conv3DTranspose(2, 2, strides=2)(ops.ones((1, 3, 3, 3, 2))).shape
        (1, 6, 6, 6, 2)
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
for _cls in (Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose):
    registry.enter("layers", _cls, _cls.__name__.replace("Conv", "Convolution"))
