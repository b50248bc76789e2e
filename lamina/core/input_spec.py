"""What a layer expects of its inputs, and the error when they are something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend.dtypes import standardize_dtype
from lamina.symbolic import dimension
from lamina.symbolic.tensor import leaves


class InputSpec:
    """Expected shape, rank and type of one input.

    Args:
        dtype: element type.
        shape: dimensions, None for any size.
        ndim: number of dimensions.
        max_ndim: largest number of dimensions.
        min_ndim: smallest number of dimensions.
        axes: sizes of single axes, as `{-1: 64}`.
        allow_last_axis_squeeze: whether a last dimension of 1 may be missing or extra.
        name: the input's key where inputs are a dictionary.
        optional: whether the input may be None.

    Example:
        >>> InputSpec(min_ndim=2, axes={-1: 3})
        InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self) -> str:
        parts = [f"{name}={value!r}" for name, value in vars(self).items() if value]
        if self.shape is not None:
            parts = [part for part in parts if not part.startswith("ndim")]
        return f"InputSpec({', '.join(parts)})"

    def get_config(self) -> dict[str, Any]:
        """What makes an equal spec again."""
        config = dict(vars(self))
        config["ndim"] = None if self.shape is not None else self.ndim
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The spec that `get_config` described."""
        return cls(**config)

    def mismatch(self, shape: tuple[int | None, ...]) -> str | None:
        """What is wrong with an input of `shape`, or None."""
        rank = len(shape)
        squeezable = self.allow_last_axis_squeeze and self.shape is not None
        if squeezable and self.shape and abs(rank - len(self.shape)) == 1:
            longer = max(shape, self.shape, key=len)
            if longer[-1] == 1:
                return None
        if self.ndim is not None and rank != self.ndim:
            return f"expected {self.ndim} dimensions, found {rank}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected at most {self.max_ndim} dimensions, found {rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected at least {self.min_ndim} dimensions, found {rank}"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                return f"expected axis {axis} to have size {size}, found {shape[axis]}"
        for axis, size in enumerate(self.shape or ()):
            if size is not None and shape[axis] not in (size, None):
                return f"expected axis {axis} to have size {size}, found {shape[axis]}"
        return None


def check(spec: Any, inputs: Any, path: str, kind: str) -> None:
    """Hold `inputs` to a layer's `input_spec`.

    Raises:
        ValueError: names the layer, what was expected, the shape that came, and a likely cure.
    """
    specs = leaves(spec)
    if isinstance(inputs, dict) and all(one.name is not None for one in specs):
        inputs = [inputs.get(one.name) for one in specs]
    given = list(inputs) if isinstance(inputs, (list, tuple)) else leaves(inputs)
    if len(given) != len(specs):
        raise ValueError(
            f"Layer {path!r} ({kind}) takes {len(specs)} input(s), and was called on {len(given)}. "
            "Pass them together in one list, in the order of the layer's inputs."
        )
    for position, (one, value) in enumerate(zip(specs, given, strict=True)):
        if value is None and one.optional:
            continue
        if not hasattr(value, "shape"):
            raise ValueError(
                f"Layer {path!r} ({kind}) takes tensors, and was called on {value!r} of type "
                f"{type(value).__name__}. Convert it with lamina.ops.convert_to_tensor."
            )
        shape = dimension.reveal(value.shape)
        wrong = one.mismatch(shape)
        if wrong:
            which = f"input {position} " if len(specs) > 1 else ""
            raise ValueError(
                f"Layer {path!r} ({kind}) does not fit its {which}input: {wrong}; the full shape "
                f"is {shape}, the layer's spec {one!r}. {_cure(one, shape)}"
            )


def _cure(spec: InputSpec, shape: tuple[int | None, ...]) -> str:
    rank, needed = len(shape), spec.ndim or spec.min_ndim or 0
    if needed == rank + 1:
        return (
            "Is the batch or channel axis missing? Add it with lamina.ops.expand_dims or Reshape."
        )
    if needed > rank or (spec.ndim is not None and rank > spec.ndim):
        return "Put a Reshape, Flatten or pooling layer before it."
    return "Check the layer before it, or build a new layer for inputs of this shape."
