"""Bringing inputs to another range."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.core.layer import Layer
from lamina.ops.row import Tensor, TensorLike


class Rescaling(Layer):
    """inputs * scale + offset, in the layer's compute type.

    Args:
        scale: a number, or a list of one for each channel.
        offset: likewise.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Rescaling(1 / 127.5, offset=-1)(ops.convert_to_tensor([0, 255])).tolist()
        [-1.0, 1.0]
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: TensorLike) -> Tensor:
        dtype = self.compute_dtype
        scale, offset = ops.cast(self.scale, dtype), ops.cast(self.offset, dtype)
        return ops.add(ops.multiply(ops.cast(inputs, dtype), scale), offset)
