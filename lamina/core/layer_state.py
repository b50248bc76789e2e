"""The variables of a layer and of the layers inside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from lamina.backend.session import guard, new_token
from lamina.core import registry
from lamina.core.blank import current_blanks
from lamina.core.context import local, name_scope
from lamina.core.state import Holder, unique
from lamina.core.variable import Variable
from lamina.core.walks import once, standing


class LayerState(Holder):
    """The part of a layer that makes, finds, freezes and sets its variables."""

    bookkeeping: ClassVar[frozenset[str]] = frozenset(
        [
            *("_accepted", "_arguments", "_build_shapes", "_call_losses", "_fitting"),
            *("_loss_layers", "_policy", "_spec_memo", "_types", "inbound_nodes"),
        ]
    )
    name: str
    built: bool
    variable_dtype: Any
    # What `training` is in calls that do not say it, from a caller that is no layer.
    default_training: bool | None = None

    def _start_state(self) -> None:
        """Called before the constructor, which may use any of these."""
        self._own: list[Variable] = []
        self._trainable = True
        self._token = new_token()

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this layer.

        Args:
            shape: its dimensions; a scalar where None.
            initializer: a name, function or initializer; `glorot_uniform` for floats and `zeros`
                for the rest where None.
            dtype: its type; the policy's variable type where None.
            trainable: whether training changes it.
            autocast: whether it reads as the compute type.
            regularizer: a penalty on it, added to `losses`.
            constraint: a projection, applied after each step.
            aggregation: how replicas combine it.
            overwrite_with_gradient: whether its gradient is its next value.
            name: the last part of its path.
        """
        dtype = dtype or self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if "float" in str(dtype) else "zeros"
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        make = registry.identify("initializers", initializer)
        # A layer of a program's own may look at its initial values.
        ours = type(self).__module__.startswith("lamina.")
        blanks = current_blanks.blanks if ours else None
        with self._naming():
            variable = Variable(
                make if blanks is None else registry.identify("initializers", "zeros"),
                shape,
                dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        if blanks is not None:
            blanks.add(variable, lambda: make(variable.shape, dtype=variable._dtype))
        variable.regularizer = registry.identify("regularizers", regularizer)
        variable.constraint = registry.identify("constraints", constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        if trainable and not self._trainable:
            variable.trainable = False
        self._own.append(variable)
        return variable

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this layer: `add_weight`, where shape and initializer are given."""
        return self.add_weight(
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name=name
        )

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: Keras 3 has this name of Keras 2 to say what took its place.

        Raises:
            NotImplementedError: always, as in Keras 3.
        """
        raise NotImplementedError(
            f"Layer {self.name!r}: layers no longer add metrics by add_metric. Keep a metric in an "
            "attribute of the layer and call its `update_state` in `call`, or pass it to "
            "model.compile(metrics=[…])."
        )

    def layer_of(self, module: Any) -> Any:
        """The layer that a module of the framework's own becomes as an attribute of this one."""
        return registry.resolve("layers", "TorchModuleWrapper")(module)

    def _naming(self) -> contextlib.AbstractContextManager[None]:
        """Where variables are named after this layer: it is not being called in its __init__."""
        context = local.context
        if context is not None and context.layer is self:
            return contextlib.nullcontext()
        return name_scope(self.name)

    _standing = staticmethod(standing)

    # Keras has this name for it, by which programs call it too.
    def _flatten_layers(
        self, include_self: bool = True, recursive: bool = True
    ) -> Iterator[LayerState]:
        """This layer and the layers inside it, each once, the outer before the inner."""
        if not recursive:
            return iter([self] * include_self + self._layers)
        seen: set[int] = set()

        def visit(holder: Any) -> Iterator[LayerState]:
            if id(holder) in seen:
                return
            seen.add(id(holder))
            if isinstance(holder, LayerState):
                yield holder
            if not holder.apart:
                for inner in holder.held():
                    if isinstance(inner, Holder):
                        yield from visit(inner)

        found = visit(self)
        if not include_self:
            next(found)
        return found

    @property
    @once
    def _layers(self) -> list[LayerState]:
        """The layers directly inside this one."""
        return [one for one in self.held() if isinstance(one, LayerState)]

    def _own_variables(self) -> list[Variable]:
        found = unique([*self._own, *(one for one in self.held() if isinstance(one, Variable))])
        # Trained ones first, as they were made: the order of Keras's files and of get_weights.
        return sorted(found, key=lambda variable: not variable.declared_trainable)

    def _stored_variables(self) -> list[Variable]:
        """The variables that files have arrays for, in their order: the layer's own."""
        return self._own_variables()

    def _after_loading(self) -> None:
        """Do what has to follow once `_stored_variables` have a file's values."""

    @property
    @once
    def weights(self) -> list[Variable]:
        """The variables of this layer and of those inside it, without random states."""
        return unique(v for layer in self._flatten_layers() for v in layer._own_variables())

    @property
    @once
    def variables(self) -> list[Variable]:
        """`weights`, and the states of random generators; metrics and optimizers have theirs."""
        found: list[Variable] = []
        for layer in self._flatten_layers():
            found.extend(layer._own_variables())
            for one in layer.held():
                if isinstance(one, (LayerState, Variable)) or one.apart:
                    continue
                found.extend(v for v in one.held() if isinstance(v, Variable))
        return unique(found)

    def _outer_variables(self) -> list[Variable]:
        """Those of `variables` that are of no layer inside: what a framework sees as this one's."""
        inner = {id(variable) for layer in self._layers for variable in layer.variables}
        return [variable for variable in self.variables if id(variable) not in inner]

    @property
    @once
    def _kept_variables(self) -> list[Variable]:
        """`variables`, and those of optimizers in attributes, as a GAN has two of."""
        held = (one for layer in self._flatten_layers() for one in layer.held())
        apart: list[Any] = [one for one in held if isinstance(one, Holder) and one.apart]
        optimizers = [one for one in apart if not getattr(one, "is_metric", False)]
        return unique([*self.variables, *(v for one in optimizers for v in one.variables)])

    @property
    @once
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes; none where the layer is not `trainable`."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    @once
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return [v for v in self.weights if not (self.trainable and v.trainable)]

    @property
    @once
    def trainable_variables(self) -> list[Variable]:
        """The variables that training changes; none where the layer is not `trainable`."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    @once
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that gradients do not change: statistics, random states, frozen ones."""
        return [v for v in self.variables if not (self.trainable and v.trainable)]

    @property
    @once
    def metrics(self) -> list[Any]:
        """The metrics kept in this layer and in those inside it."""
        found = (one for layer in self._flatten_layers() for one in layer.held())
        return unique(one for one in found if getattr(one, "is_metric", False))

    @property
    @once
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def trainable(self) -> bool:
        """Whether training changes this layer; setting it sets all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        for layer in self._flatten_layers():
            if layer._trainable != value:
                layer._trainable = value
                guard.flip(layer._token)
            for variable in layer._own_variables():
                variable.trainable = value and variable.declared_trainable

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights` as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Assign the values of `weights`, in the order of `get_weights`.

        Raises:
            ValueError: if number or shapes differ; nothing is changed then.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"Layer {self.name!r} has {len(own)} weights, and set_weights was given "
                f"{len(weights)}. Nothing was changed."
            )
        self._assign_all(own, weights, "set_weights was given")

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's own variables, not those of layers inside it, into `store`.

        A layer that overrides this says what a file holds of it.

        Args:
            store: a dictionary, or what takes items as one; the keys are "0", "1", … in the order
                of `weights`.

        Example:
            >>> import lamina
            >>> layer = lamina.layers.Dense(2)
            >>> layer.build((None, 3))
            >>> store = {}
            >>> layer.save_own_variables(store)
            >>> {key: value.shape for key, value in store.items()}
            {'0': (3, 2), '1': (2,)}
        """
        for place, variable in enumerate(self._stored_variables()):
            store[str(place)] = variable

    def load_own_variables(self, store: Any) -> None:
        """Assign what `save_own_variables` put into `store`.

        Args:
            store: values by "0", "1", …, as arrays or whatever `np.asarray` takes.

        Raises:
            ValueError: if their number is not that of the variables, or a shape differs; nothing
                is changed then.
            KeyError: if the keys are others.
        """
        own = self._stored_variables()
        if len(own) != len(store):
            state = (
                "has these variables: " + (", ".join(v.name for v in own) or "none")
                if self.built
                else "was never built, so that it has no variables yet: build it first, or define "
                "`build_from_config`"
            )
            raise ValueError(
                f"Layer {self.name!r} was to load {len(store)} variables and {state}. Nothing was "
                "changed."
            )
        self._assign_all(own, [store[str(place)] for place in range(len(own))], "was to load")
        self._after_loading()

    def _assign_all(self, variables: list[Variable], values: list[Any], said: str) -> None:
        """Assign each its value, if all shapes fit."""
        for variable, value in zip(variables, values, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"Weight {variable.path!r} of layer {self.name!r} has the shape "
                    f"{variable.shape}, and {said} {np.shape(value)} for it. Nothing was changed."
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:
            ValueError: if the layer has not been built.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.name!r} has no weights to count yet: call it on data, or build it."
            )
        return int(sum(np.prod(v.shape, dtype=np.int64) for v in self.weights))
