"""Images of another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lamina.backend.torch.convolution import FIRST, LAST
from lamina.backend.windows import channels_first


def resize(
    images: Tensor,
    size: Sequence[int],
    *,
    interpolation: str,
    antialias: bool,
    crop_to_aspect_ratio: bool,
    pad_to_aspect_ratio: bool,
    data_format: str | None,
    **fill: Any,  # where they are padded
) -> Any:
    """A batch of floats bilinearly, in a quarter of the time of two products of matrices."""
    others = antialias or crop_to_aspect_ratio or pad_to_aspect_ratio
    wide = images.dtype in (torch.float32, torch.float64)
    if interpolation != "bilinear" or others or not wide or images.ndim != 4:
        return NotImplemented
    first = channels_first(data_format)
    x = images if first else images.permute(FIRST[2])
    y = functional.interpolate(x, [int(one) for one in size], mode="bilinear")
    return y if first else y.permute(LAST[2])


OWN = {"resize": resize}
