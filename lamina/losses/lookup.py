"""Losses by name and by config."""

from __future__ import annotations

from typing import Any

from lamina.core import registry
from lamina.losses.formula import describe_function
from lamina.losses.loss import Loss


def get(identifier: Any) -> Any:
    """A loss from its name, config, class, or function; objects and None as they are.

    Args:
        identifier: what names the loss.

    Raises:
        ValueError: if there is no such loss.

    Example:
        >>> get("mse").__name__, get("MeanSquaredError").name
        ('mean_squared_error', 'mean_squared_error')
    """
    return registry.identify("losses", identifier)


def serialize(loss: Any) -> Any:
    """A loss or function as plain data.

    Args:
        loss: the loss or function.

    Example:
        >>> serialize(get("MeanSquaredError"))["class_name"]
        'MeanSquaredError'
    """
    return registry.serialize(loss) if isinstance(loss, Loss) else describe_function(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss that `serialize` described, or the one of that name.

    Args:
        name: a config or a name.
        custom_objects: classes and functions of one's own, by name.

    Example:
        >>> deserialize(serialize(get("MeanSquaredError"))).name
        'mean_squared_error'
    """
    with registry.CustomObjectScope(custom_objects):
        return get(name)
