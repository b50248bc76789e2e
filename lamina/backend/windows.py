"""The arithmetic of sliding windows that convolution and pooling kernels share."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.backend.config import standardize_data_format

Pads = list[tuple[int, int]]


def spread(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number for each of `rank` dimensions, from one for all or one for each."""
    if isinstance(value, int):
        return (value,) * rank
    sizes = tuple(value)
    return sizes * rank if len(sizes) == 1 else sizes


def channels_first(data_format: str | None) -> bool:
    return standardize_data_format(data_format) == "channels_first"


def check_fit(spatial: Sequence[int | None], windows: Sequence[int]) -> None:
    """Raise a `ValueError` if no window fits, of which some frameworks make an empty tensor."""
    for size, width in zip(spatial, windows, strict=True):
        if size and size < width:
            raise ValueError(
                f"A window of {width} places does not fit into {size}; use padding='same', a "
                "smaller window or a larger input."
            )


def pads(
    spatial: Sequence[int], windows: Sequence[int], strides: Sequence[int], padding: str
) -> Pads:
    """Places to add (before, after) each dimension.

    Args:
        spatial: the sizes of the input.
        windows: the widths of the windows, dilation counted.
        strides: the steps between windows.
        padding: `valid`, `same` or `causal`.
    """
    padding = padding.lower()
    if padding == "valid":
        check_fit(spatial, windows)
        return [(0, 0)] * len(spatial)
    if padding == "causal":
        return [(window - 1, 0) for window in windows]
    if padding != "same":
        raise ValueError(f"padding is 'valid', 'same' or 'causal', not {padding!r}.")
    found = []
    for size, window, stride in zip(spatial, windows, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        found.append((total // 2, total - total // 2))
    return found


def transposed_pads(
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: str,
    output_padding: Sequence[int] | None,
    rates: Sequence[int],
) -> Pads:
    """Places to add around the input of a transposed convolution, its elements spread apart.

    The convolution that follows has stride 1. Negative numbers crop.
    """
    found = []
    for i, (size, stride, rate) in enumerate(zip(kernel, strides, rates, strict=True)):
        width = (size - 1) * rate + 1
        before = width - 1
        if padding.lower() == "same":
            total = width + stride - 2
            if output_padding is not None:
                total = 2 * (width - 1 - width // 2) + output_padding[i]
            before = min(before, -(-total // 2))
        elif output_padding is not None:
            total = 2 * before + output_padding[i]
        else:
            total = before + max(width, stride) - 1
        found.append((before, total - before))
    return found
