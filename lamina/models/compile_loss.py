"""The loss of a model: one for each output, weighted and added up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lamina import losses, ops
from lamina.metrics import Mean
from lamina.models.outputs import Outputs, name_of, unique_name
from lamina.symbolic.tensor import leaves


class CompileLoss:
    """What `compile(loss=…, loss_weights=…)` says, held against the outputs of the model.

    Args:
        loss: a name, function or loss for a single output; a list or dictionary for several.
        loss_weights: a number, list or dictionary likewise.
        outputs: the outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any, outputs: Outputs) -> None:
        names = outputs.names
        if len(names) > 1 and not isinstance(loss, (list, tuple, dict)):
            loss = [loss] * len(names)
            if isinstance(loss_weights, (list, tuple)) and len(loss_weights) == 1:
                (loss_weights,) = loss_weights  # as many as there were losses
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, dict)):
            loss_weights = [loss_weights] * len(names)
        if isinstance(loss_weights, dict) and not outputs.paths:
            loss_weights = {name: loss_weights.get(name, 1.0) for name in names}
        self.outputs, self.names = outputs, names
        given = outputs.each(loss, "losses")
        self.losses = [_loss(one) for one in given]
        weights = outputs.each(loss_weights, "loss_weights")
        self.weights = [1.0 if weight is None else _number(weight) for weight in weights]
        self.trackers: dict[int, Mean] = {}
        if sum(one is not None for one in self.losses) > 1:
            told = isinstance(loss, dict) and outputs.by_key
            self._track(given, map(names.index, loss) if told else range(len(names)))

    def _track(self, given: list[Any], order: Iterable[int]) -> None:
        """Keep a mean of each loss, under the name of its output, or its own for one without."""
        taken: list[str] = []
        for i in order:
            loss = self.losses[i]
            if loss is None:
                continue
            own = f"{given[i] if isinstance(given[i], str) else loss.name}_"
            taken.append(unique_name(f"{self.outputs.prefixes[i] or own}loss", taken))
            self.trackers[i] = Mean(name=taken[-1])

    @property
    def metrics(self) -> list[Any]:
        """The means of the single outputs' losses; none for a single output."""
        return list(self.trackers.values())

    def targets(self, y_true: Any) -> list[Any]:
        """The targets of each output; those by themselves are of the only output with a loss."""
        having = [i for i, loss in enumerate(self.losses) if loss is not None]
        given = [] if isinstance(y_true, dict) else leaves([y_true])
        if len(self.names) > 1 and len(having) == len(given) == 1:
            return [given[0] if i in having else None for i in range(len(self.names))]
        return self.outputs.each(_as_structure(y_true, self.names), "targets")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of the outputs' losses, a scalar."""
        predictions = self.outputs.split(y_pred)
        targets = self.targets(y_true)
        given = sample_weight
        if not isinstance(given, (list, tuple, dict)):
            given = [given] * len(self.names)
        weights = self.outputs.each(given, "sample weights")
        total: Any = None
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            if targets[i] is None:
                raise ValueError(
                    f"Output {self.names[i]!r} of the model has a loss, and there are no targets "
                    "for it: give them, or None for its loss."
                )
            value = loss(targets[i], predictions[i], weights[i])
            if i in self.trackers:
                rows = ops.shape(leaves(predictions[i])[0])[0]
                self.trackers[i].add_mean(value, rows)
            value = value * self.weights[i] if self.weights[i] != 1.0 else value
            total = value if total is None else total + value
        return total


def _as_structure(y_true: Any, names: Sequence[str]) -> Any:
    """Targets of one output may come in a list of one or by themselves."""
    if isinstance(y_true, dict) and len(names) == 1 and names[0] not in y_true and len(y_true) == 1:
        return next(iter(y_true.values()))
    return y_true


def _number(weight: Any) -> float:
    if isinstance(weight, (str, bool)) or not isinstance(weight, (int, float, np.number)):
        raise ValueError(
            f"loss_weights holds numbers, and was given {weight!r}. The third argument of compile "
            "is loss_weights; pass metrics by name: metrics=[…]."
        )
    return float(weight)


def _loss(loss: Any) -> Any:
    if loss is None or isinstance(loss, losses.Loss):
        return loss
    found = losses.get(loss)
    if isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=name_of(found))
