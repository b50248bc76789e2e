"""Named values of an experiment, in one place."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any


class Config:
    """Named values, read and set as attributes or as items of a dictionary.

    Once frozen, it refuses every change until `unfreeze`.

    Args:
        **kwargs: the first values.

    Example:
        >>> config = Config(learning_rate=0.1)
        >>> config.epochs = 3
        >>> config["seed"] = 1
        >>> config.learning_rate, config["epochs"], len(config)
        (0.1, 3, 3)
        >>> config.freeze()
        >>> config.epochs = 4
        Traceback (most recent call last):
        ...
        ValueError: The config is frozen, and 'epochs' cannot be changed: call unfreeze() first.
    """

    _entries: dict[Any, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        # Past `__setattr__`, which makes entries of all others.
        vars(self).update(_entries=dict(kwargs), _frozen=False)

    def __getattr__(self, name: str) -> Any:
        entries = vars(self).get("_entries", {})
        if name not in entries:
            known = ", ".join(map(str, entries)) or "nothing"
            raise AttributeError(f"The config has no {name!r}. It has: {known}.")
        return entries[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(
                f"{name!r} is a name of Config itself, which hides an entry of that name: set "
                f"config[{name!r}] and read it so, or choose another name."
            )
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self._entries:
            self.__getattr__(name)  # says what there is
        del self[name]

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_mutable(key)
        self._entries[key] = value

    def __delitem__(self, key: Any) -> None:
        self._check_mutable(key)
        del self._entries[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Config {self._entries}>"

    def _check_mutable(self, key: Any) -> None:
        if self._frozen:
            raise ValueError(
                f"The config is frozen, and {key!r} cannot be changed: call unfreeze() first."
            )

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse every change from here on."""
        vars(self)["_frozen"] = True

    def unfreeze(self) -> None:
        """Take changes again."""
        vars(self)["_frozen"] = False

    def keys(self) -> KeysView[Any]:
        """The names."""
        return self._entries.keys()

    def values(self) -> ValuesView[Any]:
        """The values, in the order of the names."""
        return self._entries.values()

    def items(self) -> ItemsView[Any, Any]:
        """Pairs of name and value."""
        return self._entries.items()

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of that name, or `default`."""
        return self._entries.get(key, default)

    def pop(self, *args: Any) -> Any:
        """Take a value out: `pop(name)`, or `pop(name, default)` where there may be none.

        Raises:
            KeyError: if there is none and no default.
        """
        self._check_mutable(args[0] if args else None)
        return self._entries.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values, from a dictionary, a config, pairs, or by name."""
        changed = dict(*args, **kwargs)
        self._check_mutable(next(iter(changed), None))
        self._entries.update(changed)

    def as_dict(self) -> dict[Any, Any]:
        """A dictionary of the names and values."""
        return dict(self._entries)

    def to_json(self) -> str:
        """The names and values as JSON.

        Raises:
            TypeError: if a value is none that JSON has a form for.
        """
        return json.dumps(self._entries)
