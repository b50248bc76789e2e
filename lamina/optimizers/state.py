"""What an optimizer holds: its variables, and its learning rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from lamina import ops
from lamina.backend import current, plays
from lamina.backend.session import guard, new_token
from lamina.core import registry
from lamina.core.context import name_scope
from lamina.core.state import Holder
from lamina.core.variable import Variable
from lamina.optimizers.schedules import LearningRateSchedule
from lamina.optimizers.stages import check_number


@plays("optimizer")
class OptimizerState(Holder):
    """The part of an optimizer that makes, finds, saves and sets its variables."""

    apart: ClassVar[bool] = True
    name: str
    gradient_accumulation_steps: int | None

    def _start_state(self, learning_rate: Any) -> None:
        """Make the first two variables; `name` is set by then."""
        self._variables: list[Variable] = []
        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate = self._rate(learning_rate)

    @property
    def variables(self) -> list[Variable]:
        """All variables: the step, the learning rate, then the slots."""
        return list(self._variables)

    @property
    def iterations(self) -> Any:
        """The number of updates made; accumulating steps do not count."""
        steps = self.gradient_accumulation_steps
        return self._iterations if steps is None else ops.floor_divide(self._iterations, steps)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the value of the schedule at this step."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(self._learning_rate, Variable) and not callable(value):
            self._learning_rate.assign(_checked_rate(value))
            return
        if not callable(value):
            raise TypeError(
                f"Optimizer {self.name!r} was made with a schedule, and so its learning rate "
                "cannot be set to a number. Make it with a number, or set another schedule."
            )
        if isinstance(self._learning_rate, Variable):
            rate = self._learning_rate
            self._variables = [one for one in self._variables if one is not rate]
        self._learning_rate = value
        guard.flip(new_token())  # compiled steps hold the old schedule

    def _rate(self, value: Any) -> Variable | Callable[..., Any]:
        if isinstance(value, dict):
            value = registry.identify("optimizers.schedules", value)
        if isinstance(value, Variable):
            self._variables.append(value)
            return value
        if callable(value):
            return value  # type: ignore[no-any-return]
        rate = float(_checked_rate(value))
        return self.add_variable((), lambda shape, dtype: rate, "float32", name="learning_rate")

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable that belongs to this optimizer."""
        with name_scope(self.name):
            variable = Variable(
                registry.identify("initializers", initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                layout=layout,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Make a variable of the shape and type of another, named after it."""
        path = reference_variable.path.replace("/", "_")
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            name=f"{path}_{name or 'slot'}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """A slot for each variable; for several names, a list of lists, one for each name."""
        if isinstance(name, str):
            names, kinds = [name], [initializer]
        else:
            names = list(name)
            one = isinstance(initializer, str) or callable(initializer)
            kinds = [initializer] * len(names) if one else list(initializer)
        made: list[list[Variable | None]] = [[] for _ in names]
        for variable in trainable_variables:
            for slots, one_name, kind in zip(made, names, kinds, strict=True):
                slots.append(
                    None
                    if variable.overwrite_with_gradient
                    else self.add_variable_from_reference(variable, one_name, kind)
                )
        return made[0] if isinstance(name, str) else made

    def assign(self, variable: Variable, value: Any) -> None:
        """Replace the value of a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(value)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign values to `variables`, all or none.

        Raises:
            ValueError: if their number or a shape differs.
        """
        variables = self.variables
        found = [tuple(np.shape(value)) for value in weights]
        wanted = [variable.shape for variable in variables]
        if found != wanted:
            raise ValueError(
                f"Optimizer {self.name!r} has {len(wanted)} variables, and the state given has "
                f"{len(found)} arrays, or other shapes: it is of another optimizer or of other "
                "weights. Nothing was changed. Load without the optimizer to leave it out."
            )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def get_own_state(self) -> Any:
        """What the optimizer keeps beside `variables`, as plain data; None where that is all."""
        return None

    def set_own_state(self, state: Any) -> None:
        """Take up what `get_own_state` told."""

    def save_own_variables(self, store: Any) -> None:
        """Put the values into `store`, a dictionary or file, under "0", "1", …."""
        for number, variable in enumerate(self.variables):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the values from `store`, as `save_own_variables` put them there."""
        self.set_weights([np.asarray(store[str(number)]) for number in range(len(store.keys()))])


def _checked_rate(value: Any) -> Any:
    """`value` if it may be a learning rate; traced tensors are taken at their word."""
    if not current().is_traced(value):
        check_number("learning_rate", value)
    return value
