"""Showing the progress of fit, evaluate and predict."""

from typing import Any

from lamina.callbacks.callback import Callback, Logs
from lamina.callbacks.progress import Progbar
from lamina.core.messages import say


class ProgbarLogger(Callback):
    """Show a progress bar for every epoch, and for `evaluate` and `predict`.

    `verbose` in the parameters of the call says how: 0 not at all, 1 or "auto" a bar, 2 a line.
    Metrics are shown as they come, and read from the device only when they are drawn.

    Example:
        >>> logger = ProgbarLogger()
        >>> logger.set_params({"verbose": 2, "epochs": 2, "steps": 4})
        >>> logger.on_train_begin()
        >>> logger.on_epoch_begin(0)
        Epoch 1/2
        >>> logger.on_train_batch_end(3, {"loss": 0.5})
        >>> logger.on_epoch_end(0, {"loss": 0.5})  # doctest: +ELLIPSIS
        4/4 - 0s - ...s/step - loss: 0.5000
    """

    accepts_chunks = True
    adds_to_logs = ()

    def __init__(self) -> None:
        super().__init__()
        self.verbose = 1
        self.target: int | None = None
        self.epochs = 1
        self._seen = 0
        self._bar: Progbar | None = None
        self._training = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the verbosity, and how many steps and epochs there are."""
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.target = params.get("steps")
        self.epochs = params.get("epochs", 1)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """From here on, `evaluate` is validation and has no bar of its own."""
        self._training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the line of an epoch that an exception ended."""
        self._training = False
        if self._bar is not None:
            self._bar.abandon()
            self._bar = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin a bar."""
        if self.verbose and self.epochs > 1:
            say(f"Epoch {epoch + 1}/{self.epochs}")
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Show the batch."""
        self._show(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """End the bar, with the metrics of the validation."""
        self._end(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar, unless this is validation."""
        if not self._training:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Show the batch, unless this is validation."""
        if not self._training:
            self._show(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """End the bar, unless this is validation."""
        if not self._training:
            self._end(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Show the batch."""
        self._show(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """End the bar."""
        self._end(None)

    def _begin(self) -> None:
        self._seen = 0
        # No metric is averaged here: `logs` holds the averages of the epoch so far.
        self._bar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _show(self, batch: int, logs: Logs | None) -> None:
        self._seen = batch + 1
        if self._bar is not None:
            self._bar.update(self._seen, (logs or {}).items(), finalize=False)

    def _end(self, logs: Logs | None) -> None:
        if self._bar is not None:
            self._bar.update(self._seen, (logs or {}).items(), finalize=True)
            self._bar = None
