"""Training that goes on where it was cut off."""

from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lamina.callbacks.callback import Callback, Logs
from lamina.callbacks.frequency import Frequency
from lamina.callbacks.paths import check_folder
from lamina.saving.generations import Generations


class BackupAndRestore(Callback):
    """Back up the state of training in a folder, and go on from there in the next run.

    A backup holds all that training depends on: weights and random states, the optimizer, metrics,
    the random states of Lamina, Python and NumPy, the place in the data and the order of its
    shuffling, the history, and what callbacks keep (`Callback.get_state`). A program that was cut
    off, and is run again as it is, goes on with the next epoch or batch, and ends with the numbers
    that it would have had. What the data must be like for that, `fit(resume=…)` says, which insists
    on it where this callback warns.

    Each backup is complete before the one before it but one is removed: whenever the program or
    the machine stops, there is one to go on from, and a damaged one is passed over. They are
    removed when `fit` ends without an error.

    Args:
        backup_dir: the folder, for this training alone.
        save_freq: "epoch" for a backup at the end of each epoch, after all callbacks, or the number
            of batches from one to the next. Where several batches are run as one, the next moment
            at which they are done.
        double_checkpoint: kept for Keras's sake: two backups are always kept.
        delete_checkpoint: whether to remove the backups when `fit` ends without an error. The
            folder too, if nothing else is in it.

    Raises:
        ValueError: an argument is out of range; as `fit` starts, that the backup is of another
            model or of another training, and what the first difference is.
        OSError: as `fit` starts, that the folder cannot be written to, and why.

    Differs from Keras: the history is that of the whole training; a run that was cut off within an
    epoch goes on in the middle of it, and trains on no batch twice.

    Example:
        >>> import tempfile, lamina
        >>> x, folder = lamina.ops.ones((8, 1)), tempfile.mkdtemp()
        >>> def run(*callbacks):
        ...     model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     backup = BackupAndRestore(folder)
        ...     return model.fit(x, x, epochs=3, verbose=0, callbacks=[backup, *callbacks])
        >>> class Stop(Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         assert epoch < 2, "cut off"
        >>> run(Stop())
        Traceback (most recent call last):
        AssertionError: cut off
        >>> len(run().history["loss"])
        3
    """

    accepts_chunks = True
    adds_to_logs = ()

    def __init__(
        self,
        backup_dir: str | PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not fspath(backup_dir):
            raise ValueError("`backup_dir` of BackupAndRestore is empty: name a folder.")
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._frequency = Frequency(save_freq, "BackupAndRestore")
        self._generations = Generations(self.backup_dir)
        self._due = False

    def check_before_training(self, known: list[str] | None = None) -> None:
        check_folder(self.backup_dir, "BackupAndRestore")

    def read(self) -> Any:
        """The state to go on from, or None."""
        return self._generations.read()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Keep other trainings out of the folder."""
        self._due = False
        self._frequency = Frequency(self.save_freq, "BackupAndRestore")
        self._generations.hold()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count batches."""
        if self._frequency.by_batch and self._frequency.is_due(batch):
            self._due = True

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """A backup is due, after the other callbacks."""
        self._due = True

    def is_due(self) -> bool:
        """Whether a backup is to be made at the next moment at which that can be done."""
        return self._due

    def write(self, state: Any) -> None:
        """Back up a state of training."""
        self._due = False
        self._generations.write(state)

    def finish(self) -> None:
        """Remove the backups of a training that ended without an error."""
        if self.delete_checkpoint:
            self._generations.remove()

    def close(self) -> None:
        """Let others have the folder."""
        self._generations.release()

    def get_state(self) -> dict[str, Any]:
        return self._frequency.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        self._frequency.set_state(state)
