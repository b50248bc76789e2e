"""The metric: variables that data add to, and a result made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from lamina import ops
from lamina.backend import current, floatx
from lamina.core import policy as policies
from lamina.core import registry
from lamina.core.arguments import Recorded
from lamina.core.context import name_scope
from lamina.core.state import Holder, unique
from lamina.core.variable import Variable
from lamina.core.walks import once
from lamina.losses.loss import config_of
from lamina.symbolic.graph import auto_name, to_snake_case

Tensor = Any


class Metric(Recorded, Holder):
    """A figure that is gathered over many batches.

    Subclasses make variables in `__init__` and define `update_state` and `result`. Metrics kept
    in attributes belong to the metric.

    Args:
        dtype: the type of the variables, or a dtype policy; `floatx` where None.
        name: its name; made from the class's name where None.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name=name)
        ...         self.largest = self.add_weight(name="value")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.largest.value
        >>> metric = Largest()
        >>> metric.update_state(None, [1.0, 3.0])
        >>> metric.update_state(None, [2.0])
        >>> float(metric.result())
        3.0
    """

    slot: ClassVar[str] = "metrics"
    is_metric: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    bookkeeping: ClassVar[frozenset[str]] = frozenset({"_arguments"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.enter_class(cls.slot, cls)

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self._own: list[Variable] = []
        self._dtype = floatx() if dtype is None else policies.get(dtype).compute_dtype

    @property
    def dtype(self) -> str:
        """The type of the variables and of the result."""
        return self._dtype

    # State --------------------------------------------------------------------------------

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this metric.

        Args:
            shape: its dimensions.
            initializer: its first value: a name, function or initializer; 0 where None.
            dtype: its type; the metric's where None.
            aggregation: how replicas combine it.
            name: the last part of its path.
        """
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        initializer = "zeros" if initializer is None else initializer
        with name_scope(self.name):
            variable = Variable(
                registry.identify("initializers", initializer),
                shape,
                dtype or self.dtype,
                trainable=False,
                autocast=False,
                aggregation=aggregation,
                name=name,
            )
        self._own.append(variable)
        return variable

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this metric; see `add_variable`."""
        return self.add_variable(shape, initializer, dtype=dtype, name=name)

    @property
    @once
    def variables(self) -> list[Variable]:
        """The variables of this metric, then those of the metrics inside it."""
        return unique(_variables(self))

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch to the variables. Every metric says how."""
        raise NotImplementedError(f"The metric {type(self).__name__} has no `update_state`.")

    def result(self) -> Any:
        """The figure, or a dictionary of figures, for all batches so far. Every metric says how."""
        raise NotImplementedError(f"The metric {type(self).__name__} has no `result`.")

    def reset_state(self) -> None:
        """Start anew: all variables become 0."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    # Without changing anything ------------------------------------------------------------

    def stateless_update_state(
        self, metric_variables: list[Any], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """The values of the variables after a batch, where they are `metric_variables` before.

        Raises:
            ValueError: if their number is not that of `variables`.
        """
        return self._within(metric_variables, lambda: self.update_state(*args, **kwargs))[1]

    def stateless_result(self, metric_variables: list[Any]) -> Any:
        """The result where the variables have the values `metric_variables`.

        Raises:
            ValueError: if their number is not that of `variables`.
        """
        return self._within(metric_variables, self.result)[0]

    def stateless_reset_state(self) -> list[Tensor]:
        """The values that the variables have after `reset_state`."""
        return self._within(self.variables, self.reset_state)[1]

    def _within(self, values: list[Any], function: Callable[[], Any]) -> tuple[Any, list[Tensor]]:
        """`function()` where the variables have these values; their values after it."""
        handles = [variable.handle for variable in self.variables]
        if len(handles) != len(values):
            raise ValueError(
                f"Metric {self.name!r} has {len(handles)} variables, and {len(values)} values "
                "were given. Pass the values of `metric.variables`, in their order."
            )
        tensors = [ops.convert_to_tensor(value) for value in values]
        with current().substitute(handles, tensors) as value_of:
            output = function()
            # Some metrics make variables when the first batch comes.
            return output, [value_of(variable.handle) for variable in self.variables]

    # Configuration ------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What makes an equal metric, without its state, through `from_config`."""
        return config_of(self, "name", "dtype")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """The metric that `get_config` described."""
        return cls(**config)


def columns_of(metric: Metric, y_pred: Tensor, known: int | None) -> int:
    """How many columns predictions have, for a metric that keeps figures of each.

    Args:
        metric: the metric, for its name.
        y_pred: the predictions.
        known: how many there were before, if any.

    Raises:
        ValueError: if predictions are no table, or one with another number of columns.
    """
    shape = tuple(y_pred.shape)
    if len(shape) != 2:
        raise ValueError(
            f"Metric {metric.name!r} takes targets and predictions of shape (batch, columns), and "
            f"was given {shape}. Reshape what has other axes to (-1, columns)."
        )
    if known not in (None, shape[1]):
        raise ValueError(
            f"Metric {metric.name!r} keeps figures of {known} columns and was given predictions of "
            f"shape {shape}: expected (batch, {known})."
        )
    return int(shape[1])


def _variables(holder: Holder) -> Iterator[Variable]:
    held = holder.held()
    yield from (one for one in held if isinstance(one, Variable))
    for one in held:
        if isinstance(one, Holder):
            yield from _variables(one)
