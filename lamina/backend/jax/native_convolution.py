"""XLA's own convolution."""

from __future__ import annotations

import functools

import jax
from jax import lax

from lamina.backend.windows import channels_first

# Zeros before and after each axis of the space; and a number for each.
Pads = tuple[tuple[int, int], ...]
Sizes = tuple[int, ...]

_SPACE = "DHW"


def dimensions(rank: int, data_format: str | None, kernel: str = "IO") -> tuple[str, str, str]:
    """The order of axes of images, kernel and result, as XLA is told it."""
    space = _SPACE[-rank:]
    images = f"NC{space}" if channels_first(data_format) else f"N{space}C"
    return images, space + kernel, images


# Compiled as one where it is called outside of compiled code, and part of the trace inside.
@functools.partial(jax.jit, static_argnums=(2, 3, 4, 5, 6, 7), inline=True)
def native(
    inputs: jax.Array,
    kernel: jax.Array,
    around: Pads,
    steps: Sizes,
    spread_inputs: Sizes,
    rates: Sizes,
    layout: tuple[str, str, str],
    groups: int,
) -> jax.Array:
    return lax.conv_general_dilated(
        inputs,
        kernel,
        window_strides=steps,
        padding=around,
        lhs_dilation=spread_inputs,
        rhs_dilation=rates,
        dimension_numbers=layout,
        feature_group_count=groups,
    )
