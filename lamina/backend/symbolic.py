"""What tells a symbolic tensor from all else; the class itself is in `lamina.symbolic`."""

from __future__ import annotations

from typing import Any


class Symbolic:
    """A base of tensors without data."""


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor.

    Example:
        >>> import lamina
        >>> is_keras_tensor(lamina.KerasTensor((2,))), is_keras_tensor(2.0)
        (True, False)
    """
    return isinstance(x, Symbolic)
