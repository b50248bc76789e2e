"""Between tensors, NumPy arrays and element types."""

from __future__ import annotations

import functools
import operator
from typing import Any

import ml_dtypes
import numpy as np

from lamina.backend import current
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.ops.operand import roles, to_tensor
from lamina.ops.row import Tensor, TensorLike
from lamina.symbolic.dimension import Unknown
from lamina.symbolic.graph import Operation
from lamina.symbolic.operators import table
from lamina.symbolic.tensor import KerasTensor


def convert_to_tensor(
    x: TensorLike, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """`x` as a tensor of the backend.

    Args:
        x: a tensor, variable, NumPy array, number, or nested list of these.
        dtype: its element type; `x`'s own where None (Python floats become `floatx`).
        sparse, ragged: must not be True: tensors are dense.

    Raises:
        ValueError: if a sparse or ragged tensor is asked for.

    Example:
        >>> shape(convert_to_tensor([1.0, 2.0]))
        (2,)
    """
    if dtype is None and roles.get(type(x)) == "tensor":
        bring = current().bring
        return x if bring is None else bring(x)
    if sparse or ragged:
        raise ValueError("convert_to_tensor makes dense tensors; drop sparse=True / ragged=True.")
    if isinstance(x, KerasTensor):
        return x if dtype is None else cast(x, dtype)
    return to_tensor(x, None if dtype is None else standardize_dtype(dtype))


def convert_to_numpy(x: TensorLike) -> np.ndarray:
    """`x` as a NumPy array of its own: writing to it changes no tensor.

    Raises:
        FrameworkCallError: if `x` is symbolic.
    """
    if isinstance(x, np.ndarray):
        return x
    backend = current()
    tensor = convert_to_tensor(x)
    if isinstance(tensor, KerasTensor):
        tensor._no_numbers()
    array: np.ndarray = backend.to_numpy(tensor)
    return array


def cast(x: TensorLike, dtype: Any) -> Tensor:
    """`x` with its elements converted to `dtype`; floats lose their fraction in integers.

    Example:
        >>> convert_to_numpy(cast([1.7, -1.7], "int32")).tolist()
        [1, -1]
    """
    backend = current()
    if roles.get(type(x)) == "tensor" and backend.dtype(x) == dtype:
        return x
    dtype = backend.canonical(standardize_dtype(dtype))
    if isinstance(x, KerasTensor):
        return Cast(dtype)(x) if x.dtype != dtype else x
    x = convert_to_tensor(x)
    return x if not isinstance(x, KerasTensor) and backend.dtype(x) == dtype else _cast(x, dtype)


def _cast(x: Any, dtype: str) -> Any:
    return KerasTensor(x.shape, dtype) if isinstance(x, KerasTensor) else current().cast(x, dtype)


class Cast(Operation):
    """`cast` in the graph of a functional model."""

    slot = "ops"
    keras_module = "keras.src.ops.core"
    class_name = "Cast"

    def __init__(self, dtype: str, name: str | None = None) -> None:
        super().__init__(name)
        self.dtype = dtype

    def call(self, x: Any) -> Any:
        return cast(x, self.dtype) if not isinstance(x, KerasTensor) else _cast(x, self.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "name": self.name}


def view(x: TensorLike, dtype: Any = None) -> Tensor:
    """The bits of `x` read as elements of another type, none of them changed.

    Args:
        x: a tensor of any shape.
        dtype: the type to read them as; `x`'s own where None.

    Returns:
        A tensor of `x`'s shape; where the widths of the types differ, the last axis is longer or
        shorter by as much. A type that the backend does not hold is given as the one that stands
        for it.

    Raises:
        ValueError: if the last axis does not hold a whole number of the new elements.

    Example:
        >>> convert_to_numpy(view(convert_to_tensor([1.0, -2.0]), "int32")).tolist()
        [1065353216, -1073741824]
    """
    x = convert_to_tensor(x)
    if dtype is None:
        return x
    backend, kind = current(), standardize_dtype(dtype)
    # Where a backend has a narrower type for one, it has no bits to fill that with.
    kind = min(kind, backend.canonical(kind), key=_width)
    if isinstance(x, KerasTensor):
        return View(kind)(x)
    _viewed(tuple(x.shape), standardize_dtype(x.dtype), kind)
    kernel: Any = backend.kernel("view")
    return backend.cast(kernel(x, kind), backend.canonical(kind))


def _width(dtype: str) -> int:
    return np.dtype(dtype).itemsize


def _viewed(shape: Any, old: str, new: str) -> tuple[Any, ...]:
    """The shape of a tensor of type `old` whose bits are read as of type `new`."""
    if _width(old) == _width(new):
        return tuple(shape)
    size = shape[-1] * _width(old) if shape else 0
    if not shape or (size % _width(new) and not isinstance(size, Unknown)):
        raise ValueError(
            f"view: the last axis of shape {tuple(shape)} and type {old} does not hold a whole "
            f"number of {new}."
        )
    return (*shape[:-1], size // _width(new))


class View(Cast):
    """`view` in the graph of a functional model."""

    keras_module = "keras.src.ops.numpy"
    class_name = "View"

    def call(self, x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return view(x, self.dtype)
        return KerasTensor(_viewed(x.shape, x.dtype, self.dtype), current().canonical(self.dtype))


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of the backend, a traced one included."""
    return isinstance(x, current().tensor_types)


def shape(x: TensorLike) -> tuple[Any, ...]:
    """The dimensions of `x` as a tuple of integers (None where unknown in a model's definition).

    Example:
        >>> shape([[1, 2, 3]])
        (1, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else tuple(convert_to_tensor(x).shape)


def dtype(x: TensorLike) -> str:
    """The element type of `x` as a string.

    Example:
        >>> dtype([1, 2])
        'int32'
    """
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else convert_to_tensor(x).dtype)


def ndim(x: TensorLike) -> int:
    """The number of dimensions of `x`.

    Example:
        >>> ndim([[1, 2, 3]])
        2
    """
    return len(shape(x))


def size(x: TensorLike) -> Any:
    """The number of elements of `x`; a symbolic scalar where a dimension is not known yet.

    Example:
        >>> size([[1, 2, 3]])
        3
    """
    sizes = shape(x)
    if None in sizes:
        return table["sum"](table["ones_like"](x, dtype="int32"))
    return functools.reduce(operator.mul, sizes, 1)


def array(x: TensorLike, dtype: Any = None) -> Tensor:
    """`convert_to_tensor` under NumPy's name.

    Example:
        >>> shape(array([1.0, 2.0]))
        (2,)
    """
    return convert_to_tensor(x, dtype)


def copy(x: TensorLike) -> Tensor:
    """A tensor of the same elements that later assignments to a variable do not change.

    Example:
        >>> convert_to_numpy(copy([1, 2])).tolist()
        [1, 2]
    """
    x = convert_to_tensor(x)
    return x if isinstance(x, KerasTensor) else current().copy(x)


def saturate_cast(x: TensorLike, dtype: Any) -> Tensor:
    """`cast`, with what lies outside of the new type's range put on its limit.

    Example:
        >>> convert_to_numpy(saturate_cast([-1.0, 300.0], "uint8")).tolist()
        [0, 255]
    """
    x, dtype = convert_to_tensor(x), standardize_dtype(dtype)
    (low, high), (lowest, highest) = _limits(standardize_dtype(x.dtype)), _limits(dtype)
    if high > highest and _nearest(highest, x) > highest:
        # The limit is no number of `x`'s type: what is above is put there afterwards.
        above = x > _below(highest, x)
        inside = table["clip"](x, max(low, lowest), _below(highest, x))
        return table["where"](above, convert_to_tensor(highest, dtype), cast(inside, dtype))
    if low < lowest or high > highest:
        x = table["clip"](x, max(low, lowest), min(high, highest))
    return cast(x, dtype)


def _nearest(number: int, x: Tensor) -> float:
    """The number of `x`'s type that is nearest to `number`."""
    return float(np.asarray(number).astype(_numpy_type(x)))


def _below(number: int, x: Tensor) -> float:
    """The largest number of `x`'s type below the one nearest to `number`."""
    nearest = np.asarray(number).astype(_numpy_type(x))
    return float(np.nextafter(nearest, np.zeros_like(nearest)))


def _numpy_type(x: Tensor) -> Any:
    name = standardize_dtype(x.dtype)
    return getattr(ml_dtypes, name) if name == "bfloat16" else np.dtype(name)


def _limits(dtype: str) -> tuple[Any, Any]:
    """The smallest and the largest number of a type."""
    if dtype == "bool":
        return 0, 1
    info: Any = ml_dtypes.finfo if is_float(dtype) else ml_dtypes.iinfo
    limits = info(dtype)
    kind = float if is_float(dtype) else int
    return kind(limits.min), kind(limits.max)
