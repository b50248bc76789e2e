"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from lamina.core import registry
from lamina.core.layer import Layer
from lamina.core.load_errors import UnsafeContentError
from lamina.ops.op_call import rows
from lamina.symbolic.operators import table


class Lambda(Layer):
    """Calls a function.

    Good for trying things out. A layer class of one's own says more, holds variables, and loads
    from files without further ado.

    Args:
        function: takes the input, and `mask` and `training` if it has such parameters.
        output_shape: taken for Keras's sake: the shape is found by running the function.
        mask: the mask of the output, or a function of the input and its mask.
        arguments: more keyword arguments of the function.

    A file holds the function's name, never its code, and loading finds what is registered by
    that name or passed in `custom_objects`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Lambda(lambda x: x**2)(ops.ones((2, 3))).shape
        (2, 3)
    """

    holds_code: ClassVar[bool] = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda takes a function, not {function!r}.")
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        try:
            self._understood = frozenset(inspect.signature(function).parameters)
        except ValueError:  # functions in C may have none
            self._understood = frozenset()
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        known = {"mask": mask, "training": training}
        given = {name: value for name, value in known.items() if name in self._understood}
        return self.function(inputs, **{**given, **self.arguments})

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: v for key, v in config.items() if key == "function" or v is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Lambda:
        """The layer that `get_config` described.

        Raises:
            UnsafeContentError: if the config holds code.
            ValueError: if it holds a name that nothing is known by.
        """
        config = dict(config)
        config["function"] = _named(config["function"], config.get("name"))
        if config.get("mask") is not None:
            config["mask"] = _named(config["mask"], config.get("name"))
        return cls(**config)


def _named(described: Any, layer: Any) -> Any:
    """The function that a config names: registered, in custom_objects, or an op of ours."""
    if callable(described):
        return described
    name = described
    if isinstance(described, dict) and described.get("class_name") == "function":
        name = registry.name_of_function(described)
    if not isinstance(name, str):
        raise UnsafeContentError(
            f"The function of Lambda layer {layer!r} is stored as code, which is never run. Load "
            "the weights into a model made by the program that made the file, or pass the "
            "function as custom_objects."
        )
    found = registry.get_registered_object(name)
    if found is None and name in rows:
        found = table[name]
    return registry.resolve("activations", name) if found is None else found
