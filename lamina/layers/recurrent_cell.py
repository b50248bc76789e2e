"""What the cells of this library share: products that wait for no state, and those that do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import activations, constraints, initializers, ops, regularizers
from lamina.core.seeds import SeedGenerator
from lamina.core.variable import Variable
from lamina.layers import recurrence
from lamina.layers.checks import fraction, positive
from lamina.layers.dropout_masks import DropoutMasks
from lamina.ops.row import Tensor, TensorLike


class RecurrentCell(DropoutMasks):
    """What `SimpleRNNCell`, `LSTMCell`, `GRUCell` and the cell of `ConvLSTM2D` share.

    A step is two parts: `project`, of which a recurrent layer needs one call for all steps, and
    `step`, which needs the state before.
    """

    gates: ClassVar[int] = 1
    state_count: ClassVar[int] = 1
    # Of one step's inputs, the number of axes; of the gates side by side, the axis.
    step_ndim: int = 2
    gate_axis: int = -1

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
        self.output_size: Any = self.units
        self.state_size: Any = (
            self.units if self.state_count == 1 else [self.units] * self.state_count
        )

    def _count_masks(self, implementation: int) -> None:
        # As in Keras, where it depends on how the products are taken.
        self.mask_count = self.gates if self.recurrent_dropout or implementation == 1 else None

    def build(self, input_shape: Sequence[int | None]) -> None:
        kernel, recurrent_kernel = self._kernel_shapes(input_shape)
        self.kernel = self.add_weight(
            kernel,
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            recurrent_kernel,
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

    def _kernel_shapes(self, input_shape: Sequence[int | None]) -> tuple[Any, Any]:
        width = self.gates * self.units
        return (input_shape[-1], width), (self.units, width)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self, shape: tuple[int, ...], dtype: Any = None) -> TensorLike:
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
            inputs: `(batch, size)` of one step, or `(time, batch, size)` of many.
            training: whether to drop inputs, the same ones at each step.
        """
        kernel, bias = self.kernel, self._input_bias()
        one = inputs[0] if len(inputs.shape) > self.step_ndim else inputs
        masks = self.get_dropout_mask(one) if training else None
        if masks is None:
            return self._projected(inputs, kernel, bias)
        if self.mask_count is None:
            return self._projected(inputs * masks, kernel, bias)
        parts = [
            self._projected(inputs * masks[k], self._gates(kernel, k), self._gates(bias, k))
            for k in range(self.gates)
        ]
        return ops.concatenate(parts, axis=self.gate_axis)

    def _projected(self, inputs: Tensor, kernel: TensorLike, bias: TensorLike) -> Tensor:
        shape, before = ops.shape(inputs), len(inputs.shape) - self.step_ndim
        products = self._input_products(
            ops.reshape(inputs, (-1, *shape[before + 1 :])), kernel, bias
        )
        return ops.reshape(products, (*shape[: before + 1], *products.shape[1:]))

    def _gates(self, weight: Any, first: int, count: int = 1) -> Any:
        """The part of a kernel or of a bias that belongs to some gates."""
        if weight is None or count == self.gates:
            return weight
        return weight[..., first * self.units : (first + count) * self.units]

    def _input_products(self, rows: Tensor, kernel: TensorLike, bias: TensorLike) -> Tensor:
        """The products of inputs, `(batch, size)`, with the kernel, and the bias."""
        products = ops.matmul(rows, kernel)
        return products if bias is None else products + bias

    def _state_product(self, hidden: Tensor, kernel: TensorLike) -> Tensor:
        """The product of a state with the recurrent kernel."""
        return ops.matmul(hidden, kernel)

    def _state_products(
        self, hidden: Tensor, mask: Tensor | None, first: int = 0, count: int | None = None
    ) -> Tensor:
        """The products of a state, of which `mask` drops some, for all gates or some of them."""
        kernel, count = self.recurrent_kernel, count or self.gates
        if mask is None or self.mask_count is None:
            kept = hidden if mask is None else hidden * mask
            return self._state_product(kept, self._gates(kernel, first, count))
        parts = [
            self._state_product(hidden * mask[k], self._gates(kernel, k))
            for k in range(first, first + count)
        ]
        return ops.concatenate(parts, axis=self.gate_axis)

    def _input_bias(self) -> Any:
        return self.bias

    def step(
        self, projected: Tensor, states: list[Tensor], mask: Tensor | None = None
    ) -> list[Tensor]:
        """The states after one step, the output first.

        Args:
            projected: `(batch, gates * units)` from `project`.
            states: those before.
            mask: from `get_recurrent_dropout_mask`, or None.
        """
        raise TypeError(f"{type(self).__name__} has no method `step`, which computes its states.")

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
        """`walk` along inputs `(time, batch, …)` as they are given to the layer."""
        return self.walk(self.project(inputs, training), states, seen, mask, reverse, unroll)

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
        size = self.output_size
        shape = (batch_size, *(size if isinstance(size, tuple) else (size,)))
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(self.state_count)]
