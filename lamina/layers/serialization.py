"""Layers as plain data, and back."""

from __future__ import annotations

from typing import Any

from lamina.core import registry
from lamina.core.layer import Layer


def serialize(layer: Layer) -> dict[str, Any]:
    """The config of a layer, with its class's name.

    Example:
        >>> from lamina import layers
        >>> serialize(layers.Dense(3))["class_name"]
        'Dense'
    """
    return registry.serialize(layer)  # type: ignore[no-any-return]


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer that `serialize` described, with new weights.

    Args:
        config: a layer's config with its class's name.
        custom_objects: classes and functions of one's own, by name.

    Raises:
        ValueError: if it describes no layer, or one of an unknown class.

    Example:
        >>> from lamina import layers
        >>> deserialize(serialize(layers.Dense(3))).units
        3
    """
    found = registry.deserialize(config, custom_objects)
    if not isinstance(found, Layer):
        raise ValueError(f"{config!r} describes no layer, but a {type(found).__name__}.")
    return found
