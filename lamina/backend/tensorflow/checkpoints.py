"""What makes layers and optimizers parts of TensorFlow's checkpoints (`tf.train.Checkpoint`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorflow.python.trackable.base import Trackable


class LayerMixin(Trackable):  # type: ignore[misc]
    """A layer, as a checkpoint sees it: its own variables and the layers inside it, in order."""

    variables: Sequence[Any]
    _layers: Sequence[Any]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        inner = {id(one) for layer in self._layers for one in layer.variables}
        own = [one for one in self.variables if id(one) not in inner]
        layers = {f"layer_{number}": layer for number, layer in enumerate(self._layers)}
        return {**_numbered(own), **layers}


class OptimizerMixin(Trackable):  # type: ignore[misc]
    """An optimizer, as a checkpoint sees it: its variables in order."""

    variables: Sequence[Any]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return _numbered(self.variables)


def _numbered(variables: Sequence[Any]) -> dict[str, Any]:
    return {f"variable_{number}": one.handle.value for number, one in enumerate(variables)}
