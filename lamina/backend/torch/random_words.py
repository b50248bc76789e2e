"""Random words of a key, a tensor of a seed and a counter, and the numbers in [0, 1) made of them.

Keys are on the CPU, and seed a generator of the device that is drawn on. Where a key cannot be
read, since it is traced or mapped, numbers are hashes of the key and each element's place.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from lamina.backend.torch.recording import opaque

Shape = Sequence[int]

_PLAIN = (Tensor, torch.nn.Parameter)
_WORD = 0xFFFFFFFF
# Far from 1, since the hashes of the next counter would be those of the next stream.
_OTHER = 0x5BD1E995


class _Generators(threading.local):
    def __init__(self) -> None:
        self.of: dict[torch.device, torch.Generator] = {}


_generators = _Generators()


def readable(key: Tensor) -> bool:
    """Whether the key can seed a generator; numbers of others are hashes of it."""
    return not (
        torch.compiler.is_compiling()
        or type(key) not in _PLAIN
        or get_proxy_mode() is not None
        or torch._C._functorch.is_functorch_wrapped_tensor(key)
    )


@opaque
def generator(key: Tensor, device: torch.device) -> torch.Generator:
    """This thread's generator for the device, about to give the numbers of the key."""
    found = _generators.of.get(device)
    if found is None:
        found = _generators.of[device] = torch.Generator(device)
    seed, counter = key.tolist()
    # On the CPU 32 bits of it count (C. Wellons, `lowbias32`).
    h = (counter * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    h = ((h ^ (h >> 32)) * 0xD6E8FEB86659FD93) & 0xFFFFFFFFFFFFFFFF
    h = ((h ^ (h >> 32)) * 0xD6E8FEB86659FD93) & 0xFFFFFFFFFFFFFFFF
    return found.manual_seed(h ^ (h >> 32))


def _mixed(h: Tensor) -> Tensor:
    """An even mixture of 32 bits, in 64 (C. Wellons, `lowbias32`: bias 0.11 of 2^32)."""
    h = ((h ^ (h >> 16)) * 0x21F0AAAD) & _WORD
    h = ((h ^ (h >> 15)) * 0x735A2D97) & _WORD
    return h ^ (h >> 15)


def hashes(key: Tensor, shape: Shape, device: torch.device, stream: int = 0) -> Tensor:
    """32 random bits for each place of `shape`, in an int64."""
    seed, counter = key.to(device, torch.int64).unbind()
    first = _mixed(seed ^ _mixed((counter + 0x9E3779B9 + stream) & _WORD))
    second = _mixed(first ^ _mixed((seed + 0x7F4A7C15) & _WORD))
    place = torch.arange(math.prod(shape), device=device).reshape(tuple(shape))
    return _mixed(_mixed((place + first) & _WORD) ^ second)


def bits(key: Tensor, shape: Shape, device: torch.device) -> Tensor:
    """63 random bits for each place of `shape`."""
    if readable(key):
        words = torch.empty(tuple(shape), dtype=torch.int64, device=device)
        return words.random_(generator=generator(key, device))
    return (hashes(key, shape, device) << 31) ^ hashes(key, shape, device, _OTHER)


def wide(kind: torch.dtype) -> torch.dtype:
    """The type to draw in for numbers of a type: 32 bits at least."""
    return torch.float64 if kind is torch.float64 else torch.float32


def unit(key: Tensor, shape: Shape, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Numbers in [0, 1), in 32 bits at least."""
    kind = wide(dtype)
    if readable(key):
        drawn_by = generator(key, device)
        return torch.rand(tuple(shape), generator=drawn_by, dtype=kind, device=device)
    if kind is torch.float64:
        return (bits(key, shape, device) >> 10).to(kind) * 2.0**-53
    return (hashes(key, shape, device) >> 8).to(kind) * 2.0**-24


def normal(radius: Tensor, angle: Tensor) -> Tensor:
    """Normal numbers of two in [0, 1) each, as G. E. P. Box and M. E. Muller drew them."""
    return torch.sqrt(-2 * torch.log1p(-radius)) * torch.cos(2 * math.pi * angle)
