"""The layer that changes nothing."""

from __future__ import annotations

from typing import Any

from lamina.core.layer import Layer
from lamina.ops.row import TensorLike


class Identity(Layer):
    """The input itself, as a place to look at, to name or to replace.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Identity()(ops.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    supports_masking = True

    def call(self, inputs: TensorLike) -> Any:
        return inputs
