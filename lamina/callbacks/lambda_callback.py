"""Callbacks from plain functions."""

from collections.abc import Callable
from typing import Any

from lamina.callbacks.callback import Callback


class LambdaCallback(Callback):
    """A callback whose hooks are functions.

    Args:
        on_epoch_begin: called as `(epoch, logs)`.
        on_epoch_end: called as `(epoch, logs)`.
        on_train_begin: called as `(logs)`.
        on_train_end: called as `(logs)`.
        on_train_batch_begin: called as `(batch, logs)`.
        on_train_batch_end: called as `(batch, logs)`.
        **kwargs: any other hook of `Callback`, by its name.

    Raises:
        TypeError: a keyword is no hook.

    Example:
        >>> hello = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> hello.on_epoch_end(3, logs={"loss": 0.5})
        3 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for hook, function in functions.items():
            if not hook.startswith("on_") or not hasattr(Callback, hook):
                raise TypeError(f"LambdaCallback has no hook {hook!r}; see lamina's Callback.")
            if function is not None:
                setattr(self, hook, _accepting_logs(function))


def _accepting_logs(function: Callable[..., Any]) -> Callable[..., None]:
    """The function, called by position: its parameters may have any names."""

    def hook(*arguments: Any, logs: Any = None) -> None:
        function(*arguments, *([] if logs is None else [logs]))

    return hook
