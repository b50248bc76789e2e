"""One call of `fit`: where it stands, taken out whole and put back."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from lamina import ops
from lamina.backend import current
from lamina.callbacks import BackupAndRestore, CallbackList
from lamina.core import seeds
from lamina.core.variable import Variable
from lamina.data import Source
from lamina.models.fingerprint import fingerprint, first_difference


class TrainingRun:
    """Where a call of `fit` stands, and all that it depends on.

    Args:
        model: the model, all of its variables made.
        source: the data to train on.
        validation: the data to validate on, or None.
        told: the callbacks. A `BackupAndRestore` among them has the state written, and restored.
        epoch: the epoch to begin with.
        exact: whether to refuse what cannot be resumed with the same numbers, instead of warning.

    Attributes:
        epoch: the epoch that is running, or the next one.
        batch: how many batches of it have been run.
        logs: what the last batch or epoch measured.
        over: whether an epoch has ended in which training was told to stop.
        seed: what the shuffling of each epoch is seeded with, beside its number.
    """

    def __init__(
        self,
        model: Any,
        source: Source,
        validation: Source | None,
        told: CallbackList,
        epoch: int,
        exact: bool = False,
    ) -> None:
        self.epoch, self.batch, self.seed = epoch, 0, seeds.make_default_seed()
        self.logs: dict[str, Any] = {}
        self.over = False
        self._model = model
        self._sources = {"x": source, "validation_data": validation}
        self._told = told
        self._exact = exact
        self._backups = [one for one in told if isinstance(one, BackupAndRestore)]
        self._found: Any = None
        self._other_data: str | None = None

    # Going on from a backup -----------------------------------------------------------------

    def look_for_backup(self) -> None:
        """Read the backup there is, and refuse one of another training; changes nothing.

        Raises:
            ValueError: names the first difference, or what cannot be resumed exactly.
        """
        if not self._backups:
            return
        for name, source in self._sources.items():
            reason = None if source is None else source.inexact() if self._exact else None
            if reason is not None:
                raise ValueError(
                    f"fit(resume=…) cannot promise an exact resume with `{name}`: {reason}. Pass "
                    "arrays, a PyDataset, or data with `get_state()` and `set_state(state)`; or "
                    "use the callback BackupAndRestore, which takes the data as it comes. Nothing "
                    "was changed."
                )
        for backup in self._backups:
            self._found = self._found or backup.read()
        if self._found is not None:
            self._check(self._found)

    def begin(self) -> None:
        """Go on where the backup stands, if one was found."""
        if self._found is not None:
            self.set_state(self._found)
            self._warn_of_data()
            if not self.batch:
                self._found = None

    def rejoin(self) -> None:
        """Put all back once more where an epoch goes on that has been begun a second time."""
        if self._found is not None:
            self.set_state(self._found)
            self._found = None

    def _check(self, state: dict[str, Any]) -> None:
        own = fingerprint(self._model)
        difference = self._first_difference(state, own)
        if difference is not None:
            raise ValueError(
                f"The backup in {str(self._backups[0].backup_dir)!r} is of another training: "
                f"{difference}. Train with what the backup was made with, or name another folder, "
                "or remove the backup to start anew. Nothing was changed."
            )

    def _first_difference(self, state: dict[str, Any], own: dict[str, Any]) -> str | None:
        found = dict(state["fingerprint"])
        optimizer = self._model.optimizer
        more = len(found["optimizer variables"]) > len(own["optimizer variables"])
        if optimizer is not None and found["optimizer"] == own["optimizer"] and more:
            optimizer.build(self._model.trainable_variables)
            own = fingerprint(self._model)
        difference = first_difference(found, own)
        if difference is not None:
            return difference
        data = {name: _described(source, self._exact) for name, source in self._sources.items()}
        for name, one in data.items():
            saved = state["data"][name]
            if not self._exact and saved is not None:
                saved = {key: value for key, value in saved.items() if key != "first"}
            if saved != one:
                difference = f"`{name}` was {_listed(saved)}, here {_listed(one)}"
                if self._exact or state["batch"]:
                    return difference
                self._other_data = self._other_data or difference
        if not self._exact:
            return None
        if state["backend"] != current().name:
            return f"it was made on the backend {state['backend']!r}, here {current().name!r}"
        names = self._told.state_names()
        lacking = [name for name in state["callback_names"] if name not in names]
        if lacking:
            return f"it has the state of the callback {lacking[0]}, which is not among those here"
        new = [name for name in names if name not in state["callback_names"]]
        return f"it has no state of the callback {new[0]}, which is here" if new else None

    def _warn_of_data(self) -> None:
        if self._exact:
            return
        if self._other_data is not None:
            warnings.warn(
                "The resumed training has other data than before, and takes it from its "
                f"beginning: {self._other_data}.",
                stacklevel=3,
            )
        for name, source in self._sources.items():
            reason = None if source is None else source.inexact()
            if reason is not None:
                warnings.warn(
                    f"The resumed training may see other batches of `{name}` than it would have "
                    f"seen: {reason}. Pass arrays, a PyDataset, or data with `get_state()` and "
                    "`set_state(state)`.",
                    stacklevel=3,
                )

    # Backing up -----------------------------------------------------------------------------

    def batch_done(self, batch: int, logs: dict[str, Any], pending: int) -> None:
        """So many batches of the epoch are done, and callbacks were told of the last one."""
        self.batch, self.logs = batch, logs
        if not pending:
            self._back_up()

    def epoch_done(self, logs: dict[str, Any]) -> None:
        """The epoch is done, and callbacks were told."""
        self.epoch, self.batch, self.logs = self.epoch + 1, 0, logs
        self.over = bool(self._model.stop_training)
        self._back_up()

    def finish(self) -> None:
        """Training ended without an error, and callbacks were told."""
        for backup in self._backups:
            backup.finish()

    def close(self) -> None:
        """Training ended, with or without an error."""
        for backup in self._backups:
            backup.close()

    def _back_up(self) -> None:
        due = [backup for backup in self._backups if backup.is_due()]
        if due:
            state = self.get_state()
            for backup in due:
                backup.write(state)

    # The state ------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """All that the rest of the training depends on, as plain data and arrays."""
        model, optimizer = self._model, self._model.optimizer
        return {
            "fingerprint": fingerprint(model),
            "backend": current().name,
            "epoch": self.epoch,
            "batch": self.batch,
            "seed": self.seed,
            "logs": {name: _plain(value) for name, value in self.logs.items()},
            "stop_training": bool(model.stop_training),
            "trainable": {
                "layers": [bool(layer.trainable) for layer in model._flatten_layers()],
                "variables": [variable.trainable for variable in model._kept_variables],
            },
            "variables": _values(model._kept_variables),
            "optimizer": [] if optimizer is None else _values(optimizer.variables),
            "optimizer_own": None if optimizer is None else optimizer.get_own_state(),
            "metrics": _values(model.metrics_variables),
            "random": seeds.get_random_state(),
            "data": {name: _described(one, True) for name, one in self._sources.items()},
            "positions": {
                name: None if one is None else one.get_state()
                for name, one in self._sources.items()
            },
            "callbacks": self._told.get_state(),
            "callback_names": self._told.state_names(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Put back what `get_state` of an equal run gave."""
        model, optimizer = self._model, self._model.optimizer
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.seed, self.logs = state["seed"], dict(state["logs"])
        model.stop_training = state["stop_training"]
        self.over = model.stop_training and not self.batch
        _assign(model._kept_variables, state["variables"])
        flags = [*state["trainable"]["layers"], *state["trainable"]["variables"]]
        freeze(zip([*model._flatten_layers(), *model._kept_variables], flags, strict=True))
        if optimizer is not None:
            _assign(optimizer.variables, state["optimizer"])
            optimizer.set_own_state(state["optimizer_own"])
        _assign(model.metrics_variables, state["metrics"])
        for name, source in self._sources.items():
            if source is not None and self._other_data is None:
                source.set_state(state["positions"][name])
        self._told.set_state(state["callbacks"])
        seeds.set_random_state(state["random"])


def freeze(flags: Iterable[tuple[Any, bool]]) -> None:
    """Set whether each of some layers, the outer ones first, and then of variables is trained."""
    for one, flag in flags:
        # A layer sets those inside it, which then have a word of their own.
        if one.trainable != flag:
            one.trainable = flag


def _values(variables: Iterable[Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Iterable[Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float, list, tuple, dict)):
        return value
    array = ops.convert_to_numpy(value)
    return float(array) if array.ndim == 0 else array


def _described(source: Source | None, exact: bool) -> dict[str, Any] | None:
    if source is None:
        return None
    return {key: one for key, one in source.describe().items() if exact or key != "first"}


def _listed(description: dict[str, Any] | None) -> str:
    if description is None:
        return "not given"
    return ", ".join(f"{key}={value!r:.40}" for key, value in description.items())
