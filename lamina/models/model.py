"""The model: a layer that can be trained."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from lamina.backend import floatx
from lamina.backend.tracebacks import filtered
from lamina.core.arguments import made_with
from lamina.core.call import shapes
from lamina.core.layer import Layer
from lamina.core.messages import say
from lamina.core.registry import CustomObjectScope, serialize
from lamina.core.state import unique
from lamina.core.walks import once
from lamina.data import make_source
from lamina.data.checks import check_count
from lamina.models.beginnings import from_inputs
from lamina.models.config import graph_config, graph_from_config
from lamina.models.graph import Graph
from lamina.models.profile import Profile
from lamina.models.profiling import measure
from lamina.models.summary import summary_text
from lamina.models.trainer import Trainer
from lamina.saving import load_weights, save_model, save_weights


class Model(Trainer, Layer):
    """A layer with `compile`, `fit`, `evaluate` and `predict`.

    Made from symbolic tensors (`Model(inputs, outputs)`) or by subclassing, with the layers in
    `__init__` and the computation in `call(self, inputs)`.

    Args:
        inputs: a symbolic tensor, or a tuple, list or dictionary of them.
        outputs: what layers returned for these.
        name: made from the class's name where None.

    Example:
        >>> import lamina
        >>> x = lamina.Input((4,))
        >>> model = lamina.Model(x, lamina.layers.Dense(2)(x))
        >>> model(lamina.ops.ones((3, 4))).shape
        (3, 2)
    """

    bookkeeping = Layer.bookkeeping | Trainer.bookkeeping | {"_graph"}
    slot = "models"
    # The module that Keras knows the class in.
    keras_module: ClassVar[str] = "keras"

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (args or "inputs" in kwargs):
            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = ("inputs", "outputs", "name")
        given = dict(zip(names, args, strict=False))
        inputs = given.get("inputs", kwargs.pop("inputs", None))
        outputs = given.get("outputs", kwargs.pop("outputs", None))
        if "name" in given:
            kwargs["name"] = given["name"]
        super().__init__(**kwargs)
        self._start_training_state()
        self._graph: Graph | None = None
        if inputs is not None:
            self._graph = Graph(*from_inputs(inputs, outputs))
            self.built = True

    def __getstate__(self) -> dict[str, Any]:
        # Compiled steps train the model that they were made for: a copy makes its own.
        return {**super().__getstate__(), "_functions": {}}

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside the model, in the order of the graph or of definition."""
        return self._listed_layers()

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            f"`layers` is what {type(self).__name__} lists its layers under; keep yours in an "
            "attribute of another name."
        )

    def _listed_layers(self) -> list[Layer]:
        return [one for one in self._layers if isinstance(one, Layer)]

    @once
    def held(self) -> list[Any]:
        """As `Holder.held`, the layers of the graph first."""
        graph = self.__dict__.get("_graph")
        return unique([*(graph.layers if graph else ()), *super().held()])

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph of a functional model; subclasses define their own."""
        if self._graph is None:
            raise TypeError(
                f"Model {self.name!r} cannot be called: its class {type(self).__name__} has no "
                "`call` method, and it was not made from inputs and outputs."
            )
        return self._graph(inputs)

    def build(self, input_shape: Any = None) -> None:
        """Build the layers by running `call` on symbolic inputs of this shape.

        Args:
            input_shape: with the batch dimension, which may be None; nested for several inputs.
        """
        if self._graph is None and input_shape is not None and not self.built:
            self.built = True
            try:
                self.compute_output_shape(input_shape)
            except Exception:
                self.built = False
                raise
        self.built = True

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if type(self).build is Model.build:
            self.built = True  # the layers inside build themselves as they are called
            given = args[0] if args else next(iter(kwargs.values()), None)
            self._build_shapes = {"input_shape": shapes(given)}
            return
        super()._build_for(args, kwargs)

    def _has_call(self) -> bool:
        return self._graph is not None or type(self).call is not Model.call

    def _needs_building(self) -> bool:
        """Whether calling the model would make variables in layers that have none yet."""
        return self._has_call() and not all(layer.built for layer in self._inner_layers())

    @property
    @once
    def metrics(self) -> list[Any]:
        """What `compile` brought, the loss first, then the metrics kept in layers."""
        return unique([*self._training_metrics(), *Layer.metrics.fget(self)])  # type: ignore[attr-defined]

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs of a functional model, as a list."""
        return self._required_graph().flat_inputs

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs of a functional model, as a list."""
        return self._required_graph().flat_outputs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs of a functional model, by which data may be given."""
        return [one.name for one in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that give the outputs of a functional model."""
        return [one.history.node.operation.name for one in self.outputs]

    @property
    def input(self) -> Any:
        """The symbolic inputs of a functional model, nested as they were given.

        Those of its first call where the model is a subclass that was called on symbolic tensors.
        """
        return super().input if self._is_called() else self._required_graph().inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs of a functional model, nested as they were given; as `input`."""
        return super().output if self._is_called() else self._required_graph().outputs

    @property
    def input_shape(self) -> Any:
        """The shape of the input of a functional model, or the shapes."""
        found = [one.shape for one in self.inputs]
        return found[0] if len(found) == 1 else found

    @property
    def output_shape(self) -> Any:
        """The shape of the output of a functional model, or the shapes."""
        found = [one.shape for one in self.outputs]
        return found[0] if len(found) == 1 else found

    @property
    def operations(self) -> list[Any]:
        """The layers and ops of a functional model's graph."""
        return list(self._required_graph().operations)

    def _is_called(self) -> bool:
        return self._graph is None and bool(self.inbound_nodes)

    def _required_graph(self) -> Graph:
        if self._graph is None:
            raise AttributeError(
                f"Model {self.name!r} has no symbolic inputs and outputs: it is a subclass with a "
                "`call` of its own, or a Sequential that is not built yet."
            )
        return self._graph

    def get_config(self) -> dict[str, Any]:
        """The layers and their calls, in Keras's form, or a subclass's own arguments."""
        own = type(self).__init__ not in (Model.__init__, Functional.__init__)
        if self._graph is None or own:
            return super().get_config()
        base = {"name": self.name, "trainable": self.trainable}
        return {**base, **graph_config(self._graph)}

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape that a subclass was built on; None for the shape of a functional model."""
        return super().get_build_config() if self._graph is None else {"input_shape": None}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """The model that `get_config` described, with new weights."""
        if "input_layers" not in config:
            return made_with(cls, config)
        with CustomObjectScope(custom_objects):
            inputs, outputs = graph_from_config(config)
        return cls(
            inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True)
        )

    def to_json(self, **kwargs: Any) -> str:
        """The model's layers and calls, and how it was compiled, as JSON; no weights.

        Args:
            **kwargs: what else `json.dumps` takes, as `indent=2`.

        Returns:
            JSON for `model_from_json`, here or in Keras.

        Raises:
            TypeError: if a config holds an object that has no `get_config`.

        Example:
            >>> import lamina
            >>> lamina.Sequential(name="empty").to_json()[:45]
            '{"module": "keras", "class_name": "Sequential'
        """
        return json.dumps(serialize(self), **kwargs)

    def save(
        self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Write the model to a `.keras` file: `lamina.saving.save_model`."""
        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(
        self,
        filepath: Any,
        overwrite: bool = True,
        max_shard_size: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Write the weights to a `.weights.h5` file or shards: `lamina.saving.save_weights`."""
        save_weights(self, filepath, overwrite, max_shard_size, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> Any:
        """Take the weights from a file, all or none: `lamina.saving.load_weights`."""
        return load_weights(self, filepath, skip_mismatch, **kwargs)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that place in `layers`.

        Raises:
            ValueError: if there is none, or both or neither are given.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer takes a name or an index, one of the two.")
        found = self.layers
        if index is not None:
            if not -len(found) <= index < len(found):
                raise ValueError(f"Model {self.name!r} has {len(found)} layers, none at {index}.")
            return found[index]
        for layer in found:
            if layer.name == name:
                return layer
        names = ", ".join(layer.name for layer in found)
        raise ValueError(f"Model {self.name!r} has no layer {name!r}. Its layers are: {names}.")

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and parameter counts.

        Args:
            line_length: the width; the terminal's where None.
            positions: the columns' right edges as shares of the width.
            print_fn: takes the text instead of standard output.
            expand_nested: whether models inside are listed layer by layer.
            show_trainable: whether to add a column that says what training changes.
            layer_range: the first and last layer to list, as names or patterns.
        """
        (print_fn or say)(
            summary_text(self, line_length, positions, expand_nested, show_trainable, layer_range)
        )

    @filtered
    def profile(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        *,
        steps: int = 64,
        runs: int = 10,
        callbacks: Any = None,
        print_fn: Any = None,
    ) -> Profile:
        """Print what each layer takes in a forward pass, and where `fit` spends its time.

        By layer: parameters, floating-point operations, time, and the size of the output. A
        multiply-add counts as two operations, any other function one for each element. What is
        called in a loop or a branch is a part of the layer around it; of a `while_loop` one step
        is counted, of branches the first. Times are medians, each layer compiled by itself as
        `fit` compiles the model. Alone, layers take longer in all than together: the compiler
        joins what is called together, and each call has a price, tens of microseconds, which is
        most of a small layer's time. The first row is the model as a whole.

        `fit` is looked at where the model is compiled and there are targets: it trains for two
        epochs, of which the second is timed. Weights, optimizer and random states are afterwards
        what they were; a generator has given `2 * steps` batches, and callbacks have been told.

        Args:
            x: data as for `fit`; the layers get the first batch.
            y: targets, beside arrays.
            batch_size: rows in a batch of arrays.
            steps: batches in an epoch of `fit`, at most.
            runs: how often each layer is timed, at least; small ones are timed more often.
            callbacks: what `fit` tells, by name in its table.
            print_fn: takes the text instead of standard output.

        Returns:
            A `Profile`: `profile.layers`, `profile.fit`.

        Raises:
            ValueError: if the data does not fit the model, or gives out in the first epoch.

        Example:
            >>> import lamina
            >>> model = lamina.Sequential([lamina.layers.Dense(4), lamina.layers.Dense(2)])
            >>> found = model.profile(lamina.ops.ones((8, 3)), print_fn=lambda text: None)
            >>> [(layer.kind, layer.operations) for layer in found.layers]
            [('Sequential', 368.0), ('Dense', 224.0), ('Dense', 144.0)]
        """
        source = make_source(
            x,
            y,
            batch_size=batch_size,
            steps=check_count(steps, "steps"),
            at_most=True,
            shuffle=True,
            floatx=floatx(),
        )
        try:
            found = measure(self, source, callbacks, check_count(runs, "runs"))
        finally:
            source.close()
        (print_fn or say)(str(found))
        return found


class Functional(Model):
    """A model made from symbolic inputs and outputs: `Model(inputs, outputs)`.

    Example:
        >>> import lamina
        >>> x = lamina.Input((4,), name="x")
        >>> type(lamina.Model(x, lamina.layers.Dense(2)(x))).__name__
        'Functional'
    """

    keras_module = "keras.src.models.functional"

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
