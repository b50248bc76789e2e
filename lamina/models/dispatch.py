"""How steps are handed to the backend: compiled, several to a dispatch, guarded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamina import ops
from lamina.backend import current
from lamina.callbacks import CallbackList
from lamina.core.state import unique
from lamina.data import ArraySource, Chunk, Source
from lamina.models.state_form import step_of
from lamina.symbolic.tensor import leaves, map_leaves

# Batches that one dispatch runs where nobody wants to hear of each, and a step is small. A dispatch
# costs 0.2 to 0.5 ms of Python and runtime on a CPU; at 16 that no longer shows.
STEPS = 16

# Floating-point operations of a step that counts as small: about 1 ms on one CPU core. Larger ones
# hide the dispatch behind their work, and XLA's loops run some of them slower: the convolutions of
# the MNIST network took 10.0 ms a step in a loop of 16, and 4.5 ms by themselves.
SMALL = 2e7

# What the batches of one dispatch take at most, for several of them are on their way at once: with
# 16 of 1 MB each a process took 200 MB beside its data.
BYTES = 2**22


def steps_per_dispatch(model: Any, source: Source, told: CallbackList, phase: str) -> int:
    """How many batches to run before Python looks at the result."""
    if model.steps_per_execution > 1:
        return int(model.steps_per_execution)
    alone = told.wants_batches(phase) or not isinstance(source, ArraySource)
    loops = current().compiles and not model.run_eagerly
    if alone or not loops or (source.num_batches or 0) < 2 * STEPS:
        return 1
    key = (phase, "steps", source.batch_size)
    if key not in model._functions:
        batch = source.peek()
        fitting = BYTES // max(1, sum(getattr(leaf, "nbytes", 0) for leaf in leaves(batch)))
        # The trace that counts is the one that runs single batches.
        small = compiled(model, phase).single.operations(batch) <= SMALL
        model._functions[key] = max(1, min(STEPS, fitting)) if small else 1
    return int(model._functions[key])


@dataclass(frozen=True)
class Runner:
    """What runs a chunk: one batch by `single`, several by `several`."""

    single: Any
    several: Any

    def __call__(self, chunk: Chunk) -> Any:
        return self.several(chunk.batch) if chunk.steps > 1 else self.single(chunk.batch)

    def repeating(self, times: int | None) -> Runner:
        """What runs so many batches, between which nothing happens."""
        return Runner(current().repeating(self.single, times), self.several)


def compiled(model: Any, phase: str, guarded: bool = False) -> Runner:
    """The function that runs a chunk of batches through the model's step of `phase`.

    Args:
        model: it keeps the function until it is compiled anew.
        phase: "train", "test" or "predict".
        guarded: whether variables keep their values in a step whose loss is not finite.
    """
    key = (phase, guarded, model.run_eagerly, model._jit_compile)
    if key not in model._functions:
        model._functions[key] = _make(model, phase, guarded)
    return model._functions[key]  # type: ignore[no-any-return]


def _make(model: Any, phase: str, guarded: bool) -> Runner:
    method = step_of(model, phase)
    step = _guarded(model, method) if guarded else method
    recording = contextlib.nullcontext if phase == "train" else current().without_gradients

    def single(batch: Any) -> Any:
        with recording():
            return step(map_leaves(ops.convert_to_tensor, batch))

    def several(batches: Any) -> Any:
        _, results = current().scan(
            lambda _, batch: ((), single(batch)), (), batches, None, False, 1
        )
        return results if phase == "predict" else map_leaves(lambda logs: logs[-1], results)

    return Runner(as_compiled(model, phase, single), as_compiled(model, phase, several))


def as_compiled(model: Any, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled as the model's steps are, or as it is where these are not."""
    if model.run_eagerly or not (current().compiles or model._jit_compile is True):
        return function

    def reads() -> list[Any]:
        found = list(model.variables)
        found += model.metrics_variables if phase != "predict" else []
        found += _of_optimizer(model) if phase == "train" else []
        return [variable.handle for variable in unique(found)]

    jit_compile = None if model._jit_compile == "auto" else model._jit_compile
    return current().jit(function, jit_compile, reads)


def _of_optimizer(model: Any) -> list[Any]:
    return [] if model.optimizer is None else list(model.optimizer.variables)


def _guarded(model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`step`, which leaves weights and optimizer as they were where its loss is not finite."""

    def run(batch: Any) -> Any:
        kept = unique([*model.variables, *_of_optimizer(model)])
        handles = [variable.handle for variable in kept]
        # The step's assignments stay in the frame, so the variables still hold what they held.
        with current().substitute(handles, [variable.value for variable in kept]) as value_of:
            logs = step(batch)
            values = [value_of(handle) for handle in handles]
        finite = ops.all(ops.isfinite(ops.convert_to_tensor(logs["loss"])))
        for variable, value in zip(kept, values, strict=True):
            variable.assign(ops.where(finite, value, variable.value))
        return logs

    return run
