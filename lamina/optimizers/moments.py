"""The running means that Adam and its relatives keep."""

from __future__ import annotations

from lamina import ops
from lamina.ops.maps import lerp
from lamina.ops.row import Tensor
from lamina.optimizers.optimizer import Slots


def moments(gradient: Tensor, slots: Slots, beta_1: float, beta_2: float) -> dict[str, Tensor]:
    """The new slots `momentum` and `velocity`: the means of gradients and of their squares.

    m = beta_1 * m + (1 - beta_1) * g, and v = beta_2 * v + (1 - beta_2) * g².
    """
    return {
        "momentum": lerp(slots["momentum"], gradient, 1 - beta_1),
        "velocity": lerp(slots["velocity"], ops.square(gradient), 1 - beta_2),
    }


def bias_correction(beta_1: float, beta_2: float, step: Tensor) -> Tensor:
    """What m / sqrt(v) is multiplied by because both began at 0: a scalar, near 1 in the end.

    sqrt(1 - beta_2^t) / (1 - beta_1^t).
    """
    return ops.sqrt(1 - ops.power(beta_2, step)) / (1 - ops.power(beta_1, step))
