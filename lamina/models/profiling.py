"""Measuring a model: what each layer takes in a forward pass, and where `fit` spends its time."""

from __future__ import annotations

import contextlib
import functools
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import optree

from lamina import ops
from lamina.backend import current
from lamina.callbacks.clock import Clock
from lamina.core import seeds
from lamina.core.context import get_mask, local, set_mask
from lamina.core.layer import Layer
from lamina.core.state import unique
from lamina.core.tracing import infer_function
from lamina.data import Source, unpack_x_y_sample_weight
from lamina.models.dispatch import as_compiled, specs_of
from lamina.models.profile import FitProfile, LayerProfile, Profile
from lamina.models.run import freeze
from lamina.models.steps import Steps
from lamina.models.summary import byte_count, elements
from lamina.symbolic.counting import counting, under_way
from lamina.symbolic.tensor import KerasTensor, computation, infer, leaves, map_leaves

# Seconds for which a layer is timed at least: the times of the smallest scatter most.
_LEAST = 0.005


def measure(model: Any, source: Source, callbacks: Any, runs: int) -> Profile:
    """The profile of a model on the batches of `source`; its state is afterwards what it was.

    Args:
        model: it is built if it is not, and so is its optimizer if it is compiled.
        source: the layers are measured on its first batch, `fit` on all.
        callbacks: what `fit` is to tell beside its own.
        runs: how often each layer is timed, at least.
    """
    batch = source.peek()
    x, y, _ = unpack_x_y_sample_weight(batch)
    own_step = type(model).train_step is not Steps.train_step
    trains = model.compiled and (y is not None or own_step)
    x = map_leaves(ops.convert_to_tensor, x)
    if model._needs_building():
        model(x, training=False)
    model._prepare(source, "train" if trains else "predict")
    with _unchanged(model):
        layers = _Layers(model).measured(x, runs)
    fit = None
    if trains:
        with _unchanged(model):
            fit = _fit(model, source, callbacks)
    backend = current()
    rows = next((one.shape[0] for one in leaves(x)), 0)
    return Profile(model.name, rows, f"{backend.name} {backend.version()}", layers, fit)


@contextlib.contextmanager
def _unchanged(model: Any) -> Iterator[None]:
    """A block after which the model, its optimizer and random states are as before it."""
    random, history = seeds.get_random_state(), vars(model).get("history")
    values = [(variable, variable.numpy()) for variable in _variables(model)]
    flags = [(one, one.trainable) for one in (*model._flatten_layers(), *model._kept_variables)]
    own = None if model.optimizer is None else model.optimizer.get_own_state()
    stopped = model.stop_training
    try:
        yield
    finally:
        for variable, value in values:
            variable.assign(value)
        freeze(flags)
        if model.optimizer is not None:
            model.optimizer.set_own_state(own)
        model.history, model.stop_training = history, stopped
        seeds.set_random_state(random)
        _warn_of_new(model, {id(variable) for variable, _ in values})


def _variables(model: Any) -> list[Any]:
    optimizer = [] if model.optimizer is None else model.optimizer.variables
    return unique([*model._kept_variables, *optimizer, *model.metrics_variables])


def _warn_of_new(model: Any, known: set[int]) -> None:
    new = [variable for variable in _variables(model) if id(variable) not in known]
    if new:
        warnings.warn(
            f"While model {model.name!r} was profiled, its train_step made {len(new)} variables, "
            f"as {new[0].path!r}: they keep what the steps left in them. Build them before, as by "
            "optimizer.build(variables), or profile a model that has been trained.",
            stacklevel=3,
        )


class _Calls:
    """The calls of one layer at one place in the model."""

    def __init__(self, layer: Layer, path: str, depth: int) -> None:
        self.layer, self.path, self.depth = layer, path, depth
        self.leaf = True
        self.specs: list[list[KerasTensor]] = []  # of what each call returns
        self.operations = 0.0
        self.given: list[_Given] = []


class _Given:
    """What a layer was called on, so that it can be called on it again."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None):
        given: Any = (args, kwargs)
        self.flat, self.structure = optree.tree_flatten(given, none_is_leaf=True)
        kinds = current().tensor_types
        self.places = [i for i, leaf in enumerate(self.flat) if isinstance(leaf, kinds)]
        self.tensors = [self.flat[i] for i in self.places]
        self.masks = [get_mask(one) for one in self.tensors]
        self.training = training

    def call(self, layer: Layer, tensors: list[Any], masks: list[Any]) -> Any:
        """The layer called on these tensors in place of its own."""
        flat = list(self.flat)
        for place, tensor, mask in zip(self.places, tensors, masks, strict=True):
            flat[place] = tensor
            if mask is not None:
                set_mask(tensor, mask)
        args, kwargs = self.structure.unflatten(flat)
        # Also where the layer's own call does not take it: layers inside may.
        by_position = len(args) > layer._signature.training_position
        named = kwargs if by_position else {**kwargs, "training": self.training}
        with current().without_gradients():
            outputs = layer(*args, **named)
        layer._clear_losses()
        return outputs


class _Layers:
    """The calls of the layers in a forward pass.

    Which there are is found out on symbolic tensors, and so the same on every backend; a second
    pass, on numbers, keeps what each was called on.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        # By the identities of the layers that the call is in, and of the layer.
        self.calls: dict[tuple[int, ...], _Calls] = {}
        self.inside: list[Layer] = []
        self.paused = False

    def measured(self, x: Any, runs: int) -> tuple[LayerProfile, ...]:
        with self._watched(self._count), counting():
            infer(functools.partial(self.model, training=False), specs_of(x))
        with self._watched(self._keep), current().without_gradients():
            self.model(x, training=False)
        self.model._clear_losses()
        return tuple(self._profile(calls, runs) for calls in self.calls.values())

    @contextlib.contextmanager
    def _watched(self, around: Callable[..., Any]) -> Iterator[None]:
        """A block in which `around(layer, call, args, kwargs)` stands for each layer's `call`."""
        layers = self.model._inner_layers()
        before = [dict(vars(layer)) for layer in layers]
        for layer in layers:
            call = functools.partial(self._called, around, layer, layer.call)
            # What is computed anew for gradients would be traced; there are none here.
            vars(layer).update(call=call, _remat=None)
        try:
            yield
        finally:
            for layer, attributes in zip(layers, before, strict=True):
                for name in ("call", "_remat"):
                    vars(layer).pop(name)
                    if name in attributes:
                        vars(layer)[name] = attributes[name]

    def _called(
        self, around: Callable[..., Any], layer: Layer, call: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if self.paused:
            return call(*args, **kwargs)
        self.inside.append(layer)
        try:
            return around(layer, call, args, kwargs)
        finally:
            self.inside.pop()

    def _key(self) -> tuple[int, ...]:
        return tuple(map(id, self.inside))

    def _count(self, layer: Layer, call: Any, args: Any, kwargs: Any) -> Any:
        count, key = under_way(), self._key()
        if count is None or count.in_body:  # it is a part of the layer that loops
            return call(*args, **kwargs)
        if key not in self.calls:
            path = "/".join(one.name for one in self.inside)
            self.calls[key] = _Calls(layer, path, len(key) - 1)
            if key[:-1] in self.calls:
                self.calls[key[:-1]].leaf = False
        calls, known = self.calls[key], len(self.calls)
        with counting() as inside:
            try:
                outputs = call(*args, **kwargs)
            except Exception:
                # It calls its framework directly, which does not tell what it computes.
                outputs = self._foreign(call, args, kwargs)
                inside.operations = math.nan
                for late in list(self.calls)[known:]:
                    del self.calls[late]
                calls.leaf = True
        calls.specs.append([one for one in leaves(outputs) if isinstance(one, KerasTensor)])
        calls.operations += inside.operations
        return outputs

    def _foreign(self, call: Any, args: Any, kwargs: Any) -> Any:
        self.paused = True
        try:
            with computation():
                return infer_function(call, args, kwargs)
        finally:
            self.paused = False

    def _keep(self, layer: Layer, call: Any, args: Any, kwargs: Any) -> Any:
        calls, context = self.calls.get(self._key()), local.context
        if calls is not None and context is not None and len(calls.given) < len(calls.specs):
            given = _Given(args, kwargs, context.training)
            if not any(map(current().is_traced, given.tensors)):
                calls.given.append(given)
        return call(*args, **kwargs)

    def _profile(self, calls: _Calls, runs: int) -> LayerProfile:
        seconds = None
        if len(calls.given) == len(calls.specs):
            seconds = sum(self._timed(calls.layer, given, runs) for given in calls.given)
        calls.given.clear()
        weights = calls.layer.weights
        return LayerProfile(
            path=calls.path,
            kind=type(calls.layer).__name__,
            depth=calls.depth,
            leaf=calls.leaf,
            calls=len(calls.specs),
            output_shapes=tuple(_known(one.shape) for one in calls.specs[0]),
            output_bytes=sum(map(byte_count, calls.specs)),
            parameters=elements(weights),
            parameter_bytes=byte_count(weights),
            operations=None if math.isnan(calls.operations) else calls.operations,
            seconds=seconds,
        )

    def _timed(self, layer: Layer, given: _Given, runs: int) -> float:
        """The median time of a call, compiled as the model's steps are, waited for."""
        run = as_compiled(self.model, "predict", functools.partial(given.call, layer))
        times: list[float] = []
        # The first two compile, and settle.
        while len(times) < runs + 2 or sum(times[2:]) < _LEAST:
            begin = time.perf_counter()
            current().block(run(given.tensors, given.masks))
            current().synchronize()
            times.append(time.perf_counter() - begin)
        return statistics.median(times[2:])


def _known(shape: Any) -> tuple[int, ...]:
    return tuple(map(int, shape))


def _fit(model: Any, source: Source, callbacks: Any) -> FitProfile:
    clock = Clock(skip=1)
    model.fit(source, epochs=2, verbose=0, callbacks=[callbacks, clock])
    if not clock.steps:
        raise ValueError(
            "profile trains for two epochs, the first of which compiles, and there was no batch "
            "left for the second, or a callback ended the training. Pass data that goes on, a "
            "smaller `steps`, or arrays; or callbacks without the one that stops."
        )
    slowest = sorted(clock.callbacks.items(), key=lambda one: -one[1])
    return FitProfile(
        clock.steps, clock.seconds, **clock.parts, by_callback=MappingProxyType(dict(slowest))
    )
