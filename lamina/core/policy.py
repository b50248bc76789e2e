"""Dtype policies: the type that layers compute in, and the type that they keep weights in.

Mixed precision: https://arxiv.org/abs/1710.03740.
"""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.backend import current
from lamina.backend.config import settings
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.symbolic.tensor import KerasTensor


class DTypePolicy:
    """A compute type and a variable type.

    Args:
        name: a dtype for both, or `mixed_bfloat16` / `mixed_float16`: compute in half the width,
            keep the weights in float32. The process's policy where None.

    Example:
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None) -> None:
        self.name: str
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(f"A dtype policy's name is a string, not {name!r}.")
        if name.startswith("mixed_"):
            compute = name.removeprefix("mixed_")
            if compute not in ("float16", "bfloat16"):
                raise ValueError(f"There is mixed_float16 and mixed_bfloat16, not {name!r}.")
            self.compute_dtype, self.variable_dtype = compute, "float32"
        else:
            name = standardize_dtype(name)
            self.compute_dtype = self.variable_dtype = name
        self.name = name

    @property
    def quantization_mode(self) -> str | None:
        """None: this policy does not quantize."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """A layer's input as a tensor, floats in the type `dtype` where `autocast` is on."""
        if isinstance(x, KerasTensor):
            kind = x.dtype
        elif ops.is_tensor(x):
            kind = current().dtype(x)
        elif hasattr(x, "__array__"):
            x = ops.convert_to_tensor(x)
            kind = standardize_dtype(x.dtype)
        else:
            return x
        return ops.cast(x, dtype) if autocast and kind != dtype and is_float(kind) else x

    def get_config(self) -> dict[str, Any]:
        """What makes an equal policy again."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


_policy: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The process's policy: `floatx` unless `set_dtype_policy` was called."""
    return _policy or DTypePolicy(settings.floatx)


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of the layers made from now on.

    Args:
        policy: a policy, its name, or None for `floatx` again.
    """
    global _policy
    _policy = None if policy is None else get(policy)


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, its name, a dtype, its config, or None (the process's)."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy(**identifier["config"])
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(standardize_dtype(identifier))
