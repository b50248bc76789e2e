"""Classes that are known by name in a slot and made again from a config."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from lamina.core import registry
from lamina.core.arguments import Recorded
from lamina.core.plain import untagged


class Named(Recorded):
    """A class whose subclasses enter `slot`, and whose config is its constructor's arguments."""

    slot: ClassVar[str]

    def __init__(self) -> None:
        """Without this, `object`'s signature would say that a subclass takes any argument."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.enter_class(cls.slot, cls)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data: what `from_config` makes an equal one of."""
        return {name: registry.serialize(value) for name, value in self.recorded_config().items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The object that `get_config` described."""
        return cls(**untagged(config))
