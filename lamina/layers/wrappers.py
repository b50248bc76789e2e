"""Layers around another layer: `Wrapper`, `TimeDistributed` and `Bidirectional`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import ops
from lamina.core import registry
from lamina.core.layer import Layer
from lamina.layers.checks import one_of
from lamina.ops.row import TensorLike
from lamina.symbolic.tensor import map_leaves


class Wrapper(Layer):
    """A layer around another: the base class for them.

    Args:
        layer: the inner layer.

    Example:
        >>> from lamina import layers, ops
        >>> class Twice(layers.Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(self.layer(inputs))
        >>> Twice(layers.Dense(3))(ops.ones((2, 3))).shape
        (2, 3)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = checked_layer(layer)

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build_from_config({"input_shape": input_shape})


class TimeDistributed(Wrapper):
    """Applies a layer to each step in time on its own.

    All steps go through the layer in one call, as one batch of `batch * time` rows.

    Args:
        layer: the layer to apply.

    Input: `(batch, time, …)`. Output: `(batch, time, …)`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.TimeDistributed(layers.Flatten())(ops.ones((2, 7, 3, 5))).shape
        (2, 7, 15)
    """

    supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        super().build((input_shape[0], *input_shape[2:]))

    def call(
        self, inputs: TensorLike, training: bool | None = None, mask: TensorLike | None = None
    ) -> Any:
        known = self.layer._signature
        kwargs: dict[str, Any] = {"training": training} if known.declares_training else {}
        if mask is not None and "mask" in known.masks:
            kwargs["mask"] = ops.reshape(mask, (-1, *mask.shape[2:]))
        batch, time = inputs.shape[:2]
        outputs = self.layer(ops.reshape(inputs, (-1, *inputs.shape[2:])), **kwargs)
        return map_leaves(lambda one: ops.reshape(one, (batch, time, *one.shape[1:])), outputs)


class Bidirectional(Layer):
    """A recurrent layer run forwards and another run backwards, their outputs merged.

    Args:
        layer: a recurrent layer, made twice from its config.
        merge_mode: how to merge the outputs: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None to
            return both.
        weights: the weights to begin with, as `get_weights` gives them.
        backward_layer: the layer that runs backwards, where it is not as `layer`; it has
            `go_backwards=True`.

    Call arguments:
        sequences, mask, training: as for `RNN`.
        initial_state: the states to begin with, those of the forward layer first.

    Returns:
        As the layer: `(batch, units)` or `(batch, time, units)`, steps in the order of the input.
        With `return_state` a tuple of it and all states, those of the forward layer first.

    Reference:
        Schuster and Paliwal, 1997, https://doi.org/10.1109/78.650093

    Example:
        >>> from lamina import layers, ops
        >>> layers.Bidirectional(layers.LSTM(4))(ops.ones((2, 7, 3))).shape
        (2, 8)
    """

    supports_masking = True
    unsaved: ClassVar[frozenset[str]] = frozenset({"weights"})

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        layer = _checked_recurrent("layer", layer)
        if merge_mode is not None:
            one_of("merge_mode", merge_mode, ("concat", "sum", "mul", "ave"))
        self.merge_mode = merge_mode
        self.forward_layer = _named(layer, "forward")
        if backward_layer is None:
            self.backward_layer = _named(layer, "backward", go_backwards=not layer.go_backwards)
        else:
            self.backward_layer = _checked_recurrent("backward_layer", backward_layer)
        self._check_pair()
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.stateful = layer.stateful
        for one in (self.forward_layer, self.backward_layer):
            # A masked step has no output of its own to merge.
            one.zero_output_for_mask = one.zero_output_for_mask or layer.return_sequences
        self._first_weights = weights

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"Bidirectional {self.name!r} runs one layer forwards and one backwards, and both "
                f"of its layers have go_backwards={forward.go_backwards}."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            values = getattr(forward, name), getattr(backward, name)
            if values[0] != values[1]:
                raise ValueError(
                    f"The two layers of Bidirectional {self.name!r} must agree in {name}; they "
                    f"have {values[0]} and {values[1]}."
                )

    @property
    def layer(self) -> Any:
        """The layer that runs forwards."""
        return self.forward_layer

    def build(self, input_shape: Sequence[int | None]) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build_from_config({"input_shape": tuple(input_shape)})
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def call(
        self,
        sequences: TensorLike,
        initial_state: Any = None,
        mask: TensorLike | None = None,
        training: bool | None = None,
    ) -> Any:
        states: list[Any] = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [list(initial_state[:half]), list(initial_state[half:])]
        results = []
        for layer, state in zip((self.forward_layer, self.backward_layer), states, strict=True):
            results.append(layer(sequences, initial_state=state, mask=mask, training=training))
        if not self.return_state:
            return self._merged(*results)
        (forward, *after), (backward, *before) = results
        merged = self._merged(forward, backward)
        return (*(merged if isinstance(merged, tuple) else (merged,)), *after, *before)

    def _merged(self, forward: Any, backward: Any) -> Any:
        if self.return_sequences:
            backward = ops.flip(backward, axis=1)
        if self.merge_mode is None:
            return forward, backward
        if self.merge_mode == "concat":
            return ops.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "mul":
            return ops.multiply(forward, backward)
        total = ops.add(forward, backward)
        return total if self.merge_mode == "sum" else total / 2

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        return (mask, mask) if self.merge_mode is None else mask

    @property
    def states(self) -> list[Any] | None:
        """The variables that stateful layers keep, the forward layer's first; None for others."""
        if not (self.forward_layer.states and self.backward_layer.states):
            return None
        return [*self.forward_layer.states, *self.backward_layer.states]

    def reset_state(self) -> None:
        """Begin the next batch with the first states again."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state


def checked_layer(layer: Any) -> Any:
    """The layer that is given as itself, by its config or by its name.

    Raises:
        ValueError: if it is no layer.
    """
    layer = registry.identify("layers", layer, allow_none=False)
    if not isinstance(layer, Layer):
        raise ValueError(f"Expected a layer, and got {layer!r} of type {type(layer).__name__}.")
    return layer


def _checked_recurrent(name: str, layer: Any) -> Any:
    layer = checked_layer(layer)
    missing = [
        one
        for one in ("go_backwards", "return_sequences", "return_state", "stateful")
        if not hasattr(layer, one)
    ]
    if missing:
        raise ValueError(
            f"Bidirectional takes a recurrent layer, such as LSTM(32), as {name}; "
            f"{type(layer).__name__} has no {', '.join(missing)}."
        )
    return layer


def _named(layer: Any, direction: str, **changed: Any) -> Any:
    """A layer like `layer`, without its weights, whose name says its direction."""
    config = {**layer.get_config(), **changed}
    bare = layer.name.removeprefix("forward_").removeprefix("backward_")
    return type(layer).from_config({**config, "name": f"{direction}_{bare}"})
