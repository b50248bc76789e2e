"""Steps in the form that Keras has them in on JAX: state in, state out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from lamina import ops
from lamina.backend import current
from lamina.core.variable import Variable


def takes_state(step: Callable[..., Any]) -> bool:
    """Whether a bound step is `step(state, data)` instead of `step(data)`."""
    required = [
        one
        for one in inspect.signature(step).parameters.values()
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    return len(required) == 2


def step_of(model: Any, phase: str) -> Callable[[Any], Any]:
    """The model's step of `phase` as a function of the data alone, whatever its form.

    Args:
        model: its `train_step`, `test_step` or `predict_step` may be of either form.
        phase: "train", "test" or "predict".
    """
    step = getattr(model, f"{phase}_step")
    if not takes_state(step):
        return step  # type: ignore[no-any-return]

    def run(data: Any) -> Any:
        groups = _state_variables(model, phase)
        result, state = step(tuple([v.value for v in group] for group in groups), data)
        changed, values = (groups[1:], [state]) if phase == "predict" else (groups, state)
        for group, new in zip(changed, values, strict=True):
            for variable, value in zip(group, new, strict=True):
                variable.assign(value)
        return result

    return run


def also_on_state(phase: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator of `step(self, data)` that lets it be called as `step(state, data)` too.

    A step of the user's own in that form can then hand over to `super()`.
    """

    def decorate(step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(step)
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            if len(args) + len(kwargs) == 1:
                return step(self, *args, **kwargs)
            state, data = inspect.signature(_form).bind(*args, **kwargs).args
            groups = _state_variables(self, phase)
            handles = [variable.handle for group in groups for variable in group]
            values = [ops.convert_to_tensor(value) for part in state for value in part]
            with current().substitute(handles, values) as value_of:
                result = step(self, data)
                new = tuple([value_of(v.handle) for v in group] for group in groups)
            return result, new[1] if phase == "predict" else new

        return run

    return decorate


def _form(state: Any, data: Any) -> None:
    """The names of the arguments."""


def _state_variables(model: Any, phase: str) -> list[list[Variable]]:
    """What the state of a step lists, in Keras's order."""
    groups = [model.trainable_variables, model.non_trainable_variables]
    if phase == "train":
        groups.append([] if model.optimizer is None else model.optimizer.variables)
    if phase != "predict":
        groups.append(model.metrics_variables)
    return groups
