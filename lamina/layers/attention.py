"""Attention: each target looks at the sources that fit it."""

from __future__ import annotations

from typing import Any

from lamina import ops, random
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.layers.checks import fraction
from lamina.ops.row import Tensor

# Finite, so that a target which sees nothing has no NaN.
LEAST = -1e30


class Attention(Layer):
    """Attention without projections: softmax(query · keyᵀ) · value.

    Args:
        use_scale: whether to multiply the scores by a number that is trained.
        score_mode: `"dot"` for query · keyᵀ; `"concat"` for w sum(tanh(scale (query + key))), w
            trained.
        dropout: the fraction of the attention weights to drop in training.
        seed: for dropping.

    Call arguments:
        inputs: `[query, value]` or `[query, value, key]`, of the shapes `(batch, targets, size)`
            and `(batch, sources, size)`, with more axes after the batch if all have them.
        mask: `[query_mask, value_mask]`, booleans `(batch, targets)` and `(batch, sources)`:
            padded sources are hidden, and the outputs of padded targets are 0.
        return_attention_scores: return the weights too, `(batch, targets, sources)`.
        use_causal_mask: hide the sources that come after a target.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Attention()([ops.ones((2, 5, 4)), ops.ones((2, 7, 4))]).shape
        (2, 5, 4)

    Reference:
        Luong et al., 2015, https://arxiv.org/abs/1508.04025
    """

    supports_masking = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"score_mode is 'dot' or 'concat', not {score_mode!r}.")
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = fraction("dropout", dropout)
        self.seed = seed
        self.scale: Any = None
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes a list [query, value] or "
                "[query, value, key]."
            )
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) == 3 else value
        query_mask, value_mask = (None, None) if mask is None else self._masks(mask)
        seen = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), -2)
        if use_causal_mask:
            steps = ops.expand_dims(ops.arange(query.shape[-2]), -1) >= ops.arange(value.shape[-2])
            seen = ops.expand_dims(steps, 0) if seen is None else ops.logical_and(seen, steps)
        scores = self._scores(query, key)
        if seen is not None:
            scores = ops.where(seen, scores, LEAST)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        output = ops.matmul(weights, value)
        if query_mask is not None:
            output = output * ops.expand_dims(ops.cast(query_mask, output.dtype), -1)
        return (output, weights) if return_attention_scores else output

    def _masks(self, mask: Any) -> Any:
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes a list [query_mask, value_mask] as "
                "mask, either of which may be None."
            )
        return mask[:2]

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        total = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        total = total if self.scale is None else total * self.scale
        return self.concat_score_weight * ops.sum(ops.tanh(total), axis=-1)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else None


class AdditiveAttention(Attention):
    """Attention with the scores sum(scale tanh(query + key)), `scale` a trained vector.

    Args:
        use_scale: whether there is a `scale`; 1 otherwise.
        dropout: the fraction of the attention weights to drop in training.

    Called as `Attention`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.AdditiveAttention()([ops.ones((2, 5, 4)), ops.ones((2, 7, 4))]).shape
        (2, 5, 4)

    Reference:
        Bahdanau et al., 2014, https://arxiv.org/abs/1409.0473
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        total = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(total if self.scale is None else total * self.scale, axis=-1)
