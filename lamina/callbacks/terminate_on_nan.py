"""Stopping at a loss that is not finite."""

import math
from typing import ClassVar

from lamina.callbacks.callback import Callback, Logs, to_number
from lamina.core.messages import say


class TerminateOnNaN(Callback):
    """Stop training at the first batch whose loss is NaN or infinite.

    The weights stay what they were before that batch.

    Args:
        raise_error: raise instead of stopping quietly.

    Raises:
        RuntimeError: with `raise_error`, at such a batch.

    Example:
        >>> from types import SimpleNamespace
        >>> guard = TerminateOnNaN()
        >>> guard.set_model(SimpleNamespace(stop_training=False))
        >>> guard.on_train_batch_end(3, {"loss": float("nan")})
        Batch 3: Invalid loss, terminating training
        >>> guard.model.stop_training
        True
    """

    # Tells the trainer to take back a step whose loss is not finite.
    keeps_finite_weights: ClassVar[bool] = True

    adds_to_logs = ()

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the loss."""
        loss = to_number((logs or {}).get("loss"))
        if loss is None or math.isfinite(loss):
            return
        self.model.stop_training = True
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. "
                "Terminating training immediately."
            )
        say(f"Batch {batch}: Invalid loss, terminating training")
