"""Writing the logs of each epoch to a table."""

import csv
import warnings
from os import PathLike
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from lamina.callbacks.callback import Callback, Logs, to_number
from lamina.callbacks.paths import check_file


class CSVLogger(Callback):
    """Write the logs of every epoch as a row of a CSV file, at once.

    Args:
        filename: the file.
        separator: what stands between the values of a row.
        append: go on in an existing file instead of writing it anew; its columns stay.

    Columns are those of the first epoch; what an epoch lacks is `NA`.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
        >>> logger = CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.6})
        >>> logger.on_train_end()
        >>> path.read_text().split()
        ['epoch,loss,val_loss', '0,0.5,0.6']
    """

    adds_to_logs = ()

    def __init__(
        self, filename: str | PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = Path(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] | None = None
        self._file: TextIO | None = None
        self._training = False

    def check_before_training(self, known: list[str] | None = None) -> None:
        check_file(self.filename, "CSVLogger")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin; the file is opened with the first epoch, so that a resumed run finds its rows."""
        self._training, self._columns = True, None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Open the file."""
        self._open()

    def _open(self) -> None:
        if self._file is not None or not self._training:
            return
        if self.append and self.filename.exists():
            with self.filename.open(newline="") as file:
                self._columns = next(csv.reader(file, delimiter=self.separator), None)
        self._file = self.filename.open("a" if self.append else "w", newline="")

    def get_state(self) -> dict[str, Any]:
        size = self._file.tell() if self._file is not None else 0
        return {"columns": self._columns, "bytes": size}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on after the rows of the epochs that were backed up; later ones are dropped."""
        if not state["columns"]:
            return
        there = self.filename.stat().st_size if self.filename.exists() else 0
        if there < state["bytes"]:
            warnings.warn(
                f"CSVLogger does not find the rows of the resumed training in "
                f"{str(self.filename)!r}, and begins the file anew.",
                stacklevel=2,
            )
            return
        self._columns = state["columns"]
        if self._file is None:
            self._file = self.filename.open("r+", newline="")
        self._file.seek(state["bytes"])
        self._file.truncate()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's row."""
        self._open()
        if self._file is None:
            raise RuntimeError(f"CSVLogger of {self.filename} is not open: training has not begun.")
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.separator)
        if self._columns is None:
            self._columns = ["epoch", *_columns(logs)]
            writer.writerow(self._columns)
        row = {"epoch": epoch, **{name: _cell(value) for name, value in logs.items()}}
        writer.writerow([row.get(name, "NA") for name in self._columns])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._open()
        self._training = False
        if self._file is not None:
            self._file.close()
            self._file = None


def _columns(logs: Logs) -> list[str]:
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        # Validation may come in a later epoch (`validation_freq`): its columns must be there.
        names += [f"val_{name}" for name in names]
    return names


def _cell(value: Any) -> Any:
    value = to_number(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return f'"[{", ".join(map(str, value))}]"'
    return value
