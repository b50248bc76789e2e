"""A table of vectors that also turns vectors back into scores of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import ops
from lamina.layers.embedding import Embedding
from lamina.ops.row import Tensor, TensorLike


class ReversibleEmbedding(Embedding):
    """An `Embedding` that can be asked the other way round, as language models do at their end.

        forwards: output[i, j] = embeddings[inputs[i, j]]
        reversed: logits = inputs · embeddingsᵀ

    Args:
        input_dim: how many vectors there are: the size of the vocabulary.
        output_dim: the size of each.
        tie_weights: whether both directions share one table; if not, the reverse has a table
            `reverse_embeddings` of its own, `(output_dim, input_dim)`.
        embeddings_initializer: for both tables.
        embeddings_regularizer: a penalty on the first table.
        embeddings_constraint: a projection of it, applied after each step of training.
        mask_zero: whether 0 is padding: later layers leave those steps out.
        reverse_dtype: the type that logits are computed and returned in; the layer's compute
            type where None.
        logit_soft_cap: c, to bring logits x to c * tanh(x / c).

    Call arguments:
        inputs: integers of any shape, or with `reverse` floats `(…, output_dim)`.
        reverse: whether to compute logits, `(…, input_dim)`.

    Example:
        >>> from lamina import layers
        >>> layer = layers.ReversibleEmbedding(10, 4)
        >>> vectors = layer([[1, 2, 3]])
        >>> vectors.shape, layer(vectors, reverse=True).shape
        ((1, 3, 4), (1, 3, 10))

    Reference:
        Press and Wolf, 2016, https://arxiv.org/abs/1608.05859
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: str | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim),
                self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def call(self, inputs: TensorLike, reverse: bool = False) -> Tensor:
        if not reverse:
            return super().call(inputs)
        if self.tie_weights:
            kernel = ops.transpose(ops.convert_to_tensor(self.embeddings))
        else:
            kernel = ops.convert_to_tensor(self.reverse_embeddings)
        dtype = self.reverse_dtype or self.compute_dtype
        logits = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else ops.tanh(logits / cap) * cap
