"""Cells: what a recurrent layer computes at each step in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import activations, constraints, initializers, ops, random, regularizers
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.core.variable import Variable
from lamina.layers import recurrence
from lamina.layers.checks import fraction, positive
from lamina.ops.row import Tensor, TensorLike


class RecurrentCell(Layer):
    """What `SimpleRNNCell`, `LSTMCell` and `GRUCell` share.

    A step is two parts: `project`, of which a recurrent layer needs one call for all steps, and
    `step`, which needs the state before.
    """

    gates: ClassVar[int] = 1
    state_count: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = fraction("dropout", dropout)
        self.recurrent_dropout = fraction("recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size = self.units if self.state_count == 1 else [self.units] * self.state_count
        self.output_size = self.units

    def build(self, input_shape: Sequence[int | None]) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], width),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias: Variable | None = None
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(),
                self._first_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        return self.bias_initializer(shape, dtype=dtype)

    def call(
        self, inputs: TensorLike, states: Any, training: bool | None = False
    ) -> tuple[Tensor, Any]:
        several = isinstance(states, (list, tuple))
        found = list(states) if several else [states]
        mask = self.get_recurrent_dropout_mask(found[0]) if training else None
        found = self.step(self.project(inputs, training), found, mask)
        return found[0], found if several else found[0]

    def project(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        """What the input adds to the gates.

        Args:
            inputs: `(…, batch, size)`: one step, or many with time first.
            training: whether to drop inputs, the same ones at each step.
        """
        shape = ops.shape(inputs)
        if training and self.dropout > 0:
            noise = (1,) * (len(shape) - 2) + tuple(shape[-2:])
            inputs = random.dropout(inputs, self.dropout, noise, seed=self.seed_generator)
        product = ops.matmul(ops.reshape(inputs, (-1, shape[-1])), self.kernel)
        bias = self._input_bias()
        if bias is not None:
            product = product + bias
        return ops.reshape(product, (*shape[:-1], self.gates * self.units))

    def _input_bias(self) -> Any:
        return self.bias

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        """The states after one step, the output first.

        Args:
            projected: `(batch, gates * units)` from `project`.
            states: those before.
            mask: what the recurrent product takes the state times, or None.
        """
        raise TypeError(f"{type(self).__name__} has no method `step`, which computes its states.")

    def walk(
        self,
        projected: Tensor,
        states: list[Tensor],
        seen: Tensor | None = None,
        mask: Tensor | None = None,
        reverse: bool = False,
        unroll: int | bool = 1,
    ) -> tuple[Tensor, list[Tensor]]:
        """`step` along the first axis of `projected`: all outputs, and the last states.

        Args:
            projected: `(time, batch, gates * units)`.
            states: those before the first step.
            seen: `(time, batch, 1)`, False where a step is left out; None for no such step.
            mask: as for `step`.
            reverse: begin at the end.
            unroll: how many steps to write out in a compiled loop; True for all.
        """

        def step(carry: list[Tensor], x: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
            new = recurrence.held(self.step(x[0], carry, mask), carry, *x[1:])
            return new, new[0]

        xs = (projected,) if seen is None else (projected, seen)
        last, outputs = ops.scan(step, states, xs, reverse=reverse, unroll=unroll)
        return outputs, last

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros, one tensor `(batch_size, units)` for each state."""
        shape = (batch_size, self.units)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(self.state_count)]

    def get_recurrent_dropout_mask(self, step_state: TensorLike) -> Tensor | None:
        """What to multiply a state by to drop some of it; None where nothing is dropped."""
        if self.recurrent_dropout == 0:
            return None
        ones = ops.ones_like(step_state)
        return random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator)


class SimpleRNNCell(RecurrentCell):
    """One step of the plain recurrent network: h = activation(x · W + h · U + b).

    Args:
        units: the size of the output and of the state.
        activation: a function or its name; `linear` where None.
        use_bias: whether to add a vector.
        kernel_initializer: for W, `(input size, units)`.
        recurrent_initializer: for U, `(units, units)`.
        bias_initializer: for b, `(units,)`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of them, applied
            after each step of training.
        dropout: the fraction of the inputs to drop in training.
        recurrent_dropout: the fraction of the state to drop in the product with U.
        seed: for dropping.

    Example:
        >>> from lamina import layers, ops
        >>> cell = layers.SimpleRNNCell(4)
        >>> output, states = cell(ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, len(states)
        ((2, 4), 1)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
            units, activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        hidden = states[0] if mask is None else states[0] * mask
        return [self.activation(projected + ops.matmul(hidden, self.recurrent_kernel))]


class LSTMCell(RecurrentCell):
    """One step of the long short-term memory.

        i, f, g, o = x · W + h · U + b
        c = σ(f) c + σ(i) activation(g)
        h = σ(o) activation(c)

    Args:
        units: the size of the output and of both states, h and c.
        activation: a function or its name; `linear` where None.
        recurrent_activation: σ.
        use_bias: whether to add a vector.
        kernel_initializer: for W, `(input size, 4 * units)`.
        recurrent_initializer: for U, `(units, 4 * units)`.
        bias_initializer: for b, `(4 * units,)`.
        unit_forget_bias: whether the bias of f begins at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of them, applied
            after each step of training.
        dropout: the fraction of the inputs to drop in training.
        recurrent_dropout: the fraction of h to drop in the product with U.
        seed: for dropping.

    Reference:
        Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735

    Example:
        >>> from lamina import layers, ops
        >>> cell = layers.LSTMCell(4)
        >>> output, states = cell(ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, len(states)
        ((2, 4), 2)
    """

    gates = 4
    state_count = 2

    def __init__(
        self,
        units: int,
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
            units, activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _first_bias(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        if not self.unit_forget_bias:
            return super()._first_bias(shape, dtype)
        units = (self.units,)
        others = (2 * self.units,)
        first = self.bias_initializer
        parts = [first(units, dtype=dtype), ops.ones(units, dtype), first(others, dtype=dtype)]
        return ops.concatenate(parts, axis=0)

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        hidden = states[0] if mask is None else states[0] * mask
        summed = projected + ops.matmul(hidden, self.recurrent_kernel)
        i, f, g, o = ops.split(summed, 4, axis=-1)
        gate, activation = self.recurrent_activation, self.activation
        cell = gate(f) * states[1] + gate(i) * activation(g)
        return [gate(o) * activation(cell), cell]

    def walk(
        self,
        projected: Tensor,
        states: list[Tensor],
        seen: Tensor | None = None,
        mask: Tensor | None = None,
        reverse: bool = False,
        unroll: int | bool = 1,
    ) -> tuple[Tensor, list[Tensor]]:
        if mask is not None or not _usual(self):
            return super().walk(projected, states, seen, mask, reverse, unroll)
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        hidden, carried = states
        return recurrence.lstm(projected, kernel, hidden, carried, seen, reverse, unroll)


class GRUCell(RecurrentCell):
    """One step of the gated recurrent unit.

        z = σ(x · W_z + h · U_z + b_z)
        r = σ(x · W_r + h · U_r + b_r)
        n = activation(x · W_n + b_n + r (h · U_n + b_m))
        h = z h + (1 - z) n

    Args:
        units: the size of the output and of the state.
        activation: a function or its name; `linear` where None.
        recurrent_activation: σ.
        use_bias: whether to add vectors.
        kernel_initializer: for W, `(input size, 3 * units)`.
        recurrent_initializer: for U, `(units, 3 * units)`.
        bias_initializer: for b: `(2, 3 * units)`, that of the inputs and that of the state; with
            `reset_after=False`, `(3 * units,)`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of them, applied
            after each step of training.
        dropout: the fraction of the inputs to drop in training.
        recurrent_dropout: the fraction of h to drop in the products with U.
        reset_after: False for r before the product: n = activation(x · W_n + (r h) · U_n + b_n).
        seed: for dropping.

    Reference:
        Cho et al., 2014, https://arxiv.org/abs/1406.1078

    Example:
        >>> from lamina import layers, ops
        >>> cell = layers.GRUCell(4)
        >>> output, states = cell(ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape, len(states)
        ((2, 4), 1)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units, activation, use_bias,
            kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def _state_bias(self) -> Any:
        return 0.0 if self.bias is None else self.bias[1]

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        before, kernel, units = states[0], self.recurrent_kernel, self.units
        hidden = before if mask is None else before * mask
        x, x_n = projected[:, : 2 * units], projected[:, 2 * units :]
        if self.reset_after:
            summed = ops.matmul(hidden, kernel) + self._state_bias()
            z, r = ops.split(self.recurrent_activation(x + summed[:, : 2 * units]), 2, axis=-1)
            n = self.activation(x_n + r * summed[:, 2 * units :])
        else:
            summed = ops.matmul(hidden, kernel[:, : 2 * units])
            z, r = ops.split(self.recurrent_activation(x + summed), 2, axis=-1)
            n = self.activation(x_n + ops.matmul(r * hidden, kernel[:, 2 * units :]))
        return [z * before + (1 - z) * n]

    def walk(
        self,
        projected: Tensor,
        states: list[Tensor],
        seen: Tensor | None = None,
        mask: Tensor | None = None,
        reverse: bool = False,
        unroll: int | bool = 1,
    ) -> tuple[Tensor, list[Tensor]]:
        if mask is not None or not self.reset_after or not _usual(self):
            return super().walk(projected, states, seen, mask, reverse, unroll)
        kernel = ops.convert_to_tensor(self.recurrent_kernel)
        bias = self._state_bias()
        if self.bias is None:
            bias = ops.zeros((3 * self.units,), dtype=projected.dtype)
        return recurrence.gru(projected, kernel, bias, states[0], seen, reverse, unroll)


def _usual(cell: LSTMCell | GRUCell) -> bool:
    """Whether the activations are those that `recurrence` knows the gradients of."""
    usual = activations.get("tanh"), activations.get("sigmoid")
    return (cell.activation, cell.recurrent_activation) == usual
