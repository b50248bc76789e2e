"""Metrics by name and by config, and what "accuracy" means for a model's output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.core import registry
from lamina.losses.formula import describe_function
from lamina.metrics import accuracy, of_losses
from lamina.metrics.mean import MeanMetricWrapper
from lamina.metrics.metric import Metric

Shape = Sequence[int | None]


def get(identifier: Any) -> Any:
    """A metric from its name, config or class; metrics, functions and None as they are.

    Args:
        identifier: what names the metric.

    Raises:
        ValueError: if there is no such metric.

    Example:
        >>> get("mse").name, get("BinaryAccuracy").name
        ('mean_squared_error', 'binary_accuracy')
    """
    return registry.identify("metrics", identifier)


def serialize(metric: Any) -> Any:
    """A metric or function as plain data.

    Args:
        metric: the metric or function.

    Example:
        >>> serialize(get("MeanSquaredError"))["class_name"]
        'MeanSquaredError'
    """
    return registry.serialize(metric) if isinstance(metric, Metric) else describe_function(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The metric that `serialize` described, or the one of that name.

    Args:
        config: a config or a name.
        custom_objects: classes and functions of one's own, by name.

    Example:
        >>> deserialize(serialize(get("MeanSquaredError"))).name
        'mean_squared_error'
    """
    with registry.CustomObjectScope(custom_objects):
        return get(config)


def accuracy_for(y_true_shape: Shape, y_pred_shape: Shape) -> type[MeanMetricWrapper]:
    """The metric that `"accuracy"` or `"acc"` means for targets and predictions of these shapes.

    Example:
        >>> accuracy_for((32,), (32, 10)).__name__
        'SparseCategoricalAccuracy'
    """
    return {
        "binary": accuracy.BinaryAccuracy,
        "sparse": accuracy.SparseCategoricalAccuracy,
        "categorical": accuracy.CategoricalAccuracy,
    }[_kind(y_true_shape, y_pred_shape)]


def crossentropy_for(y_true_shape: Shape, y_pred_shape: Shape) -> type[MeanMetricWrapper]:
    """The metric that `"crossentropy"` or `"ce"` means for targets and predictions of these shapes.

    Example:
        >>> crossentropy_for((32, 1), (32, 1)).__name__
        'BinaryCrossentropy'
    """
    return {
        "binary": of_losses.BinaryCrossentropy,
        "sparse": of_losses.SparseCategoricalCrossentropy,
        "categorical": of_losses.CategoricalCrossentropy,
    }[_kind(y_true_shape, y_pred_shape)]


def _kind(y_true_shape: Shape, y_pred_shape: Shape) -> str:
    if y_pred_shape[-1] == 1:
        return "binary"
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return "sparse"
    return "categorical"
