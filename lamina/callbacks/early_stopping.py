"""Stopping when a metric no longer improves."""

from typing import Any

from lamina.callbacks.callback import Logs
from lamina.callbacks.monitor import MonitorCallback
from lamina.core.messages import say


class EarlyStopping(MonitorCallback):
    """Stop training when a monitored metric has stopped improving.

    Args:
        monitor: name of the metric.
        min_delta: the least change that counts as an improvement.
        patience: how many epochs without improvement to wait.
        verbose: 1 to say what it does.
        mode: "min", "max", or "auto" to tell from the metric.
        baseline: a value to be beaten: improvements that do not beat it do not end the wait.
        restore_best_weights: at the end of training, go back to the weights of the best epoch.
        start_from_epoch: how many epochs to let pass before watching.

    Differs from Keras: a value that is NaN is never the best.

    Example:
        >>> from types import SimpleNamespace
        >>> stopping = EarlyStopping(patience=1)
        >>> stopping.set_model(SimpleNamespace(stop_training=False))
        >>> stopping.on_train_begin()
        >>> for epoch, loss in enumerate([0.5, 0.4, 0.6]):
        ...     stopping.on_epoch_end(epoch, {"val_loss": loss})
        >>> stopping.model.stop_training, stopping.best, stopping.best_epoch
        (True, 0.4, 1)
    """

    adds_to_logs = ()
    state_attributes = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the epoch with the best one."""
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep_weights(epoch)  # something to go back to, if no epoch ever is an improvement
        self.wait += 1
        if self.is_improvement(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep_weights(epoch)
            if self.baseline is None or self.is_improvement(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep_weights(self, epoch: int) -> None:
        self.best_epoch = epoch
        self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say that training was stopped; restore the best weights."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                say(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)
