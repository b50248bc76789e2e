"""A row describes one layer to the tests that every layer goes through."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A layer, how it is made, and what it is called on.

    Attributes:
        layer: the class's name in `layers`.
        arguments: the constructor's keyword arguments, the same for Keras.
        inputs: a shape with the batch, or a list of shapes for a layer of several inputs.
        dtype: the inputs' type; integers are drawn below 7.
        call: more keyword arguments of the call; NumPy arrays have the batch first.
        deterministic: whether a call with `training=True` can be compared with Keras's.
        unlike: keys of the config that Keras writes in another way.
        gradient: whether the output depends on float inputs or weights.
    """

    layer: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: Shape | list[Shape] = (2, 3)
    dtype: str = "float32"
    call: dict[str, Any] = field(default_factory=dict)
    deterministic: bool = True
    unlike: frozenset[str] = frozenset()
    gradient: bool = True

    def __str__(self) -> str:
        named = {key: getattr(v, "__name__", v) for key, v in self.arguments.items()}
        words = ",".join(f"{key}={value}" for key, value in named.items())
        return f"{self.layer}({words})"

    def data(self) -> Any:
        """The inputs, drawn with a fixed seed."""
        generator = np.random.default_rng(0)

        def draw(shape: Shape) -> np.ndarray:
            if self.dtype.startswith("int"):
                return generator.integers(0, 7, shape).astype(self.dtype)
            return generator.normal(size=shape).astype(self.dtype)

        if isinstance(self.inputs, list):
            return [draw(shape) for shape in self.inputs]
        return draw(self.inputs)
