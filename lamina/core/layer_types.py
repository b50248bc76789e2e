"""The element types of a layer: of its variables, and of its computation."""

from __future__ import annotations

from typing import Any

from lamina.core import policy as policies
from lamina.core.context import current_scopes, local
from lamina.core.policy_map import DTypePolicyMap


class LayerTypes:
    """The part of a layer that knows its dtype policy and its path."""

    name: str
    _path: str | None
    _policy: policies.DTypePolicy  # what was given
    _types: policies.DTypePolicy  # what that says of this layer
    _autocast_dtype: str | None
    _accepted: set[Any]

    @property
    def path(self) -> str | None:
        """The names of the layers that this one was built in and its own, joined by `/`.

        None until it is built.
        """
        return self._path

    def _settle_path(self) -> None:
        """Note where the layer is, which is about to be built there."""
        self._settled()
        if self._path is None:
            names = current_scopes()
            context = local.context
            inside = context is not None and context.layer is self
            self._path = "/".join(names if inside else (*names, self.name))
            if isinstance(self._policy, DTypePolicyMap):
                self._settle_types()

    @property
    def dtype_policy(self) -> Any:
        """The types of variables and of the computation; may be set, also by name."""
        self._settled()
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._policy = policies.get(value)
        self._settle_types()

    def _settle_types(self) -> None:
        """Take from the policy what holds at the layer's path."""
        types = self._types = self._policy.at(self._path)
        if types.quantization_mode is not None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) was given the dtype policy "
                f"{types.name!r}, and Lamina does not quantize layers yet. Give it the policy "
                f"{types.source_name!r}, which it was quantized from."
            )
        mixed = types.compute_dtype != types.variable_dtype
        self._autocast_dtype = types.compute_dtype if mixed else None
        self._accepted.clear()

    def _settled(self) -> policies.DTypePolicy:
        """The dtype policy that holds at the layer's path."""
        try:
            return self._types
        except AttributeError:
            name = type(self).__name__
            raise RuntimeError(
                f"Layer {name} is not set up: {name}.__init__ must begin with "
                "`super().__init__(**kwargs)`, before it sets attributes or the layer is used."
            ) from None

    @property
    def dtype(self) -> str:
        """The type that variables are kept in."""
        return self._settled().variable_dtype

    variable_dtype = dtype

    @property
    def compute_dtype(self) -> str:
        """The type that is computed in."""
        return self._settled().compute_dtype

    input_dtype = compute_dtype

    @property
    def quantization_mode(self) -> str | None:
        """None: layers are not quantized."""
        return self._settled().quantization_mode
