"""What training measured, epoch by epoch."""

from typing import Any

from lamina.callbacks.callback import Callback, Logs, to_number


class History(Callback):
    """Record of the logs of every epoch; `fit` returns it.

    Attributes:
        epoch: numbers of the epochs, from 0.
        history: for each metric, its values, one per epoch.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.6})
        >>> history.history
        {'loss': [0.5], 'val_loss': [0.6]}
    """

    adds_to_logs = ()
    state_attributes = ("epoch", "history", "_epochs_of")

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}
        self._epochs_of: dict[str, list[int]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin a new list of epochs, as the `history` of the model."""
        self.epoch = []
        self._epochs_of = {}
        if self.model is not None:
            self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the logs of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(to_number(value))
            self._epochs_of.setdefault(name, []).append(epoch)

    def plot(self, metrics: list[str] | None = None) -> Any:
        """Draw each metric over the epochs, its training and validation lines in one subplot.

        Args:
            metrics: names of the metrics to draw, without `val_`; None for all.

        Returns:
            The `matplotlib.figure.Figure`, which a notebook shows; `.savefig(path)` saves it.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: there is nothing to draw, or a metric is unknown.
        """
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        known = list(dict.fromkeys(name.removeprefix("val_") for name in self.history))
        names = known if metrics is None else metrics
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise ValueError(
                f"No metric to draw: asked for {names or 'all'}; the history has {known or 'none'}."
            )
        figure = Figure(figsize=(6.4, 3.0 * len(names)), layout="constrained")
        axes = figure.subplots(len(names), 1, squeeze=False)[:, 0]
        for axis, name in zip(axes, names, strict=True):
            for key, label in ((name, "training"), (f"val_{name}", "validation")):
                if key in self.history:
                    axis.plot(*self._line(key), marker=".", label=label)
            axis.set(ylabel=name)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.grid(alpha=0.3)
            axis.legend()
        axes[-1].set_xlabel("epoch")
        return figure

    def _line(self, key: str) -> tuple[list[int], list[Any]]:
        """Epochs, counted from 1 as the progress bar does, and the metric's values."""
        values = self.history[key]
        epochs = self._epochs_of.get(key, [])
        if len(epochs) != len(values):  # the values of several calls of `fit` follow one another
            epochs = list(range(len(values)))
        return [epoch + 1 for epoch in epochs], values
