"""Cells: what a recurrent layer computes at each step in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import activations, ops
from lamina.layers import recurrence
from lamina.layers.recurrent_cell import RecurrentCell
from lamina.ops.row import Tensor, TensorLike


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
        summed = projected + self._state_products(states[0], mask)
        return [summed if self.activation is None else self.activation(summed)]


class _GatedCell(RecurrentCell):
    """A cell whose steps along all of time `recurrence` takes in one call, where they are usual."""

    recurrent_activation: Any

    def _in_one_call(self, inputs: Tensor, states: list[Tensor], **options: Any) -> Any:
        """All hidden states, and the last of each kind."""
        raise TypeError(f"{type(self).__name__} has no method `_in_one_call`.")

    def _is_usual(self) -> bool:
        """Whether the steps are those that `recurrence` knows the gradients of."""
        usual = activations.get("tanh"), activations.get("sigmoid")
        return (self.activation, self.recurrent_activation) == usual

    def walk_inputs(
        self,
        inputs: Tensor,
        states: list[Tensor],
        training: bool | None,
        seen: Tensor | None = None,
        mask: Tensor | None = None,
        reverse: bool = False,
        unroll: int | bool = 1,
    ) -> tuple[Tensor, list[Tensor]]:
        dropped = self.get_dropout_mask(inputs[0]) if training else None
        each = dropped is not None and self.mask_count is not None  # for each gate its own
        if mask is not None or each or not self._is_usual():
            return super().walk_inputs(inputs, states, training, seen, mask, reverse, unroll)
        inputs = inputs if dropped is None else inputs * dropped
        options = {"seen": seen, "reverse": reverse, "unroll": unroll}
        hiddens, *last = self._in_one_call(inputs, states, **options)
        return hiddens, last


class LSTMCell(_GatedCell):
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
        implementation: 1 where each gate drops elements of its own, as it does in any case with
            `recurrent_dropout`; 2 where all drop the same ones.

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
    unsaved = frozenset({"implementation"})

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
        implementation: int = 2,
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
        self._count_masks(implementation)

    def _first_bias(self, shape: tuple[int, ...], dtype: Any = None) -> TensorLike:
        if not self.unit_forget_bias:
            return super()._first_bias(shape, dtype)
        first = self.bias_initializer
        i, others = (
            ops.convert_to_numpy(first((count * self.units,), dtype=dtype)) for count in (1, 2)
        )
        return np.concatenate([i, np.ones_like(i), others])

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        summed = projected + self._state_products(states[0], mask)
        i, f, g, o = ops.split(summed, 4, axis=self.gate_axis)
        gate, activation = self.recurrent_activation, self.activation
        cell = gate(f) * states[1] + gate(i) * activation(g)
        return [gate(o) * activation(cell), cell]

    def _in_one_call(self, inputs: Tensor, states: list[Tensor], **options: Any) -> Any:
        hidden, carried = states
        return recurrence.lstm_sequence(
            *(inputs, self.kernel, self.bias, self.recurrent_kernel, hidden, carried), **options
        )


class GRUCell(_GatedCell):
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
        implementation: 1 where each gate drops elements of its own, as it does in any case with
            `recurrent_dropout`; 2 where all drop the same ones.

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
    unsaved = frozenset({"implementation"})

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
        implementation: int = 2,
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
        self._count_masks(implementation)

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def _state_bias(self) -> Any:
        return 0.0 if self.bias is None else self.bias[1]

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        before, units = states[0], self.units
        x, x_n = projected[:, : 2 * units], projected[:, 2 * units :]
        if self.reset_after:
            summed = self._state_products(before, mask) + self._state_bias()
            z, r = ops.split(self.recurrent_activation(x + summed[:, : 2 * units]), 2, axis=-1)
            n = self.activation(x_n + r * summed[:, 2 * units :])
        else:
            summed = self._state_products(before, mask, count=2)
            z, r = ops.split(self.recurrent_activation(x + summed), 2, axis=-1)
            n = self.activation(x_n + self._state_products(r * before, mask, 2, 1))
        return [z * before + (1 - z) * n]

    def _is_usual(self) -> bool:
        return self.reset_after and super()._is_usual()

    def _in_one_call(self, inputs: Tensor, states: list[Tensor], **options: Any) -> Any:
        bias, state_bias = (None, None) if self.bias is None else (self.bias[0], self.bias[1])
        return recurrence.gru_sequence(
            *(inputs, self.kernel, bias, self.recurrent_kernel, state_bias, states[0]), **options
        )
