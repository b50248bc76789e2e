"""Random numbers on PyTorch: the states of its own generators, and draws of each distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.backend.torch import rejection
from lamina.backend.torch.devices import default
from lamina.backend.torch.dtypes import TYPES
from lamina.backend.torch.random_words import bits, generator, hashes, normal, readable, unit, wide

Shape = Sequence[int]


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


def random_uniform(key: Tensor, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Tensor:
    kind = TYPES[dtype]
    device = default()
    drawn = (unit(key, shape, kind, device) * (maxval - minval) + minval).to(kind)
    # Rounding may reach the upper bound, which is not part of the range.
    low, high = (torch.as_tensor(one, dtype=kind, device=device) for one in (minval, maxval))
    return torch.minimum(drawn, torch.nextafter(high, low))


def random_normal(key: Tensor, shape: Shape, mean: Any, stddev: Any, dtype: str) -> Tensor:
    kind, device = TYPES[dtype], default()
    if readable(key):
        options: Any = {"generator": generator(key, device), "dtype": wide(kind), "device": device}
        drawn = torch.randn(tuple(shape), **options)
    else:
        drawn = normal(*unit(key, (2, *shape), kind, device).unbind())
    scaled: Tensor = drawn * stddev + mean
    return scaled.to(kind)


def random_truncated_normal(
    key: Tensor, shape: Shape, mean: Any, stddev: Any, dtype: str
) -> Tensor:
    kind = TYPES[dtype]
    within = math.erf(math.sqrt(2))  # the share of the distribution within two deviations
    share = (2 * unit(key, shape, kind, default()) - 1) * within
    drawn = (torch.erfinv(share) * math.sqrt(2)).clamp(-2, 2)
    scaled: Tensor = drawn * stddev + mean
    return scaled.to(kind)


def random_randint(key: Tensor, shape: Shape, minval: Any, maxval: Any, dtype: str) -> Tensor:
    drawn: Tensor = bits(key, shape, default()) % (maxval - minval) + minval
    return drawn.to(TYPES[dtype])


def random_categorical(key: Tensor, logits: Tensor, num_samples: int, dtype: str) -> Tensor:
    shape = (*logits.shape[:-1], num_samples, logits.shape[-1])
    # Gumbel noise: the largest of logit + noise falls on a class with its probability.
    noise = -torch.log(-torch.log(unit(key, shape, logits.dtype, logits.device)))
    return torch.argmax(logits.unsqueeze(-2) + noise, dim=-1).to(TYPES[dtype])


def random_shuffle(key: Tensor, x: Tensor, axis: int) -> Tensor:
    return x.index_select(axis, torch.argsort(bits(key, (x.shape[axis],), x.device)))


def _shaped(value: Any, shape: Shape, kind: torch.dtype) -> Tensor:
    return torch.as_tensor(value, dtype=kind, device=default()).expand(tuple(shape)).contiguous()


def random_gamma(key: Tensor, shape: Shape, alpha: Any, dtype: str) -> Tensor:
    alpha = _shaped(alpha, shape, wide(TYPES[dtype]))
    if readable(key):
        drawn = torch._standard_gamma(alpha, generator=generator(key, default()))
    else:
        drawn = rejection.log_gamma(key, alpha).exp()
    return drawn.to(TYPES[dtype])


def random_beta(key: Tensor, shape: Shape, alpha: Any, beta: Any, dtype: str) -> Tensor:
    both = torch.stack([_shaped(one, shape, wide(TYPES[dtype])) for one in (alpha, beta)], -1)
    # The first of two shares of a whole.
    if readable(key):
        shares = torch._sample_dirichlet(both, generator=generator(key, default()))
    else:
        shares = torch.softmax(rejection.log_gamma(key, both), -1)
    return shares[..., 0].to(TYPES[dtype])


def random_binomial(
    key: Tensor, shape: Shape, counts: Any, probabilities: Any, dtype: str
) -> Tensor:
    known = readable(key)
    kind = wide(TYPES[dtype]) if known else torch.float64
    count, probability = (_shaped(one, shape, kind) for one in (counts, probabilities))
    if known:
        drawn = torch.binomial(count, probability, generator=generator(key, default()))
    else:
        drawn = rejection.binomial(key, count, probability)
    return drawn.to(TYPES[dtype])


def random_dropout(key: Tensor, x: Tensor, rate: Any, shape: Shape) -> Tensor:
    """`x` divided by 1 - rate where a mask of `shape` holds, which it does that often; else 0."""
    # 64 x 5408 places on the CPU: two draws in a word take 0.5 ms, torch.rand 1.0, bernoulli_ 5.
    if readable(key):
        count = math.prod(shape)
        words = torch.empty((count + 1) // 2, dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=generator(key, x.device))
        drawn = words.view(torch.int32)[:count].reshape(tuple(shape))
        keep = drawn >= rate * 2.0**32 - 2.0**31
    else:
        keep = hashes(key, shape, x.device) >= rate * 2.0**32
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
