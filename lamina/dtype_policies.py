"""Dtype policies: what layers compute in and keep their weights in."""

from __future__ import annotations

from typing import Any

from lamina.core import registry
from lamina.core.policy import DTypePolicy, get

__all__ = ["DTypePolicy", "deserialize", "get", "serialize"]


def serialize(dtype_policy: DTypePolicy) -> Any:
    """The policy as plain data, in Keras's form."""
    return registry.serialize(dtype_policy)


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """The policy that `serialize` described, or that is named."""
    with registry.CustomObjectScope(custom_objects):
        return get(config)
