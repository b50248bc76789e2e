"""The base class of callbacks, and which of them want to hear of each batch."""

from typing import Any, ClassVar

Logs = dict[str, Any]

_BATCH_HOOKS = {
    "train": ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class Callback:
    """Code that `fit`, `evaluate` and `predict` call at set moments.

    Subclass it and override the hooks you need. The dictionary `logs` holds the metrics known at
    that moment; what a hook of an epoch's end adds to it reaches the callbacks after it and the
    history. Set `self.model.stop_training = True` to end training.

    Attributes:
        model: the model at work.
        params: `{"verbose": …, "epochs": …, "steps": …}` of the call.
        accepts_chunks: True for a callback that is content to hear of the last of several batches
            that were run as one, instead of each batch.
        state_attributes: names of the attributes that a backup of the training keeps: plain data
            and arrays.
        adds_to_logs: the names that `on_epoch_end` adds to the logs; None where that is not known.

    Example:
        >>> class Report(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs)
        >>> Report().on_epoch_end(0, {"loss": 0.5})
        0 {'loss': 0.5}
    """

    params: dict[str, Any] | None = None
    accepts_chunks = False
    state_attributes: ClassVar[tuple[str, ...]] = ()
    adds_to_logs: ClassVar[tuple[str, ...] | None] = None
    _model: Any = None

    def __init__(self) -> None:
        self.params = None
        self._model = None

    @property
    def model(self) -> Any:
        """The model at work."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the parameters of the call of `fit`, `evaluate` or `predict`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model at work."""
        self._model = model

    def check_before_training(self, known: list[str] | None = None) -> None:
        """Refuse what is known not to work, before training starts; nothing, unless overridden.

        Args:
            known: the names that the logs of an epoch will have; None where that cannot be told.
        """

    def get_state(self) -> dict[str, Any]:
        """What the callback has come to know, as plain data and arrays, for a backup.

        The attributes named in `state_attributes`, unless overridden.
        """
        return {name: getattr(self, name) for name in self.state_attributes}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` told in the run that this one resumes.

        Called after `on_train_begin`, and once more after `on_epoch_begin` where the run goes on in
        the middle of an epoch. With `state_attributes`, they are set.
        """
        for name, value in state.items():
            setattr(self, name, value)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin epoch `epoch`, counted from 0, of training."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """End an epoch of training; `logs` holds its metrics and, as `val_…`, the validation's."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Begin batch `batch`, counted from 0, of an epoch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End a batch of training; `logs` holds the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Begin a batch of `evaluate`, or of validation in `fit`."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End a batch of `evaluate`, or of validation in `fit`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Begin a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End a batch of `predict`; `logs["outputs"]` holds its outputs."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin training."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """End training, also where an exception ended it; `logs` is the last epoch's."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin `evaluate`, or validation in `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """End `evaluate`, or validation in `fit`."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Begin `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """End `predict`."""


def wants_batches(callback: Callback, phase: str = "train") -> bool:
    """Whether `callback` must be told of each batch, so that batches cannot be run as one.

    Args:
        callback: the callback.
        phase: "train", "test" or "predict".

    Example:
        >>> wants_batches(Callback())
        False
    """
    return not callback.accepts_chunks and hears_batches(callback, phase)


def hears_batches(callback: Callback, phase: str) -> bool:
    """Whether `callback` does anything at a batch of "train", "test" or "predict"."""
    return any(overrides(callback, hook) for hook in _BATCH_HOOKS[phase])


def overrides(callback: Callback, hook: str) -> bool:
    """Whether `callback` has a hook of its own, by its class or by assignment."""
    method = getattr(callback, hook)
    return getattr(method, "__func__", method) is not getattr(Callback, hook)


def to_number(value: Any) -> Any:
    """A Python number for a scalar of any framework; text and longer arrays are left alone."""
    if value is None or isinstance(value, (bool, int, float, str, list, tuple, dict)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
