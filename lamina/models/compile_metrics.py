"""The metrics of a model: those of each output, named after it where there are several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina import metrics
from lamina.models.outputs import Outputs, name_of, unique_name


class CompileMetrics(metrics.Metric):
    """What `compile(metrics=…, weighted_metrics=…)` says, held against the model's outputs.

    A program that goes through `model.metrics` sees one metric, whose result is a dictionary.

    Args:
        plain: metrics that ignore sample weights: names, functions or metrics; nested in a list
            or dictionary for several outputs.
        weighted: metrics that take sample weights.
        outputs: the outputs.
        split: splits targets into those of each output.
        y_true: targets, or symbolic tensors of their shapes: `'accuracy'` depends on them.
        y_pred: outputs, likewise.
    """

    def __init__(
        self,
        plain: Any,
        weighted: Any,
        outputs: Outputs,
        split: Callable[[Any], list[Any]],
        y_true: Any,
        y_pred: Any,
    ) -> None:
        super().__init__(name="compile_metrics")
        self.outputs, self.names, self._split = outputs, outputs.names, split
        targets = split(y_true)
        predictions = outputs.split(y_pred)
        self.entries: list[tuple[int, bool, str, Any]] = []
        for given, is_weighted in ((plain, False), (weighted, True)):
            for i, entry in enumerate(_for_outputs(given, outputs)):
                if targets[i] is None:
                    continue
                for one in entry if isinstance(entry, (list, tuple)) else [entry]:
                    metric = _metric(one, targets[i], predictions[i])
                    if metric is not None:
                        self.entries.append(
                            (i, is_weighted, self._key(i, is_weighted, metric), metric)
                        )

    def _key(self, i: int, is_weighted: bool, metric: Any) -> str:
        prefix = self.outputs.metric_prefixes[i]
        taken = {key for _, _, key, _ in self.entries}
        name = f"{prefix}{metric.name}"
        if is_weighted and name in taken:
            name = f"{prefix}weighted_{metric.name}"
        return unique_name(name, taken)

    @property
    def metrics(self) -> list[Any]:
        """The metrics, in order."""
        return [metric for _, _, _, metric in self.entries]

    @property
    def variables(self) -> list[Any]:
        """Those of all metrics, in order."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_state(self) -> None:
        """Start every metric anew."""
        for metric in self.metrics:
            metric.reset_state()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take one batch into every metric."""
        targets = self._split(y_true)
        outputs = self.outputs.split(y_pred)
        if not isinstance(sample_weight, (list, tuple, dict)):
            sample_weight = [sample_weight] * len(self.names)
        weights = self.outputs.each(sample_weight, "sample weights")
        for i, is_weighted, _, metric in self.entries:
            if targets[i] is None:
                continue
            if is_weighted:
                metric.update_state(targets[i], outputs[i], sample_weight=weights[i])
            else:
                metric.update_state(targets[i], outputs[i])

    def result(self) -> dict[str, Any]:
        """The value of every metric by the key that the history has it under."""
        found: dict[str, Any] = {}
        for _, _, key, metric in self.entries:
            found.update(named_result(key, metric))
        return found


def named_result(key: str, metric: Any) -> dict[str, Any]:
    """The value of a metric under `key`; several under the names that the metric gives them."""
    value = metric.result()
    return value if isinstance(value, dict) else {key: value}


def _for_outputs(given: Any, outputs: Outputs) -> list[Any]:
    """One entry for each output; a flat list belongs to the only output."""
    if given is None:
        return [None] * len(outputs.names)
    if len(outputs.names) == 1:
        # As in Keras, whatever the only output is called in a dictionary.
        given = list(given.values()) if isinstance(given, dict) else given
        only = given if isinstance(given, (list, tuple)) else [given]
        nested = len(only) == 1 and isinstance(only[0], (list, tuple))
        return [only[0] if nested else only]
    return outputs.each(given, "metrics")


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
        found = metrics.MeanMetricWrapper(found, name=name_of(found))
    if isinstance(given, str):  # the history has it under the name that the program gave it
        found.name = given
    return found
