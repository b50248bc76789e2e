"""Attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lamina.backend import current
from lamina.backend.dtypes import standardize_dtype
from lamina.ops import (
    comparison,
    conversion,
    creation,
    dtypes,
    linear_algebra,
    logical,
    shapes_nn,
    shaping,
    trigonometric,
)
from lamina.ops.activations import softmax
from lamina.ops.row import Indices, Tensor, TensorLike, op


def _floating_query(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """The common type of query, key and value; a bias follows them."""
    return dtypes.floating(types[:3], dtype)


@op(result=_floating_query, shape=shapes_nn.attention)
def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: Indices | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """softmax(query · key * scale + bias) · value, for each head.

    Args:
        query: `(batch, targets, heads, size)`.
        key, value: `(batch, sources, key heads, size)`; the number of key heads divides the
            number of heads, which share them in groups.
        bias: added to the logits; broadcast to `(batch, heads, targets, sources)`.
        mask: where it is False, a target does not see a source; broadcast likewise.
        scale: 1 / sqrt(size) where None.
        is_causal: hide the sources that come after a target.
        flash_attention: True for the flash kernel, which PyTorch has, and JAX on a GPU; False for
            attention without it. Where None, `lamina.config.disable_flash_attention` may have
            said so, else the backend chooses.
        attn_logits_soft_cap: c, to bring logits x to c * tanh(x / c).

    Returns:
        A tensor of `query`'s shape.

    Raises:
        ValueError: if `flash_attention` is True and the backend has no such kernel, or none for
            these arguments.

    Reference:
        Vaswani et al., 2017, https://arxiv.org/abs/1706.03762
    """
    if flash_attention:
        raise ValueError(
            f"flash_attention=True: the backend {current().name!r} has no flash kernel here. Leave "
            "flash_attention at None, or set KERAS_BACKEND=torch."
        )
    groups = query.shape[2] // key.shape[2]
    if groups > 1:
        key = shaping.repeat(key, groups, axis=2)
        value = shaping.repeat(value, groups, axis=2)
    # With the heads in front each product is one of matrices side by side in memory.
    keys = shaping.transpose(key, (0, 2, 3, 1))
    logits = linear_algebra.matmul(shaping.transpose(query, (0, 2, 1, 3)), keys)
    if standardize_dtype(logits.dtype) in _HALF:
        logits = conversion.cast(logits, "float32")
    logits = logits * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if attn_logits_soft_cap is not None:
        logits = attn_logits_soft_cap * trigonometric.tanh(logits / attn_logits_soft_cap)
    if bias is not None:
        logits = logits + bias
    seen = _seen(query.shape[1], key.shape[1], mask, is_causal)
    if seen is not None:
        logits = comparison.where(seen, logits, _LEAST)
    weights = conversion.cast(softmax(logits, axis=-1), value.dtype)
    values = shaping.transpose(value, (0, 2, 1, 3))
    return shaping.transpose(linear_algebra.matmul(weights, values), (0, 2, 1, 3))


_HALF = ("float16", "bfloat16")
# Finite, so that a target which sees nothing gets the mean of the values and not NaN.
_LEAST = -0.7 * 3.4028235e38


def _seen(targets: int, sources: int, mask: Any, is_causal: bool) -> Any:
    if not is_causal:
        return None if mask is None else conversion.cast(mask, "bool")
    causal = shaping.expand_dims(creation.arange(targets), -1) >= creation.arange(sources)
    return causal if mask is None else logical.logical_and(causal, conversion.cast(mask, "bool"))
