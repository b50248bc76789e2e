"""What a process is set to: the backend's name, `floatx`, `epsilon`, the image data format, and
the switches of `lamina.config`.

They come from `keras.json` in `KERAS_HOME` (default `~/.keras`), else they are the defaults. The
backend is looked up when it is first needed: what the program set, the environment
(`LAMINA_BACKEND`, then `KERAS_BACKEND`), `keras.json`, JAX.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
from collections.abc import Callable
from dataclasses import dataclass, field

FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
DATA_FORMATS = ("channels_last", "channels_first")
# Backend -> the module that its framework is imported as.
FRAMEWORKS = {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow", "numpy": "numpy"}


@dataclass
class Settings:
    """The settings of this process. `on_change` hooks run when one of them changes.

    Attributes:
        backend: the one in use or set by the program; None until there is one.
        stored_backend: the one that `keras.json` names.
        flash_attention: whether attention is computed by flash kernels; None where the backend
            chooses.
        interactive_logging: whether messages go to standard output, else to the log.
        traceback_filtering: whether errors leave out the frames of this package.
        max_epochs, max_steps_per_epoch: what `fit` is cut to; None for no limit.
    """

    backend: str | None = None
    stored_backend: str | None = None
    floatx: str = "float32"
    epsilon: float = 1e-7
    image_data_format: str = "channels_last"
    flash_attention: bool | None = None
    interactive_logging: bool = True
    traceback_filtering: bool = True
    max_epochs: int | None = None
    max_steps_per_epoch: int | None = None
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
    if stored.get("backend") in tuple(FRAMEWORKS):
        settings.stored_backend = stored["backend"]
    settings.max_epochs = _limit("KERAS_MAX_EPOCHS")
    settings.max_steps_per_epoch = _limit("KERAS_MAX_STEPS_PER_EPOCH")
    return settings


def _limit(variable: str) -> int | None:
    """The whole number in an environment variable, None where it is not set.

    Raises:
        ValueError: if it is set to anything else: a run must not be longer than was asked for.
    """
    text = os.environ.get(variable)
    if not text:
        return None
    if not text.strip().isdecimal() or int(text) < 1:
        raise ValueError(f"{variable} is a whole number of at least 1, not {text!r}.")
    return int(text)


settings = _read()


def chosen_backend() -> str:
    """The name of the backend in use, or of the one that would be if it were needed now."""
    if settings.backend is not None:
        return settings.backend
    asked = os.environ.get("LAMINA_BACKEND") or os.environ.get("KERAS_BACKEND")
    if asked:
        return asked
    # Keras writes `keras.json` by itself, and may name there what is not at hand here.
    stored = settings.stored_backend
    return stored if stored is not None and installed(stored) else "jax"


def installed(backend: str) -> bool:
    """Whether the framework of `backend` can be imported."""
    spec = importlib.util.find_spec(FRAMEWORKS[backend])
    # Neither the stand-in for a TensorFlow that is not installed (`lamina.dropin`) nor a folder
    # that happens to have the name comes from a file.
    return spec is not None and spec.origin is not None


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
