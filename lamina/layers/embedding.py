"""Layers at the beginning of sequence models: `Embedding` and `Masking`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from lamina import constraints, initializers, ops, regularizers
from lamina.backend import current, is_int_dtype, is_keras_tensor
from lamina.core.layer import Layer
from lamina.layers.checks import only_none, positive
from lamina.layers.low_rank import BuiltWeight, LowRankLayer
from lamina.ops.row import Tensor, TensorLike


class Embedding(LowRankLayer):
    """A table of vectors, looked up by integers: output[i, j] = embeddings[inputs[i, j]].

    Args:
        input_dim: how many vectors there are: the largest integer + 1.
        output_dim: the size of each.
        embeddings_initializer: for the table, `(input_dim, output_dim)`.
        embeddings_regularizer: a penalty on the table.
        embeddings_constraint: a projection of the table, applied after each step of training.
        mask_zero: whether 0 is padding: later layers leave those steps out.
        weights: the table to begin with, an array or a list of one.
        lora_rank, lora_alpha: adapt the table by `enable_lora` as soon as there is one.
        quantization_config: None.

    Input: integers of any shape. Output: that shape and `output_dim`.

    Raises:
        ValueError: if an integer is no row of the table. Inside compiled code, where no error can
            be raised, its vector is what `ops.take` makes of it.

    Example:
        >>> from lamina import layers
        >>> layers.Embedding(10, 4)([[1, 2, 3]]).shape
        (1, 3, 4)
    """

    unsaved: ClassVar[frozenset[str]] = frozenset({"weights"})
    adapted = "embeddings"
    embeddings: Any = BuiltWeight()

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("input_length", None)  # of older Keras; the input says it
        super().__init__(**kwargs)
        only_none("Embedding", quantization_config=quantization_config)
        self._start_lora(lora_rank, lora_alpha)
        self.input_dim = positive("input_dim", input_dim)
        self.output_dim = positive("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        if weights is not None:
            self.build()
            self.set_weights(list(weights) if isinstance(weights, (list, tuple)) else [weights])

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        if self.built:
            return
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )
        self._adapt_as_asked()

    def call(self, inputs: TensorLike) -> Tensor:
        indices = ops.convert_to_tensor(inputs)
        if not is_int_dtype(indices.dtype):
            indices = ops.cast(indices, "int32")
        if not is_keras_tensor(indices):
            current().check_values(self._check, indices)
        if self.lora_enabled:
            return self.embeddings.rows(indices)
        return ops.take(self.embeddings.value, indices, axis=0)

    def _check(self, found: np.ndarray) -> None:
        # Without its sign a negative number is one of the largest.
        unsigned = found.view(f"u{found.itemsize}")
        if unsigned.max(initial=0) >= self.input_dim:
            place = np.argwhere(unsigned >= self.input_dim)[0].tolist()
            raise ValueError(
                f"Embedding {self.name!r} has {self.input_dim} rows, and its input holds "
                f"{found[tuple(place)]} at {place}. Integers from 0 to {self.input_dim - 1} are "
                "rows of it; raise input_dim, or map unknown ones to a row kept for them."
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class Masking(Layer):
    """Marks the steps in which all numbers equal `mask_value`, for later layers to leave out.

    Args:
        mask_value: the number that stands for padding.

    Input: `(batch, time, size)`. Output: the same, padding set to 0.

    Example:
        >>> from lamina import layers, ops
        >>> float(ops.sum(layers.Masking(mask_value=1.0)(ops.ones((1, 2, 3)))))
        0.0
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: TensorLike) -> Tensor:
        seen = ops.expand_dims(self.compute_mask(inputs), -1)
        return inputs * ops.cast(seen, inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)
