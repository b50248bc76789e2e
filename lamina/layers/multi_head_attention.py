"""Attention in several heads, with projections."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import constraints, initializers, ops, random, regularizers
from lamina.core import registry
from lamina.core.context import get_mask
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.layers.attention import LEAST
from lamina.layers.checks import fraction, positive
from lamina.layers.dense import EinsumDense
from lamina.ops.row import Tensor, TensorLike
from lamina.symbolic.graph import auto_name


def _kept(attribute: str, meaning: str) -> Any:
    """A property that shows `attribute`, for programs to read and not to set."""
    return property(operator.attrgetter(attribute), doc=meaning)


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
        attention_mask: `(batch, targets, sources)`, False where a source is hidden; or
            `(batch, heads, targets, sources)`.
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
    num_heads = _kept("_num_heads", "How many heads.")
    key_dim = _kept("_key_dim", "The size of q and k in each head.")
    value_dim = _kept("_value_dim", "The size of v in each head.")
    dropout = _kept("_dropout", "The fraction of the attention weights to drop in training.")
    use_bias = _kept("_use_bias", "Whether the projections add a vector.")
    attention_axes = _kept("_attention_axes", "The axes to look along, once they are known.")
    query_dense = _kept("_query_dense", "The projection of the query, of a layer that is built.")
    key_dense = _kept("_key_dense", "The projection of the key.")
    value_dense = _kept("_value_dense", "The projection of the value.")
    output_dense = _kept("_output_dense", "The projection of the heads.")

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
        self._num_heads = self._key_heads = positive("num_heads", num_heads)
        self._key_dim = positive("key_dim", key_dim)
        self._value_dim = positive("value_dim", key_dim if value_dim is None else value_dim)
        self._dropout = fraction("dropout", dropout)
        self._use_bias = use_bias
        sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.output_shape = None if sizes is None else tuple(sizes)
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self._attention_axes = None if axes is None else tuple(axes)
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
            self._attention_axes = tuple(range(1, len(query_shape) - 1))
        many, few = self.num_heads, self._key_heads
        self._query_dense = self._heads("query", many, self.key_dim, query_shape)
        self._key_dense = self._heads("key", few, self.key_dim, key_shape or value_shape)
        if self.use_gate:
            self._gate_dense = self._heads("gate", many, self.value_dim, query_shape)
        self._value_dense = self._heads("value", few, self.value_dim, value_shape)
        sizes = self.output_shape or (query_shape[-1],)
        letters = "uvwxyz"[: len(sizes)]
        self._output_dense = self._projection(
            "attention_output",
            f"...hd,hd{letters}->...{letters}",
            (*query_shape[1:-1], *sizes),
            letters,
            (*query_shape[:-1], self.num_heads, self.value_dim),
        )
        # Keras has a layer of each inside, and the next ones of the program are named after these.
        auto_name("softmax"), auto_name("dropout")

    def _heads(self, name: str, heads: int, size: int, shape: Sequence[int | None]) -> EinsumDense:
        output = (*shape[1:-1], heads, size)
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
        padding = [self._padded_targets(query, query_mask), value_mask, key_mask]
        plain = self.value_dim == self.key_dim and not (training and self.dropout > 0)
        plain = plain and not return_attention_scores
        masked = use_causal_mask and not plain  # else the op itself hides what comes after
        seen = self._seen(q.shape[1], k.shape[1], padding, attention_mask, masked)
        if seen is not None and 1 < seen.shape[0] < q.shape[0]:
            # One mask for all places along the axes that are not looked along.
            seen = ops.repeat(seen, q.shape[0] // seen.shape[0], axis=0)
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

    def _padded_targets(self, query: Tensor, query_mask: TensorLike | None) -> Any:
        """The mask of the targets that see something.

        As in Keras, that is one which came with the query; what is passed by hand as `query_mask`
        is only handed on to the output.
        """
        return get_mask(query)

    def _seen(
        self, targets: int, sources: int, padding: list[Any], mask: Any, causal: bool
    ) -> Tensor | None:
        """Which target sees which source: `(rows, heads, targets, sources)`; None for all.

        Rows and heads may be 1, for all of them.
        """
        found = []
        for one, shape in zip(padding, ((targets, 1), (1, sources), (1, sources)), strict=True):
            if one is not None:
                found.append(ops.reshape(one, (-1, 1, *shape)))
        if mask is not None:
            found.append(self._of_heads(mask, targets, sources))
        if causal or self.sliding_window:
            steps = ops.expand_dims(ops.arange(targets), -1) - ops.arange(sources)
            steps = ops.expand_dims(steps, (0, 1))
            if causal:
                found.append(steps >= 0)
            if self.sliding_window:
                found.append(ops.absolute(steps) < self.sliding_window)
        if not found:
            return None
        seen = ops.ones((1, 1, targets, sources), "bool")
        for one in found:
            seen = ops.logical_and(seen, ops.cast(one, "bool"))
        return seen

    def _of_heads(self, mask: Tensor, targets: int, sources: int) -> Tensor:
        """A mask given by hand with an axis of heads, and without axes that are not looked along.

        It has all heads' axis or none, and may have 1 in place of any size.
        """
        if len(self.attention_axes) > 1 and mask.shape[1:] != (self.num_heads, targets, sources):
            return ops.reshape(mask, (-1, 1, targets, sources))
        while mask.ndim < 4:
            mask = ops.expand_dims(mask, max(mask.ndim - 2, 0))
        return mask

    def _weighted(
        self, q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None, training: bool | None
    ) -> tuple[Tensor, Tensor]:
        groups = self.num_heads // self._key_heads
        if groups > 1:
            k, v = ops.repeat(k, groups, axis=2), ops.repeat(v, groups, axis=2)
        logits = ops.einsum("btnh,bsnh->bnts", q, k) / math.sqrt(self.key_dim)
        if seen is None:
            weights = ops.softmax(logits, axis=-1)
        else:
            weights = ops.softmax(ops.where(seen, logits, LEAST), axis=-1)
            weights = ops.where(seen, weights, 0)  # where a target sees nothing
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        return ops.einsum("bnts,bsnh->btnh", weights, v), weights


class GroupedQueryAttention(MultiHeadAttention):
    """Attention in which groups of query heads share one head of keys and one of values.

        head = softmax(q · kᵀ / sqrt(head_dim)) · v,  output = heads · W + b

    with `num_query_heads` different q, and `num_key_value_heads` different k and v, each of which
    serves `num_query_heads / num_key_value_heads` heads: fewer parameters, and less to keep when
    text is made word by word. One key head is multi-query attention; as many as there are query
    heads is `MultiHeadAttention`.

    Args:
        head_dim: the size of q, k and v in each head.
        num_query_heads: how many heads.
        num_key_value_heads: how many heads of keys and values, a divisor of `num_query_heads`.
        dropout: the fraction of the attention weights to drop in training.
        use_bias: whether the projections add a vector.
        sliding_window: w, to hide the sources w or more steps away from a target.
        flash_attention: as in `ops.dot_product_attention`; True excludes `dropout` and scores
            that are returned.
        kernel_initializer, bias_initializer: for the projections.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: of them.
        activity_regularizer: a penalty on the output.
        use_gate: whether the heads are multiplied by the sigmoid of one more projection of
            `query` (https://arxiv.org/abs/2505.06708).
        seed: for dropping.

    Called as `MultiHeadAttention`; a target that `query_mask` calls padded sees nothing.

    Example:
        >>> from lamina import layers, ops
        >>> x = ops.ones((2, 5, 6))
        >>> layer = layers.GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)
        >>> layer(x, x).shape, layer.key_dense.kernel.shape
        ((2, 5, 6), (6, 2, 3))

    Reference:
        Ainslie et al., 2023, https://arxiv.org/abs/2305.13245
    """

    # As Keras exports it and has it in configs; automatic names and folders have the class's own.
    keras_name: ClassVar[str] = "GroupQueryAttention"
    not_shown_by_keras = frozenset({"query_dense", "key_dense", "value_dense", "output_dense"})

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
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
        super().__init__(
            positive("num_query_heads", num_query_heads),
            positive("head_dim", head_dim),
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        self.head_dim = self.key_dim
        self.num_query_heads = self.num_heads
        self._key_heads = self.num_key_value_heads = positive(
            "num_key_value_heads", num_key_value_heads
        )
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                "GroupQueryAttention shares each of num_key_value_heads heads between equally many "
                f"query heads, and {num_query_heads} query heads are no multiple of "
                f"{num_key_value_heads}. Take a divisor of num_query_heads."
            )

    def _padded_targets(self, query: Tensor, query_mask: TensorLike | None) -> Any:
        return query_mask


def _copy(initializer: Any) -> Any:
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def _order(rank: int, axes: list[int]) -> list[int]:
    """The axes of a tensor with heads: batch, those not looked along, those looked along, heads."""
    others = [axis for axis in range(1, rank - 2) if axis not in axes]
    return [0, *others, *axes, rank - 2, rank - 1]


def _flattened(x: Tensor, axes: list[int]) -> tuple[tuple[int, ...], Tensor]:
    """The sizes along `axes`, and `x` as `(rows, steps, heads, size)`."""
    if x.ndim == 4 and len(axes) == 1:
        return (x.shape[axes[0]],), x
    sizes = tuple(x.shape[axis] for axis in axes)
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


GroupQueryAttention = registry.enter("layers", GroupedQueryAttention, "GroupQueryAttention")
