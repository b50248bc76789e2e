"""Sequential: one layer after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.core.layer import Layer
from lamina.core.registry import CustomObjectScope, serialize
from lamina.layers.input import Input, InputLayer
from lamina.models.config import layer_from_config
from lamina.models.graph import Graph
from lamina.models.model import Model
from lamina.symbolic.dimension import reveal
from lamina.symbolic.graph import auto_name
from lamina.symbolic.tensor import KerasTensor, computation


class Sequential(Model):
    """Layers that each take the output of the one before.

    Built as soon as the input's shape is known: from an `Input` or an `input_shape=` of the first
    layer, from a built model before another layer, from `build(shape)`, or from the first data.

    Args:
        layers: the layers, in order.
        trainable: whether training changes them.
        name: made up where None.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((8,)), lamina.layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    bookkeeping = Model.bookkeeping | {"_chain"}

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._chain: list[Layer] = []
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()

    def _listed_layers(self) -> list[Layer]:
        return [layer for layer in self._chain if not isinstance(layer, InputLayer)]

    def held(self) -> list[Any]:
        """The layers in order."""
        return list(self.__dict__.get("_chain", ()))

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer behind the last one.

        Args:
            layer: a layer, a model, or an `Input`.
            rebuild: whether to build it at once where the input is known.

        Raises:
            TypeError: if it is no layer.
            ValueError: if its name is taken, or an input comes after a layer.
        """
        if isinstance(layer, KerasTensor) and layer.history is not None:
            operation = layer.history.node.operation
            layer = operation if isinstance(operation, InputLayer) else layer
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential.add takes a layer, not {layer!r} of type {type(layer).__name__}."
            )
        if any(layer.name == one.name for one in self._chain):
            raise ValueError(
                f"Model {self.name!r} already has a layer {layer.name!r}; names in a model are "
                "unique. Give the layer another name."
            )
        if isinstance(layer, InputLayer) and self._chain:
            raise ValueError(
                f"Model {self.name!r} already begins with layer {self._chain[0].name!r}; an input "
                "can only come first."
            )
        if not self._chain and layer._input_shape is not None and not isinstance(layer, InputLayer):
            self._chain.append(_input_layer(layer._input_shape))
        self._chain.append(layer)
        self._functions.clear()
        self._prepared.clear()
        try:
            if rebuild:
                self._rebuild()
            else:
                self._graph, self.built = None, False
        except Exception:
            self._chain.remove(layer)
            raise

    def _rebuild(self) -> None:
        """Build the layers where the input is known."""
        if self._chain and isinstance(self._chain[0], InputLayer):
            self._extend()
        elif len(self._chain) > 1 and (shape := _told_by(self._chain[0])):
            self.build(shape)

    def _extend(self) -> None:
        """Call the layers on the input, or the last one on the output so far."""
        if self._graph is None:
            source = self._chain[0].output
            rest = self._chain[1:]
        else:
            source = self._graph.outputs
            rest = self._chain[-1:]
        output = source
        # What is being inferred around it leaves no trace; the model's own graph is one.
        with self._naming(), computation():
            for one in rest:
                output = one(output)
        start = self._chain[0].output
        if rest or self._graph is None:
            self._graph = Graph(start, output, any_size=True)
        if rest:
            auto_name("functional")  # Keras has a functional model inside, which takes a name
        self.built = bool(self.layers)

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away and return it.

        Raises:
            ValueError: if there is none.
        """
        if not self.layers:
            raise ValueError(f"Model {self.name!r} has no layer to pop.")
        layer = self._chain.pop()
        self._functions.clear()
        self._prepared.clear()
        self._graph, self.built = None, False
        if rebuild:
            self._rebuild()
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Build all layers for inputs of this shape, the batch dimension included."""
        if self._graph is not None or input_shape is None:
            return
        if not self.layers:
            raise ValueError(f"Sequential model {self.name!r} has no layers to build.")
        self._chain.insert(0, _input_layer(input_shape))
        try:
            self._extend()
        except Exception:
            del self._chain[0]
            raise

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else next(iter(kwargs.values()), None)
        shape = getattr(x, "shape", None)
        if shape is not None and self.layers:
            # A layer that keeps states between batches has batches of one size.
            stateful = any(getattr(layer, "stateful", False) for layer in self.layers)
            self.build(reveal((shape[0] if stateful else None, *shape[1:])))
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the layers one after another."""
        if self._graph is not None:
            return self._graph(inputs)
        output = inputs
        for layer in self.layers:
            output = layer(output)
        return output

    def get_config(self) -> dict[str, Any]:
        """The layers' configs, in Keras's form."""
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize(self.dtype_policy),
            "layers": [serialize(layer) for layer in self._chain],
        }
        if self._graph is not None:
            config["build_input_shape"] = tuple(self._chain[0].output.shape)
        return config

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the input, once it is known."""
        return None if self._graph is None else {"input_shape": tuple(self.inputs[0].shape)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Sequential:
        """The model that `get_config` described, with new weights."""
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        with CustomObjectScope(custom_objects):
            for layer in config["layers"]:
                model.add(layer_from_config(layer), rebuild=False)
            model._rebuild()
        shape = config.get("build_input_shape")
        if shape and model._graph is None:
            model.build(tuple(shape))
        return model


def _told_by(layer: Layer) -> Any:
    """The shape of the only input of a functional or built Sequential model; None of others."""
    graph = layer._graph if isinstance(layer, Model) else None
    return graph.flat_inputs[0].shape if graph and len(graph.flat_inputs) == 1 else None


def _input_layer(batch_shape: Any) -> InputLayer:
    history = Input(batch_shape=tuple(batch_shape)).history
    layer = None if history is None else history.node.operation
    assert isinstance(layer, InputLayer)
    return layer
