"""Attention: each target looks at the sources that fit it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import constraints, initializers, ops, random, regularizers
from lamina.core.context import get_mask
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.layers.checks import fraction, positive
from lamina.layers.dense import EinsumDense
from lamina.ops.row import Tensor, TensorLike

# Finite, so that a target which sees nothing has no NaN.
_LEAST = -1e30


class MultiHeadAttention(Layer):
    """Attention in several heads, each with projections of its own.

        head = softmax(q · kᵀ / sqrt(key_dim)) · v,  output = heads · W + b

    with q, k, v linear in `query`, `key` and `value`.

    Args:
        num_heads: how many heads.
        key_dim: the size of q and k in each head.
        value_dim: the size of v in each head; `key_dim` where None.
        dropout: the fraction of the attention weights to drop in training.
        use_bias: whether the projections add a vector.
        output_shape: the sizes of the output's last axes; that of `query` where None.
        attention_axes: the axes to look along; all but the batch and the last where None.
        sliding_window: w, to hide the sources w or more steps away from a target.
        flash_attention: as in `ops.dot_product_attention`; True excludes `dropout`, scores that are
            returned, and a `value_dim` of its own.
        kernel_initializer, bias_initializer: for the projections.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: of them.
        activity_regularizer: a penalty on the output.
        use_gate: whether the heads are multiplied by the sigmoid of one more projection of
            `query` (https://arxiv.org/abs/2505.06708).
        seed: for dropping.

    Call arguments:
        query: `(batch, targets, size)`.
        value: `(batch, sources, size)`.
        key: `(batch, sources, size)`; `value` where None.
        query_mask, value_mask, key_mask: `(batch, targets)` and `(batch, sources)`, False where
            padded; padded sources are hidden.
        attention_mask: `(batch, targets, sources)`, False where a source is hidden.
        return_attention_scores: return the weights too, `(batch, heads, targets, sources)`.
        use_causal_mask: hide the sources that come after a target.

    Example:
        >>> from lamina import layers, ops
        >>> x = ops.ones((2, 5, 6))
        >>> layers.MultiHeadAttention(num_heads=2, key_dim=3)(x, x, use_causal_mask=True).shape
        (2, 5, 6)

    Reference:
        Vaswani et al., 2017, https://arxiv.org/abs/1706.03762
    """

    supports_masking = True
    unsaved: ClassVar[frozenset[str]] = frozenset({"flash_attention"})

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.num_heads = positive("num_heads", num_heads)
        self.key_dim = positive("key_dim", key_dim)
        self.value_dim = positive("value_dim", value_dim or key_dim)
        self.dropout = fraction("dropout", dropout)
        self.use_bias = use_bias
        sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.output_shape = None if sizes is None else tuple(sizes)
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.attention_axes = None if axes is None else tuple(axes)
        if sliding_window is not None:
            positive("sliding_window", sliding_window)
        self.sliding_window = sliding_window
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.use_gate = use_gate
        if flash_attention and (dropout > 0 or self.value_dim != self.key_dim):
            raise ValueError(
                "MultiHeadAttention with flash_attention=True takes dropout=0 and a value_dim that "
                f"is key_dim, not dropout={dropout}, value_dim={self.value_dim} and "
                f"key_dim={self.key_dim}. Leave flash_attention at None."
            )
        self.flash_attention = flash_attention
        self.seed = seed
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(
        self,
        query_shape: Sequence[int | None],
        value_shape: Sequence[int | None],
        key_shape: Sequence[int | None] | None = None,
    ) -> None:
        if self.attention_axes is None:
            self.attention_axes = tuple(range(1, len(query_shape) - 1))
        self.query_dense = self._heads("query", self.key_dim, query_shape)
        self.key_dense = self._heads("key", self.key_dim, key_shape or value_shape)
        if self.use_gate:
            self._gate_dense = self._heads("gate", self.value_dim, query_shape)
        self.value_dense = self._heads("value", self.value_dim, value_shape)
        sizes = self.output_shape or (query_shape[-1],)
        letters = "uvwxyz"[: len(sizes)]
        self.output_dense = self._projection(
            "attention_output",
            f"...hd,hd{letters}->...{letters}",
            (*query_shape[1:-1], *sizes),
            letters,
            (*query_shape[:-1], self.num_heads, self.value_dim),
        )

    def _heads(self, name: str, size: int, shape: Sequence[int | None]) -> EinsumDense:
        output = (*shape[1:-1], self.num_heads, size)
        return self._projection(name, "...x,xhd->...hd", output, "hd", shape)

    def _projection(
        self, name: str, equation: str, output: Any, bias_axes: str, shape: Any
    ) -> EinsumDense:
        dense = EinsumDense(
            equation,
            output_shape=output,
            bias_axes=bias_axes if self.use_bias else None,
            # One initializer for all would give projections of one shape the same numbers.
            kernel_initializer=_copy(self.kernel_initializer),
            bias_initializer=_copy(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        dense.build(tuple(shape))
        return dense

    def call(
        self,
        query: TensorLike,
        value: TensorLike,
        key: TensorLike | None = None,
        query_mask: TensorLike | None = None,
        value_mask: TensorLike | None = None,
        key_mask: TensorLike | None = None,
        attention_mask: TensorLike | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        if self.flash_attention and return_attention_scores:
            raise ValueError(
                "MultiHeadAttention with flash_attention=True has no scores to return: its kernel "
                "does not keep them. Leave return_attention_scores or flash_attention out."
            )
        key = value if key is None else key
        axes = [axis % query.ndim for axis in self.attention_axes or ()]
        targets, q = _flattened(self.query_dense(query), axes)
        sources, k = _flattened(self.key_dense(key), axes)
        _, v = _flattened(self.value_dense(value), axes)
        # As in Keras, a padded target sees nothing where the mask came with the query; one passed
        # by hand as query_mask is only handed on to the output.
        padding = [get_mask(query), value_mask, key_mask]
        plain = self.value_dim == self.key_dim and not (training and self.dropout > 0)
        plain = plain and not return_attention_scores
        masked = use_causal_mask and not plain  # else the op itself hides what comes after
        seen = self._seen(q.shape[1], k.shape[1], padding, attention_mask, masked)
        if seen is not None:  # one mask for all axes that are not looked along
            repeats = q.shape[0] // seen.shape[0] if seen.shape[0] != 1 else 1
            seen = ops.expand_dims(ops.repeat(seen, repeats, axis=0) if repeats > 1 else seen, 1)
        scores = None
        if plain:
            heads = ops.dot_product_attention(
                q,
                k,
                v,
                mask=seen,
                is_causal=use_causal_mask,
                flash_attention=self.flash_attention,
            )
        else:
            heads, scores = self._weighted(q, k, v, seen, training)
        heads = _unflattened(heads, query.shape, axes)
        if self.use_gate:
            heads = heads * ops.sigmoid(self._gate_dense(query))
        output = self.output_dense(heads)
        if not return_attention_scores:
            return output
        others = [query.shape[axis] for axis in range(1, query.ndim - 1) if axis not in axes]
        shape = (query.shape[0], *others, self.num_heads, *targets, *sources)
        return output, ops.reshape(scores, shape)

    def _seen(
        self, targets: int, sources: int, padding: list[Any], mask: Any, causal: bool
    ) -> Tensor | None:
        """Which target sees which source: `(batch or 1, targets, sources)`; None for all."""
        shapes = [(-1, targets, 1), (-1, 1, sources), (-1, 1, sources)]
        found = [
            ops.reshape(one, shape)
            for one, shape in zip(padding, shapes, strict=True)
            if one is not None
        ]
        if mask is not None:
            found.append(ops.reshape(mask, (-1, targets, sources)))
        if causal or self.sliding_window:
            steps = ops.expand_dims(ops.arange(targets), -1) - ops.arange(sources)
            steps = ops.expand_dims(steps, 0)
            if causal:
                found.append(steps >= 0)
            if self.sliding_window:
                found.append(ops.absolute(steps) < self.sliding_window)
        if not found:
            return None
        seen = ops.ones((1, targets, sources), "bool")
        for one in found:
            seen = ops.logical_and(seen, ops.cast(one, "bool"))
        return seen

    def _weighted(
        self, q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None, training: bool | None
    ) -> tuple[Tensor, Tensor]:
        logits = ops.einsum("btnh,bsnh->bnts", q, k) / math.sqrt(self.key_dim)
        if seen is None:
            weights = ops.softmax(logits, axis=-1)
        else:
            weights = ops.softmax(ops.where(seen, logits, _LEAST), axis=-1)
            weights = ops.where(seen, weights, 0)  # where a target sees nothing
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        return ops.einsum("bnts,bsnh->btnh", weights, v), weights


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
            and `(batch, sources, size)`.
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
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        seen = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), 1)
        if use_causal_mask:
            steps = ops.expand_dims(ops.arange(query.shape[1]), -1) >= ops.arange(value.shape[1])
            seen = ops.expand_dims(steps, 0) if seen is None else ops.logical_and(seen, steps)
        scores = self._scores(query, key)
        if seen is not None:
            scores = ops.where(seen, scores, _LEAST)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        output = ops.matmul(weights, value)
        if query_mask is not None:
            output = output * ops.expand_dims(ops.cast(query_mask, output.dtype), -1)
        return (output, weights) if return_attention_scores else output

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, 1, 2))
            return scores if self.scale is None else scores * self.scale
        total = ops.expand_dims(query, 2) + ops.expand_dims(key, 1)
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
        total = ops.tanh(ops.expand_dims(query, 2) + ops.expand_dims(key, 1))
        return ops.sum(total if self.scale is None else total * self.scale, axis=-1)


def _copy(initializer: Any) -> Any:
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def _order(rank: int, axes: list[int]) -> list[int]:
    """The axes of a tensor with heads: batch, those not looked along, those looked along, heads."""
    others = [axis for axis in range(1, rank - 2) if axis not in axes]
    return [0, *others, *axes, rank - 2, rank - 1]


def _flattened(x: Tensor, axes: list[int]) -> tuple[tuple[int, ...], Tensor]:
    """The sizes along `axes`, and `x` as `(rows, steps, heads, size)`."""
    sizes = tuple(x.shape[axis] for axis in axes)
    if x.ndim == 4 and len(axes) == 1:
        return sizes, x
    x = ops.transpose(x, _order(x.ndim, axes))
    return sizes, ops.reshape(x, (-1, math.prod(sizes), *x.shape[-2:]))


def _unflattened(heads: Tensor, shape: tuple[int, ...], axes: list[int]) -> Tensor:
    """The undoing of `_flattened`, for a query of `shape`."""
    rank = len(shape) + 1
    if rank == 4 and len(axes) == 1:
        return heads
    order = _order(rank, axes)
    sizes = [shape[axis] for axis in order[:-2]]
    heads = ops.reshape(heads, (*sizes, *heads.shape[-2:]))
    return ops.transpose(heads, [order.index(axis) for axis in range(rank)])
