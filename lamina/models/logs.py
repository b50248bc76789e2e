"""The logs of batches and epochs, as callbacks and programs get them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.symbolic.tensor import map_leaves


def numbers(logs: Any) -> dict[str, Any]:
    """Logs as Python numbers, in the order of their names as Keras's history has them."""
    found = {}
    for name in sorted(logs or {}):
        # A float is of the batch that a resumed epoch went on after, or of a step of the user's.
        value = logs[name] if isinstance(logs[name], float) else ops.convert_to_numpy(logs[name])
        found[name] = float(value) if np.ndim(value) == 0 else value
    return found


def leveled(logs: Any) -> Any:
    """Logs without dictionaries in them, as a step has that takes the result of each metric."""
    if not isinstance(logs, dict) or not any(isinstance(one, dict) for one in logs.values()):
        return logs
    found: dict[str, Any] = {}
    for name, one in logs.items():
        found.update(leveled(one) if isinstance(one, dict) else {name: one})
    return found


def plain_logs(logs: dict[str, Any]) -> dict[str, Any]:
    """Logs of a batch as Keras gives them to callbacks: arrays of outputs, numbers of the rest."""
    if "outputs" in logs:
        return {"outputs": map_leaves(ops.convert_to_numpy, logs["outputs"])}
    return numbers(logs)
