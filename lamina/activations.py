"""Activation functions, and finding them by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina import ops
from lamina.core import registry
from lamina.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from lamina.ops.row import Tensor, TensorLike

Activation = Callable[..., Any]
swish = silu
hard_swish = hard_silu


def linear(x: TensorLike) -> Tensor:
    """`x` itself."""
    return x


def exponential(x: TensorLike) -> Tensor:
    """e^x."""
    return ops.exp(x)


def mish(x: TensorLike) -> Tensor:
    """Self-regularized unit: x * tanh(softplus(x)).

    Reference:
        Misra, 2019, https://arxiv.org/abs/1908.08681
    """
    return x * ops.tanh(ops.softplus(x))


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """Gaussian error linear unit: x * Φ(x), Φ the normal distribution function.

    Args:
        x: a tensor of any shape.
        approximate: use the formula with tanh instead; see `lamina.ops.gelu`.

    Reference:
        Hendrycks and Gimpel, 2016, https://arxiv.org/abs/1606.08415
    """
    return ops.gelu(x, approximate=approximate)


def relu(
    x: TensorLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """Rectified linear unit: max(x, 0), with a leak, a ceiling and a threshold where asked.

    x where threshold <= x, at most max_value; negative_slope * (x - threshold) below.

    Args:
        x: a tensor of any shape.
        negative_slope: the slope below `threshold`.
        max_value: the largest value; None for no limit.
        threshold: where the unit begins to pass `x` on.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(relu([-2.0, 1.0, 9.0], max_value=6.0)).tolist()
        [0.0, 1.0, 6.0]
    """
    positive = ops.where(ops.greater(x, threshold), x, 0) if threshold else ops.relu(x)
    if max_value is not None:
        positive = ops.minimum(positive, max_value)
    if negative_slope:
        positive = positive - negative_slope * ops.relu(ops.subtract(threshold, x))
    return positive


_FUNCTIONS = (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
for _function in _FUNCTIONS:
    registry.enter("activations", _function)
registry.enter("activations", silu, "swish")
registry.enter("activations", hard_silu, "hard_swish")


def get(identifier: Any) -> Activation:
    """The activation that `identifier` names.

    Args:
        identifier: a name, a config, a function, a layer, or None for `linear`.

    Raises:
        ValueError: if there is no such activation.

    Example:
        >>> get("relu") is relu, get(None) is linear
        (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, dict) and str(identifier.get("module")).startswith("keras.layers"):
        return registry.revive("layers", identifier)  # type: ignore[no-any-return]
    return registry.identify("activations", identifier)  # type: ignore[no-any-return]


def serialize(activation: Activation) -> Any:
    """The name of an activation of ours; the config of a layer or of a function of one's own.

    Example:
        >>> serialize(relu)
        'relu'
    """
    return registry.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Activation:
    """The activation that `serialize` described; names in `custom_objects` are known."""
    with registry.CustomObjectScope(custom_objects):
        return get(config)
