"""The element types of PyTorch by their names."""

from __future__ import annotations

import torch

# PyTorch keeps unsigned integers of more than 8 bits, but computes hardly anything in them.
CANONICAL = {"uint16": "int32", "uint32": "int64", "uint64": "int64"}

_HELD = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "float8_e4m3fn",
    "float8_e5m2",
)
NAMES: dict[torch.dtype, str] = {getattr(torch, name): name for name in (*_HELD, *CANONICAL)}
TYPES: dict[str, torch.dtype] = {
    **{name: getattr(torch, name) for name in _HELD},
    **{name: getattr(torch, wider) for name, wider in CANONICAL.items()},
}
