"""Random numbers on PyTorch, each drawn from a key: a tensor of two words, seed and counter.

Keys are on the CPU, and seed a generator of the device that is drawn on. Where a key cannot be
read, since it is traced or mapped, numbers are hashes of the key and each element's place.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from lamina.backend.torch.devices import default
from lamina.backend.torch.dtypes import TYPES
from lamina.backend.torch.recording import opaque

Shape = Sequence[int]

_PLAIN = (Tensor, torch.nn.Parameter)
_WORD = 0xFFFFFFFF


def random_state() -> dict[str, np.ndarray]:
    """The states of PyTorch's own generators, of the CPU and of each GPU in use."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states |= {str(i): one for i, one in enumerate(torch.cuda.get_rng_state_all())}
    return {name: state.numpy() for name, state in states.items()}


def set_random_state(state: dict[str, np.ndarray]) -> None:
    """Put them back, as far as the GPUs are there."""
    for name, words in state.items():
        if name == "cpu":
            torch.set_rng_state(torch.from_numpy(words))
        elif int(name) < torch.cuda.device_count():
            torch.cuda.set_rng_state(torch.from_numpy(words), int(name))


class _Generators(threading.local):
    def __init__(self) -> None:
        self.of: dict[torch.device, torch.Generator] = {}


_generators = _Generators()


def _readable(key: Tensor) -> bool:
    return not (
        torch.compiler.is_compiling()
        or type(key) not in _PLAIN
        or get_proxy_mode() is not None
        or torch._C._functorch.is_functorch_wrapped_tensor(key)
    )


@opaque
def _generator(key: Tensor, device: torch.device) -> torch.Generator:
    """This thread's generator for the device, about to give the numbers of the key."""
    generator = _generators.of.get(device)
    if generator is None:
        generator = _generators.of[device] = torch.Generator(device)
    seed, counter = key.tolist()
    # On the CPU 32 bits of it count (C. Wellons, `lowbias32`).
    h = (counter * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    h = ((h ^ (h >> 32)) * 0xD6E8FEB86659FD93) & 0xFFFFFFFFFFFFFFFF
    h = ((h ^ (h >> 32)) * 0xD6E8FEB86659FD93) & 0xFFFFFFFFFFFFFFFF
    return generator.manual_seed(h ^ (h >> 32))


# Words without a generator ----------------------------------------------------------------


def _mixed(h: Tensor) -> Tensor:
    """An even mixture of 32 bits, in 64 (C. Wellons, `lowbias32`: bias 0.11 of 2^32)."""
    h = ((h ^ (h >> 16)) * 0x21F0AAAD) & _WORD
    h = ((h ^ (h >> 15)) * 0x735A2D97) & _WORD
    return h ^ (h >> 15)


def _hashes(key: Tensor, shape: Shape, device: torch.device, stream: int = 0) -> Tensor:
    """32 random bits for each place of `shape`, in an int64."""
    seed, counter = key.to(device, torch.int64).unbind()
    first = _mixed(seed ^ _mixed((counter + 0x9E3779B9 + stream) & _WORD))
    second = _mixed(first ^ _mixed((seed + 0x7F4A7C15) & _WORD))
    place = torch.arange(math.prod(shape), device=device).reshape(tuple(shape))
    return _mixed(_mixed((place + first) & _WORD) ^ second)


def _bits(key: Tensor, shape: Shape, device: torch.device) -> Tensor:
    """63 random bits for each place of `shape`."""
    if _readable(key):
        words = torch.empty(tuple(shape), dtype=torch.int64, device=device)
        return words.random_(generator=_generator(key, device))
    return (_hashes(key, shape, device) << 31) ^ _hashes(key, shape, device, 1)


def _unit(key: Tensor, shape: Shape, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Numbers in [0, 1), in 32 bits at least."""
    wide = torch.float64 if dtype is torch.float64 else torch.float32
    if _readable(key):
        generator = _generator(key, device)
        return torch.rand(tuple(shape), generator=generator, dtype=wide, device=device)
    if wide is torch.float64:
        return (_bits(key, shape, device) >> 10).to(wide) * 2.0**-53
    return (_hashes(key, shape, device) >> 8).to(wide) * 2.0**-24


# Distributions ----------------------------------------------------------------------------


def random_uniform(key: Tensor, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Tensor:
    kind = TYPES[dtype]
    device = default()
    drawn = (_unit(key, shape, kind, device) * (maxval - minval) + minval).to(kind)
    # Rounding may reach the upper bound, which is not part of the range.
    low, high = (torch.as_tensor(one, dtype=kind, device=device) for one in (minval, maxval))
    return torch.minimum(drawn, torch.nextafter(high, low))


def random_normal(key: Tensor, shape: Shape, mean: Any, stddev: Any, dtype: str) -> Tensor:
    kind, device = TYPES[dtype], default()
    if _readable(key):
        wide = torch.float64 if kind is torch.float64 else torch.float32
        generator = _generator(key, device)
        drawn = torch.randn(tuple(shape), generator=generator, dtype=wide, device=device)
    else:  # as G. E. P. Box and M. E. Muller drew them
        radius, angle = _unit(key, (2, *shape), kind, device).unbind()
        drawn = torch.sqrt(-2 * torch.log1p(-radius)) * torch.cos(2 * math.pi * angle)
    scaled: Tensor = drawn * stddev + mean
    return scaled.to(kind)


def random_truncated_normal(
    key: Tensor, shape: Shape, mean: Any, stddev: Any, dtype: str
) -> Tensor:
    kind = TYPES[dtype]
    within = math.erf(math.sqrt(2))  # the share of the distribution within two deviations
    share = (2 * _unit(key, shape, kind, default()) - 1) * within
    drawn = (torch.erfinv(share) * math.sqrt(2)).clamp(-2, 2)
    scaled: Tensor = drawn * stddev + mean
    return scaled.to(kind)


def random_randint(key: Tensor, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Tensor:
    drawn: Tensor = _bits(key, shape, default()) % (maxval - minval) + minval
    return drawn.to(TYPES[dtype])


def random_categorical(key: Tensor, logits: Tensor, num_samples: int, dtype: str) -> Tensor:
    shape = (*logits.shape[:-1], num_samples, logits.shape[-1])
    # Gumbel noise: the largest of logit + noise falls on a class with its probability.
    noise = -torch.log(-torch.log(_unit(key, shape, logits.dtype, logits.device)))
    return torch.argmax(logits.unsqueeze(-2) + noise, dim=-1).to(TYPES[dtype])


def random_shuffle(key: Tensor, x: Tensor, axis: int) -> Tensor:
    return x.index_select(axis, torch.argsort(_bits(key, (x.shape[axis],), x.device)))


def _alone(key: Tensor) -> torch.Generator:
    """The generator for draws that take an unknown number of words."""
    if not _readable(key):
        raise NotImplementedError(
            "On PyTorch, gamma, beta and binomial numbers are not drawn in compiled or mapped "
            "functions. Draw them outside, and hand them in."
        )
    return _generator(key, default())


def _shaped(value: Any, shape: Shape, dtype: str) -> Tensor:
    wide = torch.float64 if dtype == "float64" else torch.float32
    return torch.as_tensor(value, dtype=wide, device=default()).expand(tuple(shape)).contiguous()


def random_gamma(key: Tensor, shape: Shape, alpha: Any, dtype: str) -> Tensor:
    drawn = torch._standard_gamma(_shaped(alpha, shape, dtype), generator=_alone(key))
    return drawn.to(TYPES[dtype])


def random_beta(key: Tensor, shape: Shape, alpha: Any, beta: Any, dtype: str) -> Tensor:
    both = torch.stack([_shaped(one, shape, dtype) for one in (alpha, beta)], -1)
    # The first of two shares of a whole.
    return torch._sample_dirichlet(both, generator=_alone(key))[..., 0].to(TYPES[dtype])


def random_binomial(
    key: Tensor, shape: Shape, counts: Any, probabilities: Any, dtype: str
) -> Tensor:
    count, probability = (_shaped(one, shape, dtype) for one in (counts, probabilities))
    return torch.binomial(count, probability, generator=_alone(key)).to(TYPES[dtype])


def random_dropout(key: Tensor, x: Tensor, rate: Any, shape: Shape) -> Tensor:
    """`x` divided by 1 - rate where a mask of `shape` holds, which it does that often; else 0."""
    # 64 x 5408 places on the CPU: two draws in a word take 0.5 ms, torch.rand 1.0, bernoulli_ 5.
    if _readable(key):
        count = math.prod(shape)
        words = torch.empty((count + 1) // 2, dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=_generator(key, x.device))
        drawn = words.view(torch.int32)[:count].reshape(tuple(shape))
        keep = drawn >= rate * 2.0**32 - 2.0**31
    else:
        keep = _hashes(key, shape, x.device) >= rate * 2.0**32
    # A product: torch.where takes 7 times as long on the CPU, and again in the gradient.
    scale: Any = 1 / (1 - rate)
    dropped: Tensor = x * (keep.to(x.dtype) * scale)
    return dropped


OWN: dict[str, Callable[..., Any]] = {
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "random_truncated_normal": random_truncated_normal,
    "random_randint": random_randint,
    "random_categorical": random_categorical,
    "random_shuffle": random_shuffle,
    "random_gamma": random_gamma,
    "random_beta": random_beta,
    "random_binomial": random_binomial,
    "random_dropout": random_dropout,
}
