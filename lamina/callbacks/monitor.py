"""What callbacks that watch one metric have in common."""

import difflib
import math
import re
import warnings
from typing import Any

from lamina.callbacks.callback import Callback, Logs, to_number

_HIGHER = re.compile(
    r"acc|accuracy|auc|precision|recall|f1|fbeta|iou|dice|r2|sensitivity|specificity|similarity"
)
_LOWER = re.compile(
    r"loss|error|mae|mse|mape|msle|rmse|perplexity|crossentropy|divergence|hinge|poisson|logcosh"
)


class MonitorCallback(Callback):
    """A callback that acts on whether a metric got better.

    Args:
        monitor: name of the metric in the logs.
        mode: "min", "max", or "auto" to tell from the metric.
        min_delta: the least change that counts as better; its sign does not matter.

    Attributes:
        best: the best value so far, or None.
    """

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode {mode!r} is unknown; taking 'auto'. The modes are "
                "'auto', 'min' and 'max'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._warned = False

    def check_before_training(self, known: list[str] | None = None) -> None:
        """Refuse a monitored name that is not among the metrics that training will have.

        What only lacks data to validate on is no mistake: a warning says so after an epoch.
        """
        names = (self.monitor, self.monitor.removeprefix("val_"))
        if known is not None and not any(name in known for name in names):
            raise ValueError(
                f"{type(self).__name__} monitors {self.monitor!r}, which this training does not "
                f"measure. {hint(self.monitor, known)}"
            )

    def get_monitor_value(self, logs: Logs | None) -> float | None:
        """Return the metric's value, or None, with one warning, where the logs lack it."""
        value: float | None = to_number((logs or {}).get(self.monitor))
        if value is None and not self._warned:
            self._warned = True
            warnings.warn(
                f"{type(self).__name__} monitors {self.monitor!r}, which is not available. "
                f"{hint(self.monitor, list(logs or {}))}",
                stacklevel=3,
            )
        return value

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether `value` beats `reference` by more than `min_delta`; NaN never does."""
        if math.isnan(value):
            return False
        if reference is None:
            return True
        if self._higher_is_better():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _higher_is_better(self) -> bool:
        if self.mode == "auto":
            self.mode = self._find_mode()
        return self.mode == "max"

    def _find_mode(self) -> str:
        name = self.monitor.removeprefix("val_")
        for metric in _metrics_of(self.model):
            direction = getattr(metric, "_direction", None)
            if getattr(metric, "name", None) == name and direction in ("up", "down"):
                return "max" if direction == "up" else "min"
        if _LOWER.search(name):
            return "min"
        if _HIGHER.search(name):
            return "max"
        raise ValueError(
            f"{type(self).__name__} cannot tell whether {self.monitor!r} is better when higher or "
            "lower. Pass `mode='max'` or `mode='min'`."
        )


def _metrics_of(model: Any) -> list[Any]:
    """The model's metrics, those of a metric that stands for several included."""
    found: list[Any] = []
    waiting = list(getattr(model, "metrics", None) or [])
    while waiting:
        metric = waiting.pop()
        found.append(metric)
        waiting += getattr(metric, "metrics", None) or []
    return found


def hint(name: str, known: list[str]) -> str:
    """What was meant, perhaps, and what there is."""
    close = difflib.get_close_matches(name, known, n=1)
    guess = f"Did you mean {close[0]!r}? " if close else ""
    return f"{guess}Available metrics: {', '.join(sorted(known)) or 'none'}."
