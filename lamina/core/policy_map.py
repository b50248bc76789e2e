"""Dtype policies by the paths of layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, ClassVar

from lamina.core import registry
from lamina.core.policy import SLOT, DTypePolicy, dtype_policy, get


class DTypePolicyMap(DTypePolicy, MutableMapping[str, Any]):
    """A dtype policy for each of the layers of a model, by their paths.

    A layer that is given the map has the policy of the key that is its path (`model/block/dense`),
    else of the one key that matches the whole path as a regular expression, else the default. It
    has a path once it is built, and the default policy before.

    Args:
        default_policy: the policy of the layers that no key fits; the process's where None.
        policy_map: policies by path or regular expression.

    Raises:
        TypeError: if `policy_map` is no mapping.
        ValueError: if `default_policy` is no policy, or a map itself.

    Example:
        >>> policies = DTypePolicyMap("float32", {"model/.*": DTypePolicy("bfloat16")})
        >>> policies["model/dense"], policies["other/dense"]
        (<DTypePolicy "bfloat16">, <DTypePolicy "float32">)
    """

    slot: ClassVar[str | None] = SLOT

    def __init__(self, default_policy: Any = None, policy_map: Any = None) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("The default policy of a DTypePolicyMap cannot be a map itself.")
        if policy_map is not None and not isinstance(policy_map, Mapping):
            raise TypeError(
                f"policy_map is a dictionary of policies by path, not {policy_map!r} of type "
                f"{type(policy_map).__name__}."
            )
        self._default = None if default_policy is None else get(default_policy)
        self._policies: dict[str, Any] = {
            key: get(policy) for key, policy in (policy_map or {}).items()
        }

    @property
    def default_policy(self) -> Any:
        """The policy of the layers that no key fits."""
        if self._default is not None:
            return self._default
        own = dtype_policy()
        return own.default_policy if isinstance(own, DTypePolicyMap) else own

    @property
    def name(self) -> str:
        """`map_` and the name of the default policy."""
        return f"map_{self.default_policy.name}"

    @property
    def source_name(self) -> str:
        """That of the default policy."""
        return str(self.default_policy.source_name)

    @property
    def compute_dtype(self) -> str:
        """The type that the default policy computes in."""
        return str(self.default_policy.compute_dtype)

    @property
    def variable_dtype(self) -> str:
        """The type that the default policy keeps variables in."""
        return str(self.default_policy.variable_dtype)

    @property
    def quantization_mode(self) -> str | None:
        """How the default policy quantizes."""
        return self.default_policy.quantization_mode  # type: ignore[no-any-return]

    def at(self, path: str | None) -> DTypePolicy:
        return self[path] if path else self.default_policy  # type: ignore[no-any-return]

    def __getitem__(self, key: str) -> Any:
        """The policy of the layer at the path `key`.

        Raises:
            ValueError: if several regular expressions match the path.
        """
        if key in self._policies:
            return self._policies[key]
        found = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"The keys {', '.join(map(repr, found))} of a DTypePolicyMap all match the path "
                f"{key!r}, so that its policy is not known. Write them so that one matches."
            )
        return self._policies[found[0]] if found else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        """Add a policy for a path, or for those that a regular expression matches.

        Raises:
            TypeError: if `key` is no string.
            ValueError: if there is one already, or `policy` is none.
        """
        if not isinstance(key, str):
            raise TypeError(f"A key of a DTypePolicyMap is a path of layers, not {key!r}.")
        if key in self._policies:
            raise ValueError(
                f"The DTypePolicyMap has a policy for {key!r} already, {self._policies[key]}. "
                "Delete it first."
            )
        self._policies[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def get_config(self) -> dict[str, Any]:
        """What makes an equal map again."""
        default = None if self._default is None else self._default.name
        policies = {key: registry.serialize(one) for key, one in self._policies.items()}
        return {"default_policy": default, "policy_map": policies}

    __eq__, __hash__ = DTypePolicy.__eq__, DTypePolicy.__hash__

    def __repr__(self) -> str:
        pairs = [(key, policy.name) for key, policy in self._policies.items()]
        return (
            f"<DTypePolicyMap at 0x{id(self):x} default_policy={self.default_policy.name}, "
            f"mapping={pairs}>"
        )
