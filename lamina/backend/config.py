"""What a process is set to: the backend's name, `floatx`, `epsilon`, the image data format.

Read once, in this order: the environment (`LAMINA_BACKEND`, `KERAS_BACKEND`), then
`keras.json` in `KERAS_HOME` (default `~/.keras`), then the defaults.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from dataclasses import dataclass, field

FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
DATA_FORMATS = ("channels_last", "channels_first")
# Backend -> the module that its framework is imported as.
FRAMEWORKS = {"jax": "jax", "numpy": "numpy"}


@dataclass
class Settings:
    """The settings of this process. `on_change` hooks run when one of them changes."""

    backend: str = "jax"
    floatx: str = "float32"
    epsilon: float = 1e-7
    image_data_format: str = "channels_last"
    on_change: list[Callable[[], None]] = field(default_factory=list)

    def change(self, name: str, value: object) -> None:
        setattr(self, name, value)
        for hook in self.on_change:
            hook()


def keras_home() -> pathlib.Path:
    """The folder of settings and downloads: `KERAS_HOME`, else `~/.keras`."""
    home = os.environ.get("KERAS_HOME")
    return pathlib.Path(home).expanduser() if home else pathlib.Path.home() / ".keras"


def _read() -> Settings:
    settings = Settings()
    path = keras_home() / "keras.json"
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError):
        stored = {}
    if not isinstance(stored, dict):
        stored = {}
    if stored.get("floatx") in FLOAT_TYPES:
        settings.floatx = stored["floatx"]
    if isinstance(stored.get("epsilon"), float):
        settings.epsilon = stored["epsilon"]
    if stored.get("image_data_format") in DATA_FORMATS:
        settings.image_data_format = stored["image_data_format"]
    for name in ("LAMINA_BACKEND", "KERAS_BACKEND"):
        if os.environ.get(name):
            settings.backend = os.environ[name]
            break
    else:
        # Keras writes this file by itself, and may name a backend that is not at hand here.
        if stored.get("backend") in FRAMEWORKS:
            settings.backend = stored["backend"]
    return settings


settings = _read()


def floatx() -> str:
    """The default float type, as a string.

    Example:
        >>> floatx()
        'float32'
    """
    return settings.floatx


def set_floatx(value: str) -> None:
    """Set the default float type: one of `bfloat16`, `float16`, `float32`, `float64`.

    Raises:
        ValueError: for any other name.
    """
    if value not in FLOAT_TYPES:
        raise ValueError(f"set_floatx takes one of {', '.join(FLOAT_TYPES)}, not {value!r}.")
    settings.change("floatx", value)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite (1e-7 unless set)."""
    return settings.epsilon


def set_epsilon(value: float) -> None:
    """Set the small number that `epsilon()` returns."""
    settings.change("epsilon", float(value))


def image_data_format() -> str:
    """Where images keep their channels: `channels_last` (default) or `channels_first`."""
    return settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the default of every layer's `data_format`.

    Raises:
        ValueError: for anything but `channels_last` and `channels_first`.
    """
    settings.change("image_data_format", standardize_data_format(data_format))


def standardize_data_format(data_format: str | None) -> str:
    """`data_format` in lower case, the process's default for None; ValueError for others."""
    if data_format is None:
        return settings.image_data_format
    name = str(data_format).lower()
    if name not in DATA_FORMATS:
        raise ValueError(f"data_format is one of {', '.join(DATA_FORMATS)}, not {data_format!r}.")
    return name
