"""What TensorFlow saved inside of layers."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.variables import Cell


class SavedProgram:
    """A SavedModel, of which one endpoint is called, and in training another where one is named.

    The endpoints read and assign TensorFlow's variables themselves.
    """

    def __init__(self, path: str, endpoint: str, training_endpoint: str | None) -> None:
        self._program = tf.saved_model.load(path)
        names = (endpoint, training_endpoint or endpoint)
        self._call, self._train = (self._endpoint(path, name) for name in names)

    def _endpoint(self, path: str, name: str) -> Any:
        found = getattr(self._program, name, None) or self._program.signatures.get(name)
        if not hasattr(found, "graph") and not hasattr(found, "concrete_functions"):
            own = (key for key, one in vars(self._program).items() if _functions(one))
            known = ", ".join(sorted({*self._program.signatures, *own}))
            raise ValueError(
                f"The SavedModel {path!r} has no endpoint {name!r}, but: {known}. Pass one of them "
                "as call_endpoint or call_training_endpoint."
            )
        return found

    def handles(self) -> list[tuple[str, Cell, bool]]:
        """The name and handle of each variable that is used, and whether it is learnt."""
        used = [
            v for one in (self._call, self._train) for f in _functions(one) for v in f.variables
        ]
        named = ((v.name.removesuffix(":0"), v) for v in {id(v): v for v in used}.values())
        return [(name, Cell(v, name), v.trainable) for name, v in named]

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        return (self._train if training else self._call)(inputs)


def _functions(endpoint: Any) -> list[Any]:
    """The graphs of an endpoint: itself if it is a signature, else one for each input type."""
    return [endpoint] if hasattr(endpoint, "graph") else getattr(endpoint, "concrete_functions", [])
