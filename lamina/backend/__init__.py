"""The backend of this process, and the settings that `keras.backend` names.

`current()` is the backend in use. Frameworks are imported by their backend's package alone, and
that package is imported when it is first asked for.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from lamina.backend import config as _config
from lamina.backend.config import (
    FRAMEWORKS,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_data_format,
)
from lamina.backend.contract import Backend, LeakedTraceError, Spec
from lamina.backend.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from lamina.backend.garbage import count_as_old, uncollected
from lamina.backend.session import clear_session, get_uid
from lamina.backend.symbolic import is_keras_tensor

T = TypeVar("T")

__all__ = [
    "Backend",
    "LeakedTraceError",
    "Spec",
    "backend",
    "clear_session",
    "current",
    "describe",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "plays",
    "result_type",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_data_format",
    "standardize_dtype",
    "use",
]

_loaded: dict[str, Backend] = {}
_active: Backend | None = None
_roles: dict[str, type] = {}


def current() -> Backend:
    """The backend in use, loaded on first call.

    Raises:
        ValueError: if the name asked for is no backend.
        ImportError: if its framework is not installed; names the command that installs it.
    """
    return _active or _activate(_config.chosen_backend())


def _load(name: str) -> Backend:
    if name not in FRAMEWORKS:
        known = ", ".join(sorted(FRAMEWORKS))
        raise ValueError(
            f"There is no backend {name!r}. Set KERAS_BACKEND, or `backend` in "
            f"{_config.keras_home() / 'keras.json'}, to one of: {known}."
        )
    if name not in _loaded:
        if not _config.installed(name):
            raise ImportError(
                f"The backend {name!r} needs a framework that is not installed. "
                f"Install it with: pip install 'lamina[{name}]'"
            )
        with uncollected():  # much is made and little dropped: looking for that took JAX 60 ms
            _loaded[name] = importlib.import_module(f"lamina.backend.{name}").create()
            count_as_old()
    return _loaded[name]


def _activate(name: str) -> Backend:
    found = _load(name)
    _settle(found)
    _config.settings.change("backend", name)
    return found


def _settle(backend: Backend | None) -> None:
    """Make `backend` the one in use; the classes of the roles get its mixins as bases."""
    global _active
    for role, cls in _roles.items():
        old, new = (one and one.mixins.get(role) for one in (_active, backend))
        if old is not new:
            kept = [base for base in cls.__bases__ if base is not old]
            cls.__bases__ = (*kept, new) if new else tuple(kept)
    _active = backend


def plays(role: str) -> Callable[[type[T]], type[T]]:
    """A decorator of the class whose instances the backend in use makes at home in its framework.

    A mixin as a base serves every subclass at once, whichever was defined before the backend was
    chosen, and costs a framework that needs none nothing.

    Args:
        role: a key of `Backend.mixins`.
    """

    def enter(cls: type[T]) -> type[T]:
        active = _active
        _settle(None)
        _roles[role] = cls
        _settle(active)
        return cls

    return enter


def backend() -> str:
    """The name of the backend in use: `"jax"` unless told otherwise.

    In this order: what `set_backend` said, the environment (`LAMINA_BACKEND`, then
    `KERAS_BACKEND`), and `keras.json`, where the framework named there is installed.

    Example:
        >>> backend() in ("jax", "torch", "tensorflow", "numpy")
        True
    """
    return _config.chosen_backend()


def set_backend(backend: str) -> None:
    """Choose the backend; possible until the first tensor has been made.

    Raises:
        RuntimeError: if another backend is already in use.
    """
    if _active is not None and _active.name != backend:
        raise RuntimeError(
            f"The backend {_active.name!r} is already in use, and its tensors cannot be handed to "
            f"{backend!r}. Call set_backend first in the program, or set KERAS_BACKEND={backend}."
        )
    _load(backend)
    _config.settings.change("backend", backend)


@contextlib.contextmanager
def use(name: str) -> Iterator[Backend]:
    """Run a block on another backend: the contract tests compare backends in one process."""
    before, before_name = _active, _config.settings.backend
    try:
        yield _activate(name)
    finally:
        _settle(before)
        _config.settings.change("backend", before_name)


@dataclass(frozen=True)
class Description:
    """What `lamina backends` prints of one backend."""

    name: str
    installed: bool
    version: str | None
    devices: list[str]
    primitives: int
    overrides: int
    active: bool
    install: str


def describe() -> list[Description]:
    """One `Description` for each backend there is, installed or not."""
    return [_describe(name) for name in FRAMEWORKS]


def _describe(name: str) -> Description:
    active = name == _config.chosen_backend()
    install = f"pip install 'lamina[{name}]'"
    if not _config.installed(name):
        return Description(name, False, None, [], 0, 0, active, install)
    found = _load(name)
    primitives = len(Backend.__abstractmethods__)
    overrides = len(found.own)
    version = found.version()
    return Description(
        name, True, version, found.devices(), primitives, overrides, active, found.install
    )
