"""Recurrent layers: a cell walked along time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optree

from lamina import ops
from lamina.backend import current
from lamina.core import registry
from lamina.core.layer import Layer
from lamina.core.state import Holder
from lamina.core.variable import Variable
from lamina.layers.dropout_masks import masks_of_a_sequence
from lamina.layers.recurrence import held
from lamina.layers.recurrent_cell import RecurrentCell
from lamina.ops.row import Tensor, TensorLike
from lamina.symbolic.tensor import computation, leaves, map_leaves


class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next.

    Args:
        cells: a list of cells.

    Example:
        >>> from lamina import layers, ops
        >>> cell = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(5)])
        >>> layers.RNN(cell)(ops.ones((2, 7, 3))).shape
        (2, 5)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = [_checked_cell(cell) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states, one entry for each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states before the first step, one list for each cell."""
        return [_initial_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Sequence[int | None]) -> None:
        for cell in self.cells:
            _build_cell(cell, input_shape)
            input_shape = (input_shape[0], *_sizes(_output_size(cell)))

    def call(
        self, inputs: TensorLike, states: Any, training: bool | None = False
    ) -> tuple[Tensor, list[Any]]:
        last = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, state = _called(cell, inputs, state, training)
            last.append(state)
        return inputs, last


class RNN(Layer):
    """A recurrent layer: a cell walked along the time axis of its input.

    A cell is a layer with `call(inputs, states) -> (output, states)`, a `state_size` (an integer
    or a list of them), and as it likes an `output_size` and `get_initial_state(batch_size)`.
    `inputs` is one step, `(batch, size)`.

    A mask `(batch, time)` leaves out the steps where it is False: the state stays, and the output
    is that of the step before (zeros with `zero_output_for_mask`), or the first state.

    Args:
        cell: a cell, or a list of cells to stack.
        return_sequences: return the outputs of all steps, not just of the last.
        return_state: return the last states too.
        go_backwards: walk from the end; the outputs come in the order of the walk.
        stateful: begin each batch with the states that the last one ended with, row by row. The
            batch size must be known: `Input(batch_shape=...)`.
        unroll: write all steps out instead of making a loop.
        zero_output_for_mask: see above.

    Call arguments:
        sequences: `(batch, time, size)`.
        initial_state: the states to begin with, one or a list; zeros where None.
        mask: `(batch, time)`, booleans.
        training: whether cells drop inputs.

    Returns:
        `(batch, units)`, or `(batch, time, units)` with `return_sequences`; with `return_state`
        a tuple of it and the states.

    Example:
        >>> from lamina import layers, ops
        >>> layers.RNN(layers.GRUCell(4), return_sequences=True)(ops.ones((2, 7, 3))).shape
        (2, 7, 4)
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        several = isinstance(cell, (list, tuple))
        self.cell = StackedRNNCells(cell) if several else _checked_cell(cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._kept: _KeptStates | None = None

    def build(self, input_shape: Sequence[int | None]) -> None:
        _build_cell(self.cell, (input_shape[0], *input_shape[2:]))
        if self.stateful:
            if input_shape[0] is None:
                raise ValueError(
                    f"{type(self).__name__} {self.name!r} is stateful: it keeps one state for each "
                    "row of the batch, so it must know the batch size. Give it: "
                    f"Input(batch_shape=(32, ...)) instead of the shape {tuple(input_shape)}."
                )
            with current().outside_trace(), computation():
                first = self.get_initial_state(input_shape[0])
            self._kept = _KeptStates(first)

    def call(
        self,
        sequences: TensorLike,
        initial_state: Any = None,
        mask: TensorLike | None = None,
        training: bool | None = False,
    ) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        states = self._first_states(sequences, initial_state)
        last, outputs, states = self.inner_loop(sequences, states, mask, training)
        if self._kept is not None:
            self._kept.assign(states)
        result = outputs if self.return_sequences else last
        return (result, *states) if self.return_state else result

    def inner_loop(
        self,
        sequences: TensorLike,
        initial_state: list[Any],
        mask: TensorLike | None,
        training: bool | None = False,
    ) -> tuple[Tensor, Tensor, list[Any]]:
        """The cell walked along time, for subclasses that walk in another way.

        Args:
            sequences: `(batch, time, …)`.
            initial_state: the states to begin with.
            mask: `(batch, time)`, booleans, or None.
            training: whether cells drop inputs.

        Returns:
            The last output; all outputs, `(batch, time, …)`, in the order of the walk; and the
            last states.

        Example:
            >>> from lamina import layers, ops
            >>> layer = layers.GRU(4)
            >>> layer.build((2, 7, 3))
            >>> last, outputs, states = layer.inner_loop(
            ...     ops.ones((2, 7, 3)), layer.get_initial_state(2), None
            ... )
            >>> tuple(last.shape), tuple(outputs.shape), len(states)
            ((2, 4), (2, 7, 4), 1)
        """
        seen = None if mask is None else ops.expand_dims(ops.transpose(mask), -1)
        outputs, last, states = walk(
            self.cell,
            ops.swapaxes(sequences, 0, 1),
            initial_state,
            seen=seen,
            training=training,
            reverse=self.go_backwards,
            unroll=self.unroll or 1,
        )
        if seen is not None and self.zero_output_for_mask:
            outputs = _zeroed(outputs, seen)
            last = outputs[0 if self.go_backwards else -1]
        outputs = ops.swapaxes(outputs, 0, 1)
        return last, ops.flip(outputs, axis=1) if self.go_backwards else outputs, states

    def _first_states(self, sequences: Any, initial_state: Any) -> list[Any]:
        batch = sequences.shape[0]
        if initial_state is None:
            if self._kept is None:
                return self.get_initial_state(batch)
            initial_state = self.states
        several = isinstance(initial_state, (list, tuple))
        given: Any = list(initial_state) if several else [initial_state]
        needed = self.cell.state_size
        count = len(needed) if isinstance(needed, (list, tuple)) else 1
        if len(given) != count:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {count} state(s) and was given "
                f"{len(given)} in initial_state. Pass a list of {count}, as its return_state gives."
            )
        found: Any = map_leaves(lambda one: ops.cast(one, self.compute_dtype), given)
        wrong = [one.shape for one in leaves(found) if one.shape[0] != batch]
        if wrong:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} begins with states of the shape {wrong[0]}, "
                f"which do not fit a batch of {batch}. A stateful layer takes batches of one size; "
                "an initial_state has a row for each row of the batch."
            )
        return list(found)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        size = self.cell.state_size
        count = len(size) if isinstance(size, (list, tuple)) else 1
        return [mask, *[None] * count] if self.return_state else mask

    @property
    def state_size(self) -> Any:
        """The sizes of the cell's states."""
        return self.cell.state_size

    def get_initial_state(self, batch_size: int | None) -> list[Any]:
        """The states that a batch begins with: zeros, unless the cell says otherwise."""
        return _initial_state(self.cell, batch_size, self.compute_dtype)

    @property
    def states(self) -> list[Any] | None:
        """The variables that a stateful layer keeps between batches; None for others."""
        return None if self._kept is None else self._kept.nested()

    def reset_state(self) -> None:
        """Begin the next batch with the first states again.

        Raises:
            ValueError: if the layer is not stateful, or has not been built.
        """
        if self._kept is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} keeps no state between batches: make it with "
                "stateful=True, and call it, or build it, before its states are reset."
            )
        self._kept.assign(self.get_initial_state(self._kept.variables[0].shape[0]))

    reset_states = reset_state


class _KeptStates(Holder):
    """The states of a stateful layer: not weights, but variables of its."""

    def __init__(self, first: Any) -> None:
        self.structure = optree.tree_structure(first)
        self.variables = [Variable(one, trainable=False, name="rnn_state") for one in leaves(first)]

    def nested(self) -> Any:
        return optree.tree_unflatten(self.structure, self.variables)

    def assign(self, states: list[Any]) -> None:
        for variable, state in zip(self.variables, leaves(states), strict=True):
            variable.assign(state)


def walk(
    cell: Any,
    sequence: Tensor,
    states: Any,
    *,
    seen: Tensor | None,
    training: bool | None,
    reverse: bool,
    unroll: int | bool,
) -> tuple[Tensor, Tensor, list[Any]]:
    """All outputs of a cell, time first, the last of them, and the last states.

    Args:
        cell: any cell.
        sequence: `(time, batch, …)`.
        states: those before the first step.
        seen: `(time, batch, 1)`, False where a step is left out; None for no such step.
        training: whether the cell drops inputs.
        reverse: begin at the end.
        unroll: how many steps to write out in a compiled loop; True for all.
    """
    options: dict[str, Any] = {"seen": seen, "reverse": reverse, "unroll": unroll}
    if type(cell) is StackedRNNCells:
        # One cell after the other along all of time: each has its inputs together then.
        ends = []
        for inner, state in zip(cell.cells, states, strict=True):
            state = list(state) if isinstance(state, (list, tuple)) else [state]
            sequence, last, end = walk(inner, sequence, state, training=training, **options)
            ends.append(end)
        return sequence, last, ends
    with masks_of_a_sequence(cell, sequence, states, training):
        if isinstance(cell, RecurrentCell) and type(cell).call is RecurrentCell.call:
            mask = cell.get_recurrent_dropout_mask(states[0]) if training else None
            outputs, states = cell.walk_inputs(sequence, states, training, mask=mask, **options)
            return outputs, states[0], states
        return _walk_call(cell, sequence, states, training, **options)


def _walk_call(
    cell: Any,
    sequence: Tensor,
    states: Any,
    training: bool | None,
    seen: Tensor | None,
    reverse: bool,
    unroll: int | bool,
) -> tuple[Tensor, Tensor, list[Any]]:
    """`walk` of a cell of which nothing is known but its call."""
    structure = optree.tree_structure(states)
    shape = (sequence.shape[1], *_sizes(_output_size(cell)))
    start = ops.zeros(shape, dtype=leaves(states)[0].dtype)

    def step(carry: list[Tensor], x: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
        before = optree.tree_unflatten(structure, carry[1:])
        output, after = _called(cell, x[0], before, training)
        new = held([output, *leaves(after)], carry, *x[1:])
        return new, new[0]

    xs = (sequence,) if seen is None else (sequence, seen)
    first = [start, *leaves(states)]
    (last, *ends), outputs = ops.scan(step, first, xs, reverse=reverse, unroll=unroll)
    return outputs, last, optree.tree_unflatten(structure, ends)  # type: ignore[return-value]


def _called(cell: Any, inputs: Any, states: Any, training: bool | None) -> tuple[Any, Any]:
    """One step of a cell. A single state goes to it, and comes back, in a list or bare."""
    known = cell._signature
    kwargs = {"training": training} if known.declares_training else {}
    output, new = cell(inputs, states, **kwargs)
    return output, list(new) if isinstance(new, (list, tuple)) else [new]


def _checked_cell(cell: Any) -> Any:
    cell = registry.identify("layers", cell, allow_none=False)
    if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
        raise ValueError(
            "A recurrent layer takes a cell: a layer with `call(inputs, states)` and a "
            f"`state_size`, such as LSTMCell(32), or a list of them. It was given {cell!r}."
        )
    return cell


def _build_cell(cell: Any, input_shape: Sequence[int | None]) -> None:
    if not cell.built:
        cell.build_from_config({"input_shape": tuple(input_shape)})


def _output_size(cell: Any) -> Any:
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if isinstance(cell.state_size, list) else cell.state_size
    return size


def _sizes(size: Any) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)


def _initial_state(cell: Any, batch_size: int | None, dtype: str) -> list[Any]:
    make = getattr(cell, "get_initial_state", None)
    if make is not None:
        found = make(batch_size=batch_size)
        return list(found) if isinstance(found, (list, tuple)) else [found]
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    return [ops.zeros((batch_size, *_sizes(size)), dtype=dtype) for size in sizes]


def _zeroed(outputs: Tensor, seen: Tensor) -> Tensor:
    shape = (*seen.shape[:2], *(1 for _ in outputs.shape[2:]))
    return ops.where(ops.reshape(seen, shape), outputs, ops.zeros_like(outputs))
