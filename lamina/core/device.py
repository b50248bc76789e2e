"""The device that tensors are made on."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from lamina.backend import current


def device(device_name: str) -> AbstractContextManager[Any]:
    """A block whose tensors and variables are made on one device.

    Args:
        device_name: a kind of device and its number, as `"cpu:0"` or `"gpu:1"`; the first of its
            kind where there is no number. `"cuda"` is a GPU, and capital letters do not matter.

    Raises:
        ValueError: if there is no such device; names those that there are.

    Example:
        >>> from lamina import ops
        >>> with device("cpu"):
        ...     x = ops.ones(2)
    """
    name = device_name.lower().removeprefix("/").removeprefix("device:")
    kind, _, number = name.partition(":")
    name = f"{'gpu' if kind == 'cuda' else kind}:{number or 0}"
    found = current().devices()
    if name not in found:
        raise ValueError(f"There is no device {device_name!r} here. There are: {', '.join(found)}.")
    return current().device(name)
