"""Settings of the process: backend, types, data format, logging, limits of training."""

from __future__ import annotations

from typing import NoReturn

from lamina.backend import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_backend,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from lamina.backend.config import settings
from lamina.backend.session import guard, new_token
from lamina.core.policy import dtype_policy, set_dtype_policy

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]

# Traced code has one of the three states of `settings.flash_attention` in it.
_FLASH_TOKENS = {None: 0, False: new_token(), True: new_token()}


def enable_flash_attention() -> None:
    """Have attention computed by the backend's flash kernel wherever that serves.

    Where it does not (another backend, device, type or size), attention is computed as ever;
    `flash_attention=True` in a call of `ops.dot_product_attention` raises an error instead.

    Reference:
        Dao et al., 2022, https://arxiv.org/abs/2205.14135
    """
    _set_flash_attention(True)


def disable_flash_attention() -> None:
    """Have attention computed without flash kernels, which round otherwise."""
    _set_flash_attention(False)


def is_flash_attention_enabled() -> bool | None:
    """Whether flash kernels are asked for; None where the backend chooses, as it does unasked."""
    return settings.flash_attention


def _set_flash_attention(value: bool) -> None:
    for state in (settings.flash_attention, value):
        guard.flip(_FLASH_TOKENS[state])
    settings.change("flash_attention", value)


def enable_interactive_logging() -> None:
    """Write progress bars, summaries and messages to standard output, as is the default."""
    settings.interactive_logging = True


def disable_interactive_logging() -> None:
    """Write progress and messages to the log `logging.getLogger("lamina")`, at the level INFO.

    Keras writes to the log of `absl`.
    """
    settings.interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether messages go to standard output.

    Example:
        >>> is_interactive_logging_enabled()
        True
    """
    return settings.interactive_logging


def enable_traceback_filtering() -> None:
    """Leave the frames of this package out of the tracebacks of errors, as is the default."""
    settings.traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Keep the frames of this package in the tracebacks of errors, to look for its mistakes."""
    settings.traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks leave out the frames of this package.

    Example:
        >>> is_traceback_filtering_enabled()
        True
    """
    return settings.traceback_filtering


def enable_unsafe_deserialization() -> NoReturn:
    """Refused: code that came with a file is never run here, so there is nothing to enable.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(
        "enable_unsafe_deserialization() cannot be honoured: Lamina never runs code that a file "
        "brings, such as the bytecode of a Lambda layer. Define the functions and classes in the "
        "program, pass them to the loading function in custom_objects (or decorate them with "
        "@lamina.saving.register_keras_serializable()), and take this call out."
    )


def is_nnx_enabled() -> bool:
    """False: layers are no Flax NNX modules, and variables are found without NNX.

    Example:
        >>> is_nnx_enabled()
        False
    """
    return False


def max_epochs() -> int | None:
    """The most epochs that a call of `fit` runs; None for no limit.

    It is `KERAS_MAX_EPOCHS` of the environment where `set_max_epochs` was not called.
    """
    return settings.max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Set the most epochs that a call of `fit` runs, to try a program quickly.

    Args:
        max_epochs: a number of at least 1; None for no limit.

    Raises:
        ValueError: for anything else.
    """
    settings.max_epochs = _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most batches in an epoch of `fit`, and in `evaluate` and `predict`; None for no limit.

    It is `KERAS_MAX_STEPS_PER_EPOCH` of the environment where `set_max_steps_per_epoch` was not
    called.
    """
    return settings.max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Set the most batches in an epoch of `fit`, and in `evaluate` and `predict`.

    Args:
        max_steps_per_epoch: a number of at least 1; None for no limit.

    Raises:
        ValueError: for anything else.
    """
    settings.max_steps_per_epoch = _limit("max_steps_per_epoch", max_steps_per_epoch)


def _limit(name: str, value: int | None) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"{name} is a whole number of at least 1, or None, not {value!r}.")
    return value
