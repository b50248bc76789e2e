"""What a model was asked in a `train_step` written for Keras 2, and still answers."""

from __future__ import annotations

import warnings
from typing import Any


class OlderNames:
    """The part of a model that has Keras 2's names for the compiled loss and metrics."""

    compute_loss: Any

    def compiled_loss(
        self, y: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> Any:
        """`compute_loss`, which has what layers add, so `regularization_losses` are not needed."""
        _tell("compiled_loss(y, y_pred)", "compute_loss(x, y, y_pred, sample_weight)")
        return self.compute_loss(None, y, y_pred, sample_weight)

    @property
    def compiled_metrics(self) -> _CompiledMetrics:
        """What takes a batch into the compiled metrics: `compiled_metrics.update_state`."""
        _tell("compiled_metrics", "compute_metrics(x, y, y_pred, sample_weight)")
        return _CompiledMetrics(self)


class _CompiledMetrics:
    def __init__(self, model: Any) -> None:
        self._model = model

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._model.compute_metrics(None, y, y_pred, sample_weight)


def _tell(old: str, new: str) -> None:
    warnings.warn(
        f"`model.{old}` is deprecated: call `model.{new}`.", DeprecationWarning, stacklevel=3
    )
