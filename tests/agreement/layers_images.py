"""What may be drawn for layers of space: convolutions and pooling."""

from __future__ import annotations

from typing import Any

from tests.agreement.case import Draw
from tests.agreement.pieces import (
    BOOL,
    FORMAT,
    PADDING,
    SMALL,
    affine,
    each_axis,
    images,
    of,
    weight,
)

FILTERS = of([2, 4])
SIZES = {1: (6, 9), 2: (6, 7), 3: (5, 6)}


def space(rank: int, **more: Any) -> dict[str, Any]:
    """What all convolutions take."""
    return {
        "strides": each_axis(rank),
        "padding": PADDING,
        "data_format": FORMAT,
        "dilation_rate": each_axis(rank, of([1, 2])),
        **affine(),
        **more,
    }


def without_kernel(options: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in options.items() if not key.startswith("kernel")}


CONVOLUTION = {
    f"Conv{rank}D": Draw(
        {"filters": FILTERS, "kernel_size": each_axis(rank)},
        space(
            rank,
            groups=of([1, 2]),
            padding=of(["valid", "same", "causal"]) if rank == 1 else PADDING,
        ),
        {"shape": images(rank, SIZES[rank])},
    )
    for rank in (1, 2, 3)
}
TRANSPOSED = {
    f"Conv{rank}DTranspose": Draw(
        {"filters": FILTERS, "kernel_size": each_axis(rank)},
        space(rank, output_padding=each_axis(rank, of([0, 1]))),
        {"shape": images(rank, (3, 4))},
    )
    for rank in (1, 2, 3)
}
DEPTHWISE = {
    f"DepthwiseConv{rank}D": Draw(
        {"kernel_size": each_axis(rank)},
        {
            **without_kernel(space(rank)),
            **weight("depthwise"),
            "depth_multiplier": SMALL,
        },
        {"shape": images(rank, SIZES[rank])},
    )
    for rank in (1, 2)
}
SEPARABLE = {
    f"SeparableConv{rank}D": Draw(
        {"filters": FILTERS, "kernel_size": each_axis(rank)},
        {
            **without_kernel(space(rank)),
            **weight("depthwise"),
            **weight("pointwise"),
            "depth_multiplier": SMALL,
        },
        {"shape": images(rank, SIZES[rank])},
    )
    for rank in (1, 2)
}

POOLING = {
    f"{kind}Pooling{rank}D": Draw(
        {"pool_size": each_axis(rank)},
        {"strides": each_axis(rank), "padding": PADDING, "data_format": FORMAT},
        {"shape": images(rank, SIZES[rank])},
    )
    for kind in ("Max", "Average")
    for rank in (1, 2, 3)
}
GLOBAL = {
    f"Global{kind}Pooling{rank}D": Draw(
        {}, {"data_format": FORMAT, "keepdims": BOOL}, {"shape": images(rank, (3, 4))}
    )
    for kind in ("Max", "Average")
    for rank in (1, 2, 3)
}
ADAPTIVE = {
    f"Adaptive{kind}Pooling{rank}D": Draw(
        {"output_size": each_axis(rank, of([1, 2, 3, 4]))},
        {"data_format": FORMAT},
        {"shape": images(rank, (4, 5, 6))},
    )
    for kind in ("Max", "Average")
    for rank in (1, 2, 3)
}

DRAWS = {
    **CONVOLUTION,
    **TRANSPOSED,
    **DEPTHWISE,
    **SEPARABLE,
    **POOLING,
    **GLOBAL,
    **ADAPTIVE,
}
