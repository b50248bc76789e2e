"""Neural-network kernels that JAX has under another name or signature."""

from __future__ import annotations

from typing import Any

import jax

from lamina.backend.jax import attention, convolution, pooling


def one_hot(
    x: jax.Array, num_classes: int, axis: int = -1, dtype: str = "float32", sparse: bool = False
) -> jax.Array:
    return jax.nn.one_hot(x, num_classes, dtype=dtype, axis=axis)


OWN: dict[str, Any] = {
    **convolution.OWN,
    **pooling.OWN,
    # jax.nn.one_hot has no `sparse`.
    "one_hot": one_hot,
    "softsign": jax.nn.soft_sign,
    "dot_product_attention": attention.dot_product_attention,
    # The op's shared definition: jax.numpy.resize repeats elements.
    "resize": None,
}
