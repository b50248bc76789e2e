"""How steps are handed to the backend: compiled, several to a dispatch, guarded."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamina import ops
from lamina.backend import current
from lamina.callbacks import CallbackList
from lamina.core.state import unique
from lamina.data import ArraySource, Chunk, Source, unpack_x_y_sample_weight
from lamina.models.state_form import step_of
from lamina.models.steps import Steps
from lamina.symbolic.counting import Count, counting
from lamina.symbolic.tensor import KerasTensor, infer, leaves, map_leaves

# Batches that one dispatch runs at most where nobody wants to hear of each, and a step is small. A
# dispatch costs 0.1 to 0.5 ms of Python and runtime on a CPU: a step of Dense(32)-Dense(1) took 7.5
# µs on JAX with 16 of them, 4.7 with 64 and with 128. What `predict` gets stays until all are done.
STEPS = {"train": 64, "test": 64, "predict": 16}
# Batches of an epoch for which a loop is worth its compiling.
ENOUGH = 32

# Floating-point operations of a step that counts as small: a few ms on two CPU cores. Larger ones
# hide the dispatch behind their work. A dense network's step of 8·10⁷ took 1.5 ms by itself and
# 1.05 in a loop on JAX, 1.85 and 1.45 on TensorFlow; one of 4·10⁸ 3.5 and 3.4, 5.1 and 5.0.
SMALL = 5e8
# The same where the backend runs some of the step slower in a loop: JAX the convolutions of the
# MNIST network in 10.0 ms, and 4.5 ms by themselves.
SMALL_WHERE_LOOPS_ARE_SLOW = 2e7

# What the batches of one dispatch take at most, for several of them are on their way at once: with
# 16 of 1 MB each a process took 200 MB beside its data.
BYTES = 2**22


def steps_per_dispatch(model: Any, source: Source, told: CallbackList, phase: str) -> int:
    """How many batches to run before Python looks at the result."""
    if model.steps_per_execution > 1:
        return int(model.steps_per_execution)
    loops = current().compiles and not (model.run_eagerly or told.wants_batches(phase))
    if not (loops and isinstance(source, ArraySource)) or source.num_batches < ENOUGH:
        return 1
    whole = source.num_rows // source.batch_size
    key = (phase, "steps", source.batch_size, whole)
    if key not in model._functions:
        batch = source.peek()
        fitting = BYTES // max(1, sum(getattr(leaf, "nbytes", 0) for leaf in leaves(batch)))
        most = min(STEPS[phase], whole // 2, max(1, fitting))
        if most > 1 and not _is_small(model, phase, batch):
            most = 1
        # Batches left over would need a program that runs single ones.
        even = (n for n in range(most, most // 2, -1) if whole % n == 0)
        model._functions[key] = next(even, most)
    return int(model._functions[key])


def _is_small(model: Any, phase: str, batch: Any) -> bool:
    """Whether Python would take a good part of a step's time."""
    step = f"{phase}_step"
    if model._graph is not None and getattr(type(model), step) is getattr(Steps, step):
        forward = _forward(model, unpack_x_y_sample_weight(batch)[0])
        # A gradient takes twice the forward pass: one product by each of the factors.
        operations = (3 if phase == "train" else 1) * forward.operations
        if not math.isnan(operations):
            loops = forward.kinds.isdisjoint(current().slow_in_loops())
            return operations <= (SMALL if loops else SMALL_WHERE_LOOPS_ARE_SLOW)
    # The trace that counts is the one that runs single batches.
    return bool(compiled(model, phase).single.operations(batch) <= SMALL_WHERE_LOOPS_ARE_SLOW)


def specs_of(x: Any) -> Any:
    """Tensors without values like those in `x`."""
    return map_leaves(lambda leaf: KerasTensor(leaf.shape, current().dtype(leaf)), x)


def _forward(model: Any, x: Any) -> Count:
    """What the model does on `x`; NaN operations where one of its layers does not tell."""
    with counting() as count:
        try:
            infer(functools.partial(model, training=False), specs_of(x))
        except Exception:  # a layer calls its framework directly
            count.operations = math.nan
    model._clear_losses()
    return count


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

    one = as_compiled(model, phase, single)

    def several(batches: Any) -> Any:
        results = current().in_turn(one, batches, _reads(model, phase))
        return results if phase == "predict" else map_leaves(lambda logs: logs[-1], results)

    return Runner(one, as_compiled(model, phase, several))


def as_compiled(model: Any, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled as the model's steps are, or as it is where these are not."""
    if model.run_eagerly or not (current().compiles or model._jit_compile is True):
        return function

    jit_compile = None if model._jit_compile == "auto" else model._jit_compile
    return current().jit(function, jit_compile, lambda: _reads(model, phase))


def _reads(model: Any, phase: str) -> list[Any]:
    """What the model's step of `phase` uses."""
    found = list(model._kept_variables)
    found += model.metrics_variables if phase != "predict" else []
    found += _of_optimizer(model) if phase == "train" else []
    return [variable.handle for variable in unique(found)]


def _of_optimizer(model: Any) -> list[Any]:
    return [] if model.optimizer is None else list(model.optimizer.variables)


def _guarded(model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`step`, which leaves weights and optimizer as they were where its loss is not finite."""

    def run(batch: Any) -> Any:
        kept = unique([*model._kept_variables, *_of_optimizer(model)])
        every = unique([*kept, *model.metrics_variables])
        handles = [variable.handle for variable in every]
        # The step's assignments stay in the frame, so the variables still hold what they held.
        with current().substitute(handles, [variable.value for variable in every]) as value_of:
            logs = step(batch)
            values = [value_of(handle) for handle in handles]
        finite = ops.all(ops.isfinite(ops.convert_to_tensor(logs["loss"])))
        for i, (variable, value) in enumerate(zip(every, values, strict=True)):
            keeps = i < len(kept)
            variable.assign(ops.where(finite, value, variable.value) if keeps else value)
        return logs

    return run
