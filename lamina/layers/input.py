"""Where a functional model begins: `Input`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend import floatx
from lamina.backend.dtypes import standardize_dtype
from lamina.core.layer import Layer
from lamina.symbolic.tensor import KerasTensor


class InputLayer(Layer):
    """The layer behind `Input`: holds the shape and the type of an input, computes nothing.

    Args:
        shape: without the batch; None for an axis of any size.
        batch_size: the size of the batch; None for any.
        dtype: the element type; `floatx` where None.
        sparse, ragged: False or None: tensors are dense.
        batch_shape: `shape` and `batch_size` in one.
        input_tensor: a symbolic tensor to use instead of a new one.
        optional: whether the input may be None.
        name: the input's name, also that of its tensor.

    Example:
        >>> from lamina import layers
        >>> layers.InputLayer((3,)).output.shape
        (None, 3)
    """

    def __init__(
        self,
        shape: Sequence[int | None] | int | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        tensor = input_tensor
        if tensor is not None:
            if not isinstance(tensor, KerasTensor):
                raise ValueError(f"input_tensor is a symbolic tensor, not {type(tensor).__name__}.")
            batch_shape, dtype = tensor.shape, dtype or tensor.dtype
        self._dtype = floatx() if dtype is None else standardize_dtype(dtype)
        super().__init__(name=name, **kwargs)
        self._batch_shape = _batch_shape(shape, batch_size, batch_shape)
        self.sparse, self.ragged, self.optional = bool(sparse), bool(ragged), bool(optional)
        if tensor is None:
            tensor = KerasTensor(self.batch_shape, self._dtype, self.sparse, self.ragged, name=name)
        self.record((), {}, tensor)
        self.built = True

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape of the input, the batch first."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """The element type of the input."""
        return self._dtype

    def call(self) -> None:
        """Compute nothing: what the model is called on stands in for the output."""

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor that stands for the input of a model.

    Args:
        shape: without the batch; None for an axis of any size.
        batch_size: the size of the batch; None for any.
        dtype: the element type; `floatx` where None.
        sparse, ragged: False or None: tensors are dense.
        batch_shape: `shape` and `batch_size` in one.
        name: the input's name, by which data may be given.
        tensor: a symbolic tensor to use instead of a new one.
        optional: whether the input may be None.

    Returns:
        A symbolic tensor of shape `(batch_size, *shape)`.

    Raises:
        ValueError: if there is neither or too much of a shape.

    Example:
        >>> from lamina import layers
        >>> layers.Dense(2)(layers.Input((3,))).shape
        (None, 2)
    """
    layer = InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name
    )
    return layer.output  # type: ignore[no-any-return]


def _batch_shape(
    shape: Sequence[int | None] | int | None,
    batch_size: int | None,
    batch_shape: Sequence[int | None] | None,
) -> tuple[int | None, ...]:
    if (shape is None) == (batch_shape is None):
        raise ValueError(
            "An Input needs either shape=…, the batch left out, or batch_shape=…, with the batch; "
            f"got shape={shape!r} and batch_shape={batch_shape!r}."
        )
    if batch_shape is not None and batch_size is not None:
        raise ValueError(
            f"An Input takes batch_size={batch_size!r} with shape=…; batch_shape={batch_shape!r} "
            "holds the size of the batch already."
        )
    given = (shape,) if isinstance(shape, int) else shape
    found = (batch_size, *given) if given is not None else tuple(batch_shape or ())
    if not all(size is None or (isinstance(size, int) and size >= 0) for size in found):
        raise ValueError(f"A shape holds integers of at least 0, and None; not {found!r}.")
    return found
