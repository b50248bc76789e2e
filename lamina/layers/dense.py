"""Layers that multiply by a matrix: `Dense`, and `EinsumDense` for tensors of any rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import activations, constraints, initializers, ops, regularizers
from lamina.core.input_spec import InputSpec
from lamina.layers.checks import only_none, positive
from lamina.layers.low_rank import BuiltWeight, LowRankLayer
from lamina.ops.maps import affine_map
from lamina.ops.row import Tensor, TensorLike


class Dense(LowRankLayer):
    """A fully connected layer: activation(x · kernel + bias) along the last axis.

    Args:
        units: the size of the output's last axis.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a vector.
        kernel_initializer: for the matrix of shape `(input size, units)`.
        bias_initializer: for the vector of shape `(units,)`.
        kernel_regularizer: a penalty on the matrix.
        bias_regularizer: a penalty on the vector.
        activity_regularizer: a penalty on the output.
        kernel_constraint: a projection of the matrix, applied after each step.
        bias_constraint: a projection of the vector.
        lora_rank, lora_alpha: adapt the matrix by `enable_lora` as soon as there is one.
        quantization_config: None.

    Input: `(batch, …, size)`. Output: `(batch, …, units)`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Dense(4, activation="relu")(ops.ones((2, 3))).shape
        (2, 4)
    """

    supports_masking = True
    kernel: Any = BuiltWeight()

    def __init__(
        self,
        units: int,
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
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        only_none("Dense", quantization_config=quantization_config)
        self._start_lora(lora_rank, lora_alpha)
        self.units = positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Sequence[int | None]) -> None:
        size = input_shape[-1]
        if size is None:
            raise ValueError(
                f"Dense {self.name!r} needs to know the size of its input's last axis, and was "
                f"called on the shape {tuple(input_shape)}. Give that size in the Input."
            )
        self.kernel = self.add_weight(
            (size, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self._adapt_as_asked()
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: TensorLike, training: bool | None = None) -> Tensor:
        bias = None if self.bias is None else self.bias.value
        x = affine_map(inputs, self.kernel.value, bias)
        return x if self.activation is None else self.activation(x)


class EinsumDense(LowRankLayer):
    """A dense layer along any axes: activation(einsum(equation, x, kernel) + bias).

    Args:
        equation: in the notation of `einsum`, with two inputs: `"abc,cd->abd"`. An ellipsis at
            the beginning or the end of the first input and of the output stands for any axes:
            `"...x,xy->...y"`.
        output_shape: the sizes of the output without the batch; None for those that are known
            from the input.
        activation: a function or its name; `linear` where None.
        bias_axes: the output's letters along which the bias varies; no bias where None.
        kernel_initializer: for the kernel, of the shape that the equation gives.
        bias_initializer: for the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: a projection of the kernel, applied after each step.
        bias_constraint: a projection of the bias.
        lora_rank, lora_alpha: adapt the kernel by `enable_lora` as soon as there is one.
        gptq_unpacked_column_size, quantization_config: None.
        activity_regularizer: a penalty on the output.

    Example:
        >>> from lamina import layers, ops
        >>> heads = layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 5), bias_axes="de")
        >>> heads(ops.ones((1, 3, 4))).shape
        (1, 3, 2, 5)
    """

    unsaved: ClassVar[frozenset[str]] = frozenset({"gptq_unpacked_column_size"})
    kernel: Any = BuiltWeight()

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: None = None,
        quantization_config: None = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        only_none(
            "EinsumDense",
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )
        self._start_lora(lora_rank, lora_alpha)
        self.equation = equation
        self.output_shape = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Sequence[int | None]) -> None:
        kernel, bias = einsum_shapes(
            self.equation, self.bias_axes, tuple(input_shape), self.output_shape
        )
        self.kernel = self.add_weight(
            kernel,
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._summed = summed_axes(self.equation, self.bias_axes)
        self.bias = None
        if bias is not None:
            self.bias = self.add_weight(
                bias,
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self._adapt_as_asked()

    def call(self, inputs: TensorLike, training: bool | None = None) -> Tensor:
        bias = None if self.bias is None else self.bias.value
        if self._summed:
            # A product of matrices takes a fraction of the time of a general sum.
            x = affine_map(inputs, self.kernel.value, bias, self._summed)
        else:
            x = ops.einsum(self.equation, inputs, self.kernel)
            x = x if bias is None else ops.add(x, bias)
        return x if self.activation is None else self.activation(x)


def summed_axes(equation: str, bias_axes: str | None) -> int:
    """How many last axes of the input are summed over with the first ones of the kernel.

    0 where the equation is no product of two matrices by which axes are called.

    Example:
        >>> summed_axes("abc,cde->abde", "de"), summed_axes("abde,dec->abc", "c")
        (1, 2)
        >>> summed_axes("abc,bcd->abd", None)
        0
    """
    inputs, _, rest = equation.replace(" ", "").partition(",")
    kernel, _, output = rest.partition("->")
    for count in range(1, len(kernel)):
        summed, new = kernel[:count], kernel[count:]
        kept = inputs[:-count]
        if inputs.endswith(summed) and output == kept + new and bias_axes in (None, new):
            return count if not set(kept) & set(kernel) else 0
    return 0


def einsum_shapes(
    equation: str,
    bias_axes: str | None,
    input_shape: tuple[int | None, ...],
    output_shape: tuple[int | None, ...],
) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """The shapes of the kernel and of the bias that an equation asks for.

    Args:
        equation, bias_axes: as for `EinsumDense`.
        input_shape: with the batch.
        output_shape: without the batch.

    Raises:
        ValueError: if the equation has another form, or sizes are unknown or contradict.

    Example:
        >>> einsum_shapes("abc,cd->abd", "d", (None, 7, 3), (None, 5))
        ((3, 5), (5,))
    """
    try:
        operands, output = equation.replace(" ", "").split("->")
        inputs, kernel = operands.split(",")
        if "." in kernel or len(set(kernel)) < len(kernel):
            raise ValueError
        known = _sized(inputs, input_shape)
        for letter, size in _sized(output, (input_shape[0], *output_shape)).items():
            found = known.get(letter)
            if None not in (found, size) and found != size:
                raise ValueError
            known[letter] = size if found is None else found
        kernel_shape = tuple(known[letter] for letter in kernel)
        elided = len(input_shape) - len(inputs.replace("...", ""))
        bias_shape = None if bias_axes is None else _bias_shape(bias_axes, output, known, elided)
    except (ValueError, KeyError, IndexError):
        kernel_shape = bias_shape = (None,)
    if None in kernel_shape or None in (bias_shape or ()):
        raise ValueError(
            f"The equation {equation!r} with bias_axes={bias_axes!r} gives no shapes for an input "
            f"of shape {input_shape} and output_shape={output_shape}, the batch left out. It is of "
            "the form 'abc,cd->abd', and each letter of the kernel and of bias_axes needs one "
            "known size."
        )
    return kernel_shape, bias_shape  # type: ignore[return-value]


def _sized(letters: str, shape: tuple[int | None, ...]) -> dict[str, int | None]:
    """The size of each letter; those after an ellipsis belong to the last axes."""
    before, dots, after = letters.partition("...")
    if len(shape) < len(before + after) or (not dots and len(shape) != len(before)):
        raise ValueError
    last = shape[len(shape) - len(after) :]
    return dict(zip(before + after, shape[: len(before)] + last, strict=True))


def _bias_shape(
    axes: str, output: str, known: dict[str, int | None], elided: int
) -> tuple[int | None, ...]:
    """A shape that broadcasts to the output: 1 along the axes that are not in `axes`."""
    letters = output.replace("...", "." * elided)
    if not set(axes) <= set(letters):
        raise ValueError
    first = min(map(letters.index, axes))
    return tuple(known[letter] if letter in axes else 1 for letter in letters[first:])
