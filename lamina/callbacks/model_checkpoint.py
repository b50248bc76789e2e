"""Saving the model while training."""

import math
import string
import warnings
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from lamina.callbacks.callback import Logs, to_number
from lamina.callbacks.frequency import Frequency
from lamina.callbacks.monitor import MonitorCallback, hint
from lamina.callbacks.paths import check_file, check_folder
from lamina.core.messages import say


class ModelCheckpoint(MonitorCallback):
    """Save the model, or its weights, each epoch or every so many batches.

    Files are written whole or not at all: a save that is cut off leaves the last good one.

    Args:
        filepath: the file: `.keras` or `.h5`, or `.weights.h5` with `save_weights_only`. `{epoch}`
            (counted from 1), with a number of batches as `save_freq` also `{batch}`, and the names
            of metrics are filled in, as in `"{epoch:02d}-{val_loss:.2f}.keras"`. Folders that do
            not exist are made.
        monitor: name of the metric that says which model is the best.
        verbose: 1 to say what it does.
        save_best_only: save only where the metric is better than ever before.
        save_weights_only: save the weights (`model.save_weights`) instead of the model.
        mode: "min", "max", or "auto" to tell from the metric.
        save_freq: "epoch", or the number of batches from one save to the next, counted over the
            ends of epochs.
        initial_value_threshold: the metric's value that is the best at first.

    Raises:
        ValueError: an argument is out of range; as `fit` starts, that the path or `monitor` names
            a metric that this training does not measure.
        OSError: as `fit` starts, that the file cannot be written, and why.

    Differs from Keras: what is wrong with the path or the metric is said before training, not
    after an epoch. With `save_best_only` nothing is saved where the metric is absent from the logs,
    and never a model whose metric, loss or weights are not finite.

    Example:
        >>> from types import SimpleNamespace
        >>> checkpoint = ModelCheckpoint("{epoch}.keras", "loss", save_best_only=True)
        >>> save = lambda path, overwrite: print("saved", path)
        >>> checkpoint.set_model(SimpleNamespace(save=save, weights=[]))
        >>> for epoch, loss in enumerate([0.5, 0.6, 0.4]):
        ...     checkpoint.on_epoch_end(epoch, {"loss": loss})
        saved 1.keras
        saved 3.keras
    """

    adds_to_logs = ()

    def __init__(
        self,
        filepath: str | PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._frequency = Frequency(save_freq, "ModelCheckpoint")
        self.accepts_chunks = not self._frequency.by_batch
        self._epoch = 0
        self._warned_of_values = False
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"The `filepath` of ModelCheckpoint must end in {' or '.join(endings)} with "
                f"save_weights_only={save_weights_only}; got {self.filepath!r}."
            )

    def check_before_training(self, known: list[str] | None = None) -> None:
        """Refuse names that this training does not measure, and a path that cannot be written."""
        if known is not None:
            if self._frequency.by_batch:  # validation comes after the last batch
                known = [name for name in known if not name.startswith("val_")]
            if self.save_best_only:
                super().check_before_training(known)
            self._check_names([*known, "epoch", *["batch"] * self._frequency.by_batch])
        literal = next(iter(string.Formatter().parse(self.filepath)))[0]
        if literal == self.filepath:
            check_file(Path(literal), "ModelCheckpoint")
        else:  # the part before what is filled in
            check_folder(Path(literal + "x").parent, "ModelCheckpoint")

    def _check_names(self, known: list[str]) -> None:
        for _, field, _, _ in string.Formatter().parse(self.filepath):
            name = None if field is None else field.partition(".")[0].partition("[")[0]
            if name is not None and name not in known:
                raise ValueError(
                    f"The `filepath` {self.filepath!r} of ModelCheckpoint names {{{name}}}, which "
                    f"cannot be filled in. {hint(name, known)}"
                )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save, where it is time by the number of batches."""
        if self._frequency.by_batch and self._frequency.is_due(batch):
            self._save(logs or {}, epoch=self._epoch + 1, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, where that is asked for each epoch."""
        if not self._frequency.by_batch:
            self._save(logs or {}, epoch=epoch + 1)

    def _save(self, logs: Logs, **numbers: int) -> None:
        logs = {name: to_number(value) for name, value in logs.items()}
        path = self._path({**logs, **numbers})
        begun = f"\nEpoch {numbers['epoch']}:"
        value = None
        if self.save_best_only:
            value = self.get_monitor_value(logs)
            if value is None or not self._is_good(value, logs):
                return
            if not self.is_improvement(value, self.best):
                self._say(f"{begun} {self.monitor} did not improve from {_shown(self.best)}")
                return
            begun += f" {self.monitor} improved from {_shown(self.best)} to {_shown(value)},"
        self._say(f"{begun} saving model to {path}")
        check_file(Path(path), "ModelCheckpoint")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)
        if value is not None:
            self.best = value
        self._say(f"\nEpoch {numbers['epoch']}: finished saving model to {path}")

    def _path(self, values: dict[str, Any]) -> str:
        try:
            return self.filepath.format(**values)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise type(error)(
                f"The `filepath` {self.filepath!r} of ModelCheckpoint cannot be filled in: "
                f"{error!r}. There are: {', '.join(values)}."
            ) from error

    def _is_good(self, value: float, logs: Logs) -> bool:
        """Whether the metric, the loss and the weights are finite; says so once where not."""
        weights = ((weight.path, weight.numpy()) for weight in self.model.weights)
        numbers = [(self.monitor, value), ("loss", logs.get("loss", 0.0))]
        bad = next((name for name, number in numbers if not math.isfinite(number)), None)
        if bad is None:
            bad = next((name for name, array in weights if not _is_finite(array)), None)
        if bad is not None and not self._warned_of_values:
            self._warned_of_values = True
            warnings.warn(
                f"ModelCheckpoint saves no model as the best one while {bad} is not finite; the "
                f"file has the last good one, if there was any. Let training stop there with "
                "TerminateOnNaN.",
                stacklevel=4,
            )
        return bad is None

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            say(text)

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "frequency": self._frequency.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self._frequency.set_state(state["frequency"])


def _is_finite(array: np.ndarray) -> bool:
    return array.dtype.kind in "biu" or bool(np.isfinite(array).all())


def _shown(value: float | None) -> str:
    return "None" if value is None else f"{value:.5f}"
