"""What makes layers and optimizers parts of TensorFlow's checkpoints (`tf.train.Checkpoint`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorflow.python.trackable.base import Trackable


class LayerMixin(Trackable):  # type: ignore[misc]
    """A layer, as a checkpoint sees it: its own variables and the layers inside it, in order."""

    _layers: Sequence[Any]
    _outer_variables: Any

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        layers = {f"layer_{number}": layer for number, layer in enumerate(self._layers)}
        return {**_numbered(self._outer_variables()), **layers}


class OptimizerMixin(Trackable):  # type: ignore[misc]
    """An optimizer, as a checkpoint sees it: its variables in order."""

    variables: Sequence[Any]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return _numbered(self.variables)


def _numbered(variables: Sequence[Any]) -> dict[str, Any]:
    return {f"variable_{number}": one.handle.value for number, one in enumerate(variables)}
