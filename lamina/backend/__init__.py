"""The backend of this process, and the settings that `keras.backend` names.

`current()` is the backend in use. Frameworks are imported by their backend's package alone, and
that package is imported when it is first asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass

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
from lamina.backend.session import clear_session, get_uid

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


def current() -> Backend:
    """The backend in use, loaded on first call.

    Raises:
        ValueError: if the name asked for is no backend.
        ImportError: if its framework is not installed; names the command that installs it.
    """
    return _active or _activate(_config.settings.backend)


def _load(name: str) -> Backend:
    if name not in FRAMEWORKS:
        known = ", ".join(sorted(FRAMEWORKS))
        raise ValueError(
            f"There is no backend {name!r}. Set KERAS_BACKEND, or `backend` in "
            f"{_config.keras_home() / 'keras.json'}, to one of: {known}."
        )
    if name not in _loaded:
        if importlib.util.find_spec(FRAMEWORKS[name]) is None:
            raise ImportError(
                f"The backend {name!r} needs a framework that is not installed. "
                f"Install it with: pip install 'lamina[{name}]'"
            )
        _loaded[name] = importlib.import_module(f"lamina.backend.{name}").create()
    return _loaded[name]


def _activate(name: str) -> Backend:
    global _active
    _active = _load(name)
    _config.settings.change("backend", name)
    return _active


def backend() -> str:
    """The name of the backend in use: `"jax"` unless told otherwise.

    Example:
        >>> backend() in ("jax", "numpy")
        True
    """
    return _config.settings.backend


def set_backend(name: str) -> None:
    """Choose the backend; possible until the first tensor has been made.

    Raises:
        RuntimeError: if another backend is already in use.
    """
    if _active is not None and _active.name != name:
        raise RuntimeError(
            f"The backend {_active.name!r} is already in use, and its tensors cannot be handed to "
            f"{name!r}. Call set_backend first in the program, or set KERAS_BACKEND={name}."
        )
    _load(name)
    _config.settings.change("backend", name)


@contextlib.contextmanager
def use(name: str) -> Iterator[Backend]:
    """Run a block on another backend: the contract tests compare backends in one process."""
    global _active
    before, before_name = _active, _config.settings.backend
    try:
        yield _activate(name)
    finally:
        _active = before
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
    active = name == _config.settings.backend
    install = f"pip install 'lamina[{name}]'"
    if importlib.util.find_spec(FRAMEWORKS[name]) is None:
        return Description(name, False, None, [], 0, 0, active, install)
    found = _load(name)
    primitives = len(Backend.__abstractmethods__)
    overrides = len(found.own)
    version = found.version()
    return Description(
        name, True, version, found.devices(), primitives, overrides, active, found.install
    )
