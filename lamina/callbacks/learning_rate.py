"""Changing the learning rate while training."""

import inspect
import math
import numbers
from collections.abc import Callable
from typing import Any

from lamina.callbacks.callback import Callback, Logs
from lamina.callbacks.monitor import MonitorCallback
from lamina.core.messages import say


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of each epoch.

    Args:
        schedule: a function of the epoch, counted from 0, and the present learning rate, or of the
            epoch alone, that returns the learning rate of the epoch.
        verbose: 1 to say what it does.

    Raises:
        ValueError: the schedule returns no finite number of at least 0.

    Example:
        >>> from types import SimpleNamespace
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> halve.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5)))
        >>> halve.on_epoch_begin(0)
        >>> halve.model.optimizer.learning_rate
        0.25
    """

    adds_to_logs = ("learning_rate",)

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the epoch's learning rate."""
        optimizer = self.model.optimizer
        arguments = (epoch, read_learning_rate(optimizer)) if self._takes_rate else (epoch,)
        rate = self.schedule(*arguments)
        if not isinstance(rate, numbers.Real) and not hasattr(rate, "__float__"):
            raise ValueError(
                f"The output of the `schedule` function should be a float. Got: {rate!r:.100}"
            )
        if not math.isfinite(rate) or rate < 0:
            raise ValueError(
                f"The `schedule` of LearningRateScheduler gave the learning rate {float(rate)} for "
                f"epoch {epoch}; it must be a finite number of at least 0."
            )
        optimizer.learning_rate = rate
        if self.verbose > 0:
            say(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to "
                f"{float(rate)}."
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the learning rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = read_learning_rate(self.model.optimizer)


class ReduceLROnPlateau(MonitorCallback):
    """Reduce the learning rate when a metric has stopped improving.

    new rate = max(rate * factor, min_lr)

    Args:
        monitor: name of the metric.
        factor: by what to multiply the learning rate, below 1.
        patience: how many epochs without improvement to wait.
        verbose: 1 to say what it does.
        mode: "min", "max", or "auto" to tell from the metric.
        min_delta: the least change that counts as an improvement.
        cooldown: how many epochs to let pass after a reduction before watching again.
        min_lr: the lowest learning rate.
        **kwargs: `epsilon`, an older name of `min_delta`.

    Raises:
        ValueError: `factor` is not below 1.

    Example:
        >>> from types import SimpleNamespace
        >>> reduce = ReduceLROnPlateau(patience=1, factor=0.5)
        >>> reduce.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1.0)))
        >>> reduce.on_train_begin()
        >>> for epoch in range(3):
        ...     reduce.on_epoch_end(epoch, {"val_loss": 1.0})
        >>> reduce.model.optimizer.learning_rate
        0.25
    """

    adds_to_logs = ("learning_rate",)
    state_attributes = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        min_delta = kwargs.pop("epsilon", min_delta)
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau has no parameter {', '.join(kwargs)}.")
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        self._reset()

    def in_cooldown(self) -> bool:
        """Whether a reduction is so recent that the metric is not watched."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the epoch with the best one; add the learning rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = read_learning_rate(self.model.optimizer)
        value = self.get_monitor_value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        old = read_learning_rate(optimizer)
        # A rate kept in single precision must not count as above the limit it was set to.
        if old <= self.min_lr or math.isclose(old, self.min_lr, rel_tol=1e-6):
            return
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0


def read_learning_rate(optimizer: Any) -> float:
    """The optimizer's learning rate as a Python number."""
    try:
        return float(optimizer.learning_rate)
    except TypeError as error:
        raise TypeError(
            f"The optimizer's learning rate is a {type(optimizer.learning_rate).__name__}, which "
            "is not a number that a callback can set. Give the optimizer a number, or drop the "
            "callback."
        ) from error


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether the function can be called with two arguments."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        return True
    return True
