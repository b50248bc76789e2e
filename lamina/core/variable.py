"""Variables: tensors that keep their place while their value changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend import current, plays
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.backend.session import guard, new_token
from lamina.core import registry, walks
from lamina.core.budget import claim
from lamina.core.context import current_scopes, local
from lamina.symbolic.graph import auto_name
from lamina.symbolic.operators import Operators
from lamina.symbolic.tensor import KerasTensor, computation, inferences, inferring

AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


@plays("variable")
class Variable(Operators):
    """A tensor that layers, optimizers and metrics read and assign.

    Args:
        initializer: the first value (array, number, tensor), or a function of `shape` and
            `dtype` that makes it.
        shape: the shape, needed with a function.
        dtype: the element type; that of the value, or `floatx`, where None.
        trainable: whether training changes it.
        autocast: whether it reads as the compute type in a layer of mixed precision.
        aggregation: how replicas combine it, for distribution.
        synchronization: `"auto"`; kept for programs that pass it.
        name: the last part of its `path`.

    Example:
        >>> v = Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0]).shape, v.numpy().tolist()
        ((2,), [2.0, 3.0])
    """

    aggregation: str | None
    layout: Any

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise TypeError(f"Variable has no argument {', '.join(kwargs)}.")
        if aggregation not in AGGREGATIONS:
            raise ValueError(f"aggregation is one of {AGGREGATIONS}, not {aggregation!r}.")
        name = auto_name("variable") if name is None else name
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"A variable's name is a non-empty string without '/', not {name!r}.")
        self._describe(name, "/".join((*current_scopes(), name)), bool(trainable))
        self.autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.layout = layout
        backend = current()
        with backend.outside_trace(), computation():
            value = self._first_value(initializer, shape, dtype)
            self._hold(backend.variable(value, self._trainable, self.path), value)

    def _describe(self, name: str, path: str, trainable: bool) -> None:
        self.name = name
        self.path = path
        self.autocast = True
        self.aggregation = "none"
        self.synchronization = "auto"
        self.layout = None
        self.regularizer: Callable[[Any], Any] | None = None
        self.constraint: Callable[[Any], Any] | None = None
        self.overwrite_with_gradient = False
        self._token = new_token()
        self._trainable = self.declared_trainable = trainable
        if not trainable:
            guard.flip(self._token)

    def _hold(self, handle: Any, value: Any) -> None:
        walks.forget()
        backend = current()
        self._handle, self._read = handle, backend.read
        self.shape: tuple[int, ...] = tuple(value.shape)
        self._dtype: str = backend.dtype(value)

    @classmethod
    def around(cls, handle: Any, path: str, trainable: bool = False) -> Variable:
        """A variable whose value is kept in `handle`, which the backend made before."""
        value = current().read(handle)
        made = cls.__new__(cls)
        made._describe(path.rpartition("/")[2], path, trainable)
        made._hold(handle, value)
        return made

    def _first_value(self, initializer: Any, shape: Sequence[int] | None, dtype: Any) -> Any:
        if isinstance(initializer, str):
            initializer = registry.identify("initializers", initializer)
        if callable(initializer) and not isinstance(initializer, Operators):
            if shape is None:
                raise ValueError(
                    f"Variable {self.name!r} is made by an initializer function, which needs a "
                    "shape: pass shape=…."
                )
            if any(size is None or size < 0 for size in shape):
                raise ValueError(
                    f"Variable {self.path!r} has the shape {tuple(shape)}, in which a dimension "
                    "is unknown; build the layer on an input whose dimensions are known."
                )
            dtype = standardize_dtype(dtype)
            claim(f"Variable {self.path!r}", tuple(shape), dtype)
            value = initializer(tuple(shape), dtype=dtype)
            return ops.convert_to_tensor(value, dtype=dtype)
        value = ops.convert_to_tensor(initializer, dtype=dtype)
        if shape is not None and tuple(value.shape) != tuple(shape):
            raise ValueError(
                f"Variable {self.name!r} was given a value of shape {tuple(value.shape)} and the "
                f"shape {tuple(shape)}."
            )
        return value

    @property
    def value(self) -> Any:
        """The value as a tensor of the backend."""
        context = local.context
        if not inferences and (context is None or context.autocast is None):
            return self._read(self._handle)
        dtype = self.dtype
        if inferring():
            return KerasTensor(self.shape, dtype)
        value = self._read(self._handle)
        return value if dtype == self._dtype else current().cast(value, dtype)

    @property
    def dtype(self) -> str:
        """The element type; in the call of a layer of mixed precision, the compute type."""
        context = local.context
        if context is None or not context.autocast:
            return self._dtype
        return context.autocast if self.autocast and is_float(self._dtype) else self._dtype

    @property
    def handle(self) -> Any:
        """What the backend keeps the value in."""
        return self._handle

    @property
    def trainable(self) -> bool:
        """Whether training changes the value; may be set at any time."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if bool(value) != self._trainable:
            self._trainable = bool(value)
            current().set_trainable(self._handle, self._trainable)
            guard.flip(self._token)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def assign(self, value: Any) -> Any:
        """Replace the value by one of the same shape; returns it.

        Raises:
            ValueError: if the shapes differ.
        """
        value = self._fitting(value)
        if not inferring():
            current().assign(self._handle, value)
        return value

    def _fitting(self, value: Any) -> Any:
        """`value` as a tensor of this variable's type; its shape must be the variable's."""
        value = ops.convert_to_tensor(value, dtype=self._dtype)
        if value.shape != self.shape:
            raise ValueError(
                f"Variable {self.path!r} has the shape {self.shape} and was assigned a value of "
                f"shape {tuple(value.shape)}. Nothing was changed."
            )
        return value

    def assign_add(self, value: Any) -> Any:
        """Add to the value; returns the new one."""
        return self.assign(ops.add(self._full(), ops.convert_to_tensor(value, dtype=self._dtype)))

    def assign_sub(self, value: Any) -> Any:
        """Subtract from the value; returns the new one."""
        value = ops.convert_to_tensor(value, dtype=self._dtype)
        return self.assign(ops.subtract(self._full(), value))

    def _full(self) -> Any:
        """The value in the variable's own type, whatever the compute type is."""
        return KerasTensor(self.shape, self._dtype) if inferring() else self._read(self._handle)

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array of its own."""
        return ops.convert_to_numpy(self._full())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __index__(self) -> int:
        return int(self.numpy())

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __iter__(self) -> Iterator[Any]:
        # Without this, Python would index until an error, which frameworks do not raise.
        return (self[index] for index in range(len(self)))

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        known = f"path={self.path}, shape={self.shape}, dtype={self.dtype}"
        value = self.value
        if inferring() or current().is_traced(value):
            return f"<Variable {known}>"
        return f"<Variable {known}, value={current().to_numpy(value)}>"
