"""What happens to gradients before an optimizer's own formula sees them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from lamina import ops
from lamina.ops.row import Tensor


class CommonOptions(TypedDict, total=False):
    """The options of every optimizer but weight decay; `Optimizer` says what each means."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    lr: Any


class Options(CommonOptions, total=False):
    """The options of every optimizer; `Optimizer` says what each means."""

    weight_decay: float | None


OPTION_NAMES = tuple(name for name in Options.__annotations__ if name not in ("name", "lr"))


@dataclass(frozen=True)
class Clipping:
    """At most one of three ways to keep gradients small.

    Args:
        clipnorm: the greatest norm of each gradient.
        clipvalue: the greatest absolute value of each element.
        global_clipnorm: the greatest norm of all gradients taken together.

    Raises:
        ValueError: if more than one is set, or one is negative or not a number.
    """

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None

    def __post_init__(self) -> None:
        given = {name: value for name, value in vars(self).items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"One way of clipping can be set, not {' and '.join(given)}.")
        for name, value in given.items():
            check_number(name, value)

    def __call__(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """The gradients, clipped."""
        if self.clipnorm:
            return [_scaled(one, _scale([one], self.clipnorm)) for one in gradients]
        if self.global_clipnorm:
            scale = _scale(gradients, self.global_clipnorm)
            return [_scaled(one, scale) for one in gradients]
        if self.clipvalue:
            return [ops.clip(one, -self.clipvalue, self.clipvalue) for one in gradients]
        return list(gradients)


def _scale(tensors: Sequence[Tensor], limit: float) -> Tensor:
    """What their common norm is to be multiplied by, to be at most `limit`."""
    squares = [ops.sum(ops.square(ops.cast(one, "float32"))) for one in tensors]
    norm = ops.sqrt(sum(squares[1:], squares[0]))
    # The difference is 0, or NaN where the norm is not finite: that must not pass for a small one.
    return limit / ops.maximum(norm, limit) + (norm - norm)


def _scaled(gradient: Tensor, scale: Tensor) -> Tensor:
    return gradient * ops.cast(scale, gradient.dtype)


def all_finite(gradients: Sequence[Tensor]) -> Tensor:
    """Whether no element of any gradient is infinite or not a number: a boolean scalar."""
    checks = [ops.all(ops.isfinite(one)) for one in gradients if one is not None]
    return ops.all(ops.stack(checks))


def check_number(name: str, value: Any, least: float = 0.0, most: float = math.inf) -> None:
    """Refuse an option that is no number from `least` to `most`."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and least <= number <= most):
        limits = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise ValueError(f"{name} must be a finite number {limits}, and it is {value!r}.")


def check_fractions(**given: Any) -> None:
    """Refuse options that are no number from 0 to 1."""
    for name, value in given.items():
        check_number(name, value, 0.0, 1.0)


def check_pattern(name: str, pattern: Any) -> str:
    """`pattern`, or an error if it is no regular expression."""
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"{name} must be a regular expression for paths of variables, and {pattern!r} is none: "
            f"{error}."
        ) from error
    return str(pattern)
