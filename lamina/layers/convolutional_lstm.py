"""ConvLSTM1D, 2D and 3D: the long short-term memory with convolutions for products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import ops
from lamina.core.input_spec import InputSpec
from lamina.layers.checks import (
    one_of,
    sizes,
    standardize_data_format,
    strides_or_dilation,
)
from lamina.layers.convolution import Sizes
from lamina.layers.recurrent_cell import RecurrentCell
from lamina.layers.recurrent_cells import LSTMCell
from lamina.layers.recurrent_layers import CellRNN, cell_options, of_cell
from lamina.ops.convolution import affine_conv
from lamina.ops.row import Tensor, TensorLike
from lamina.ops.shapes_nn import conv as conv_shape


class ConvLSTMCell(LSTMCell):
    """One step of the convolutional long short-term memory: `LSTMCell` with * for the products.

        i, f, g, o = x * W + h * U + b
        c = σ(f) c + σ(i) activation(g)
        h = σ(o) activation(c)

    Args:
        rank: the number of spatial dimensions.
        filters: the number of channels of the output and of both states, h and c.
        kernel_size, strides, padding, data_format, dilation_rate: of x * W, as for `Conv2D`; h * U
            has the same window, strides 1 and padding `"same"`.
        activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, seed: as for `LSTMCell`; W is
            `(*kernel_size, channels, 4 * filters)`, U `(*kernel_size, filters, 4 * filters)`.

    Reference:
        Shi et al., 2015, https://arxiv.org/abs/1506.04214

    Example:
        >>> from lamina import ops
        >>> from lamina.layers.convolutional_lstm import ConvLSTMCell
        >>> cell = ConvLSTMCell(2, 4, 3)
        >>> cell.build((None, 8, 8, 1))
        >>> output, states = cell(ops.ones((2, 8, 8, 1)), cell.get_initial_state(2))
        >>> tuple(output.shape), len(states)
        ((2, 6, 6, 4), 2)
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.rank = rank
        self.filters = self.units
        self.kernel_size = sizes("kernel_size", kernel_size, rank)
        self.strides = sizes("strides", strides, rank)
        self.padding = one_of("padding", padding, ("valid", "same"))
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, rank)
        strides_or_dilation(self.strides, self.dilation_rate, strides, dilation_rate)
        self.mask_count = self.gates
        self.step_ndim = rank + 2
        self.gate_axis = -1 if self.data_format == "channels_last" else -(rank + 1)

    def build(self, input_shape: Sequence[int | None]) -> None:
        if None in input_shape[1:]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs to know the size of its input in space "
                f"and channels, of which its states are made, and was built for {input_shape}. "
                "Give these sizes in the Input."
            )
        super().build(input_shape)
        one_gate = (*self.kernel.shape[:-1], self.filters)
        shape: Any = (1, *input_shape[1:])
        self.output_size = conv_shape(shape, one_gate, *self._settings())[1:]
        self.state_size = [self.output_size] * self.state_count

    def _settings(self) -> tuple[Any, ...]:
        return self.strides, self.padding, self.data_format, self.dilation_rate

    def _kernel_shapes(self, input_shape: Sequence[int | None]) -> tuple[Any, Any]:
        filters, width = self.filters, self.gates * self.filters
        channels = input_shape[self.gate_axis]
        return (*self.kernel_size, channels, width), (*self.kernel_size, filters, width)

    def _input_products(self, rows: Tensor, kernel: TensorLike, bias: TensorLike) -> Tensor:
        return affine_conv(rows, kernel, bias, *self._settings())

    def _state_product(self, hidden: Tensor, kernel: TensorLike) -> Tensor:
        return ops.conv(hidden, kernel, 1, "same", self.data_format)

    # The loop that is faster for `LSTMCell` knows the gradient of a product of matrices.
    walk_inputs = RecurrentCell.walk_inputs


class ConvLSTM(CellRNN):
    """The convolutional long short-term memory over `rank` dimensions; see `ConvLSTM2D`."""

    rank: ClassVar[int]

    filters = of_cell("filters")
    kernel_size = of_cell("kernel_size")
    strides = of_cell("strides")
    padding = of_cell("padding")
    data_format = of_cell("data_format")
    dilation_rate = of_cell("dilation_rate")
    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank, filters, kernel_size, strides, padding, data_format, dilation_rate,
            activation, recurrent_activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed,
            **cell_options(kwargs, "conv_lstm_cell"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def recorded_config(self) -> dict[str, Any]:
        return {**super().recorded_config(), "unroll": self.unroll}

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        axes = {axis: size for axis, size in enumerate(input_shape) if axis > 1}
        self.input_spec = InputSpec(ndim=self.rank + 3, axes=axes)


class ConvLSTM1D(ConvLSTM):
    """The convolutional long short-term memory of sequences of rows; see `ConvLSTM2D`.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.ConvLSTM1D(4, 3, padding="same")(ops.ones((2, 5, 8, 3))).shape)
        (2, 8, 4)
    """

    rank = 1


class ConvLSTM2D(ConvLSTM):
    """The convolutional long short-term memory of sequences of images, as of films.

        i, f, g, o = x * W + h * U + b
        c = σ(f) c + σ(i) activation(g)
        h = σ(o) activation(c)

    along time, * a convolution; of h with strides 1 and padding `"same"`.

    Args:
        filters: the number of channels of the output and of both states, h and c.
        kernel_size: the window, one size or `(height, width)`.
        strides, padding, data_format, dilation_rate: of x * W, as for `Conv2D`.
        activation: a function or its name; `linear` where None.
        recurrent_activation: σ.
        use_bias: whether to add a number to each channel.
        kernel_initializer: for W, `(*kernel_size, channels, 4 * filters)`.
        recurrent_initializer: for U, `(*kernel_size, filters, 4 * filters)`.
        bias_initializer: for b, `(4 * filters,)`.
        unit_forget_bias: whether the bias of f begins at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        activity_regularizer: a penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of them, applied
            after each step of training.
        dropout: the fraction of the inputs to drop in training.
        recurrent_dropout: the fraction of h to drop in h * U.
        seed: for dropping.
        return_sequences, return_state, go_backwards, stateful: as for `RNN`.

    Call arguments: as for `RNN`.

    Input: `(batch, time, height, width, channels)`, or with the channels before height and width;
    all but batch and time are known when the layer is built. Output: the same form without time,
    or with it with `return_sequences`, of `filters` channels.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.ConvLSTM2D(4, 3, return_sequences=True)
        >>> tuple(layer(ops.ones((2, 5, 8, 8, 1))).shape)
        (2, 5, 6, 6, 4)

    Reference:
        Shi et al., 2015, https://arxiv.org/abs/1506.04214
    """

    rank = 2


class ConvLSTM3D(ConvLSTM):
    """The convolutional long short-term memory of sequences of volumes; see `ConvLSTM2D`.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.ConvLSTM3D(2, 2)(ops.ones((1, 3, 4, 4, 4, 1))).shape)
        (1, 3, 3, 3, 2)
    """

    rank = 3
