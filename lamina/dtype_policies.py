"""Dtype policies: what layers compute in and keep their weights in."""

from __future__ import annotations

from typing import Any

from lamina.core import registry
from lamina.core.policy import DTypePolicy, FloatDTypePolicy, get
from lamina.core.policy_map import DTypePolicyMap
from lamina.core.quantized_policy import (
    AWQDTypePolicy,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
)

__all__ = [
    "AWQDTypePolicy",
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "deserialize",
    "get",
    "serialize",
]


def serialize(dtype_policy: DTypePolicy) -> Any:
    """The policy as plain data, in Keras's form."""
    return registry.serialize(dtype_policy)


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """The policy that `serialize` described, or that is named."""
    with registry.CustomObjectScope(custom_objects):
        policy: DTypePolicy = get(config)
        return policy
