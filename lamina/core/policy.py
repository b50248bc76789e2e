"""Dtype policies: the type that layers compute in, and the type that they keep weights in.

Mixed precision: https://arxiv.org/abs/1710.03740.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from lamina import ops
from lamina.backend import current
from lamina.backend.config import settings
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.core import registry
from lamina.symbolic.tensor import KerasTensor

SLOT = "dtype_policies"
# What names that begin with a mode of quantization are read by: see `quantized_policy`.
named_by_mode: dict[str, Callable[[str], DTypePolicy]] = {}


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

    slot: ClassVar[str | None] = None  # Keras has it at the top of the package

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.enter_class(SLOT, cls)

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().source_name
        if not isinstance(name, str):
            raise TypeError(f"A dtype policy's name is a string, not {name!r}.")
        self._name = name
        if name.startswith("mixed_"):
            compute = name.removeprefix("mixed_")
            if compute not in ("float16", "bfloat16"):
                raise ValueError(f"There is mixed_float16 and mixed_bfloat16, not {name!r}.")
            self._compute_dtype, self._variable_dtype = compute, "float32"
        else:
            self._name = standardize_dtype(name)
            self._compute_dtype = self._variable_dtype = self._name

    @property
    def name(self) -> str:
        """What the policy is called: `get(policy.name)` makes an equal one."""
        return self._name

    @property
    def source_name(self) -> str:
        """The name of the policy without what quantizes in it."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The type that is computed in."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type that variables are kept in."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """How weights are quantized, such as `"int8"`; None where they are not."""
        return None

    def at(self, path: str | None) -> DTypePolicy:
        """The policy of the layer at `path`; None stands for a layer that has no path yet."""
        return self

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
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The policy that `get_config` described."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        kinds = {type(one) for one in (self, other)} - {DTypePolicy, FloatDTypePolicy}
        same = not kinds or type(self) is type(other)
        return same and self.get_config() == other.get_config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


registry.enter_class(SLOT, DTypePolicy)


class FloatDTypePolicy(DTypePolicy):
    """What `DTypePolicy` was called once; equal to one of the same name."""


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


def get(identifier: Any) -> Any:
    """A policy from a policy, its name, a dtype, its config, or None (the process's).

    Raises:
        ValueError: if there is no such policy.

    Example:
        >>> get("mixed_float16").variable_dtype, get("int8_from_float32").quantization_mode
        ('float32', 'int8')
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict) and "class_name" in identifier:
        return registry.revive(SLOT, identifier)
    if isinstance(identifier, str):
        mode = next((mode for mode in named_by_mode if identifier.startswith(mode)), None)
        return DTypePolicy(identifier) if mode is None else named_by_mode[mode](identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (TypeError, ValueError):
        raise ValueError(
            f"A dtype policy is given by its name, such as 'mixed_bfloat16', by a dtype, its "
            f"config or a DTypePolicy, not by {identifier!r} of type {type(identifier).__name__}."
        ) from None
