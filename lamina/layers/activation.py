"""Activation functions as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import activations, constraints, initializers, ops, regularizers
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.layers.checks import number
from lamina.ops.row import Tensor, TensorLike


class Activation(Layer):
    """An activation function, elementwise or along the last axis.

    Args:
        activation: a function or its name.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Activation("relu")(ops.convert_to_tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: TensorLike) -> Tensor:
        return self.activation(inputs)


class ReLU(Layer):
    """Rectified linear unit: max(x, 0), with a leak, a ceiling and a threshold where asked.

    Args:
        max_value: the largest value; None for no limit.
        negative_slope: the slope below `threshold`.
        threshold: where the unit begins to pass its input on.

    Example:
        >>> from lamina import layers, ops
        >>> layers.ReLU(max_value=6)(ops.convert_to_tensor([-1.0, 2.0, 9.0])).tolist()
        [0.0, 2.0, 6.0]
    """

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative("max_value", max_value)
        self.negative_slope = _not_negative("negative_slope", negative_slope)
        self.threshold = _not_negative("threshold", threshold)

    def call(self, inputs: TensorLike) -> Tensor:
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


class LeakyReLU(Layer):
    """Leaky rectified linear unit: x where x >= 0, negative_slope * x below.

    Args:
        negative_slope: the slope below zero.

    Example:
        >>> from lamina import layers, ops
        >>> layers.LeakyReLU(0.5)(ops.convert_to_tensor([-4.0, 2.0])).tolist()
        [-2.0, 2.0]
    """

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:  # its name in earlier versions
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = _not_negative("negative_slope", negative_slope)

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.leaky_relu(inputs, negative_slope=self.negative_slope)


class ELU(Layer):
    """Exponential linear unit: x where x > 0, alpha * (e^x - 1) below.

    Args:
        alpha: minus the value that it tends to for large negative x.

    Example:
        >>> from lamina import layers, ops
        >>> layers.ELU()(ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]

    Reference:
        Clevert et al., 2015, https://arxiv.org/abs/1511.07289
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.elu(inputs, alpha=self.alpha)


class PReLU(Layer):
    """Parametric rectified linear unit: x where x >= 0, alpha * x below, alpha trained.

    Args:
        alpha_initializer: for alpha, of the input's shape without the batch.
        alpha_regularizer: a penalty on alpha.
        alpha_constraint: a projection of alpha, applied after each step.
        shared_axes: axes along which alpha is the same, `[1, 2]` for images. Negative ones count
            from the end, which in Keras they miss by one.

    Example:
        >>> from lamina import layers, ops
        >>> layers.PReLU(shared_axes=[1])(ops.ones((2, 5, 3))).shape
        (2, 5, 3)

    Reference:
        He et al., 2015, https://arxiv.org/abs/1502.01852
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def build(self, input_shape: Sequence[int | None]) -> None:
        shared = {self._axis(axis, len(input_shape)) for axis in self.shared_axes or ()}
        shape = [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        own = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def _axis(self, axis: int, rank: int) -> int:
        if not -rank < axis < rank or axis == 0:
            raise ValueError(
                f"PReLU {self.name!r} cannot share alpha along axis {axis}: its input has axes 1 "
                f"to {rank - 1} after the batch."
            )
        return axis % rank

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.subtract(ops.relu(inputs), ops.multiply(self.alpha, ops.relu(-inputs)))


class Softmax(Layer):
    """Softmax: e^x / Σ e^x along one or more axes.

    Args:
        axis: the axis or axes; all of them, the batch too, where None.

    The call takes `mask`, booleans of the input's shape: where False, the result is 0.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Softmax()(ops.convert_to_tensor([[1.0, 1.0]])).tolist()
        [[0.5, 0.5]]
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] | None = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: TensorLike, mask: TensorLike | None = None) -> Tensor:
        if mask is None:
            return self._softmax(inputs)
        # Far below every logit, and finite: a row without a True gets no NaN.
        lowest = -3e4 if self.compute_dtype == "float16" else -1e9
        seen = ops.cast(mask, "bool")
        return ops.where(seen, self._softmax(ops.where(seen, inputs, ops.add(inputs, lowest))), 0)

    def _softmax(self, inputs: TensorLike) -> Tensor:
        if isinstance(self.axis, int):
            return ops.softmax(inputs, axis=self.axis)
        axes = None if self.axis is None else tuple(self.axis)
        return ops.exp(ops.subtract(inputs, ops.logsumexp(inputs, axis=axes, keepdims=True)))


def _not_negative(name: str, value: Any) -> float:
    found = number(value)
    if found is None or found < 0:
        raise ValueError(f"{name} is a number of at least 0, not {value!r}.")
    return found
