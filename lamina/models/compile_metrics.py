"""The metrics of a model: those of each output, named after it where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import metrics
from lamina.models.outputs import per_output
from lamina.symbolic.tensor import leaves


class CompileMetrics:
    """What `compile(metrics=…, weighted_metrics=…)` says, held against the model's outputs.

    Args:
        plain: metrics that ignore sample weights: names, functions or metrics; nested in a list
            or dictionary for several outputs.
        weighted: metrics that take sample weights.
        names: the outputs.
        y_true: targets, or symbolic tensors of their shapes: `'accuracy'` depends on them.
        y_pred: outputs, likewise.
        loss: the losses of the outputs, which `'accuracy'` may depend on.
    """

    def __init__(
        self,
        plain: Any,
        weighted: Any,
        names: Sequence[str],
        y_true: Any,
        y_pred: Any,
    ) -> None:
        self.names = list(names)
        targets = per_output(y_true, names, "targets")
        outputs = leaves(y_pred)
        self.entries: list[tuple[int, bool, str, Any]] = []
        for given, is_weighted in ((plain, False), (weighted, True)):
            for i, entry in enumerate(_for_outputs(given, names)):
                for one in entry if isinstance(entry, (list, tuple)) else [entry]:
                    metric = _metric(one, targets[i], outputs[i])
                    if metric is not None:
                        self.entries.append(
                            (i, is_weighted, self._key(i, is_weighted, metric), metric)
                        )

    def _key(self, i: int, is_weighted: bool, metric: Any) -> str:
        name = f"{self.names[i]}_{metric.name}" if len(self.names) > 1 else metric.name
        taken = {key for _, _, key, _ in self.entries}
        if is_weighted and name in taken:
            name = f"weighted_{name}"
        count, unique = 1, name
        while unique in taken:
            unique, count = f"{name}_{count}", count + 1
        return unique

    @property
    def metrics(self) -> list[Any]:
        """The metrics, in order."""
        return [metric for _, _, _, metric in self.entries]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take one batch into every metric."""
        targets = per_output(y_true, self.names, "targets")
        outputs = leaves(y_pred)
        if not isinstance(sample_weight, (list, tuple, dict)):
            sample_weight = [sample_weight] * len(self.names)
        weights = per_output(sample_weight, self.names, "sample weights")
        for i, is_weighted, _, metric in self.entries:
            if targets[i] is None:
                continue
            if is_weighted:
                metric.update_state(targets[i], outputs[i], sample_weight=weights[i])
            else:
                metric.update_state(targets[i], outputs[i])

    def result(self) -> dict[str, Any]:
        """The value of every metric by the key that the history has it under."""
        return {key: metric.result() for _, _, key, metric in self.entries}


def _for_outputs(given: Any, names: Sequence[str]) -> list[Any]:
    """One entry for each output; a flat list belongs to the only output."""
    if given is None:
        return [None] * len(names)
    if len(names) == 1 and not isinstance(given, dict):
        only = given if isinstance(given, (list, tuple)) else [given]
        nested = len(only) == 1 and isinstance(only[0], (list, tuple))
        return [only[0] if nested else only]
    return per_output(given, names, "metrics")


_BY_SHAPE = {
    "accuracy": metrics.accuracy_for,
    "acc": metrics.accuracy_for,
    "crossentropy": metrics.crossentropy_for,
    "ce": metrics.crossentropy_for,
}


def _metric(given: Any, y_true: Any, y_pred: Any) -> Any:
    if given is None or isinstance(given, metrics.Metric):
        return given
    if isinstance(given, str) and given.lower() in _BY_SHAPE:
        return _BY_SHAPE[given.lower()](y_true.shape, y_pred.shape)(name=given)  # type: ignore[call-arg]
    found = metrics.get(given)
    if not isinstance(found, metrics.Metric):
        found = metrics.MeanMetricWrapper(found, name=getattr(found, "__name__", "metric"))
    if isinstance(given, str):  # the history has it under the name that the program gave it
        found.name = given
    return found
