"""Gamma and binomial numbers where the key cannot be read: the same work for every number.

PyTorch's kernels draw until a number is accepted, and take a generator. Here so many are proposed
at once that all are refused less often than once in 10^10 numbers, and the first accepted counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.backend.torch.random_words import normal, unit

_PROPOSALS_OF_GAMMA = 8  # at most 5 % of them are refused
_PROPOSALS_OF_BINOMIAL = 24  # at most a third
_FEW = 10  # successes expected, up to which probabilities are added up instead
_MOST = 64  # successes where so few are expected: more have a probability of 10^-28


def log_gamma(key: Tensor, alpha: Tensor) -> Tensor:
    """The logarithms of numbers of the gamma distribution, as G. Marsaglia and W. W. Tsang draw
    them ("A simple method for generating gamma variables", 2000).
    """
    count, kind = _PROPOSALS_OF_GAMMA, alpha.dtype
    drawn = unit(key, (3 * count + 1, *alpha.shape), kind, alpha.device)
    radius, angle, uniform = drawn[1:].reshape(3, count, *alpha.shape).unbind()
    x = normal(radius, angle)
    d = torch.where(alpha < 1, alpha + 1, alpha) - 1 / 3
    v = (1 + x * torch.rsqrt(9 * d)) ** 3
    log_v = torch.log(v.clamp_min(torch.finfo(kind).tiny))
    accepted = (v > 0) & (torch.log1p(-uniform) < x**2 / 2 + d * (1 - v + log_v))
    log_drawn = torch.log(d) + _first(log_v, accepted)
    return torch.where(alpha < 1, log_drawn + torch.log1p(-drawn[0]) / alpha, log_drawn)


def binomial(key: Tensor, count: Tensor, probability: Tensor) -> Tensor:
    """Numbers of successes in `count` trials of `probability`, float64 as they are."""
    p = torch.minimum(probability, 1 - probability)
    drawn = unit(key, (2 * _PROPOSALS_OF_BINOMIAL + 1, *count.shape), p.dtype, p.device)
    few = _by_inversion(drawn[0], count, p)
    many = _by_rejection(drawn[1:].reshape(2, _PROPOSALS_OF_BINOMIAL, *count.shape), count, p)
    successes = torch.where(count * p < _FEW, few, many)
    return torch.where(probability > 0.5, count - successes, successes)


def _by_inversion(uniform: Tensor, count: Tensor, p: Tensor) -> Tensor:
    """How many sums of probabilities, of 0 successes and on, the uniform numbers exceed."""
    places = (-1, *(1,) * count.ndim)
    k = torch.arange(_MOST, dtype=p.dtype, device=p.device).reshape(places)
    log_share = _log_ways(count, k) + torch.xlogy(k, p) + (count - k) * torch.log1p(-p)
    share = torch.where(k > count, 0, torch.exp(log_share))
    exceeded = (uniform > torch.cumsum(share, 0)).sum(0).to(p.dtype)
    return torch.minimum(exceeded, count)


def _by_rejection(uniform: Tensor, count: Tensor, p: Tensor) -> Tensor:
    """Algorithm BTRS of W. Hörmann, "The generation of binomial random variates", 1993."""
    p = torch.where(count * p < _FEW, 0.5, p)  # what is drawn there does not count
    count = count.clamp_min(2 * _FEW)
    spread = torch.sqrt(count * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    u = uniform[0] - 0.5
    v = 1 - uniform[1]
    edge = 0.5 - u.abs()
    k = torch.floor((2 * a / edge + b) * u + count * p + 0.5)
    within = (k >= 0) & (k <= count)
    k = torch.where(within, k, 0)
    at_once = (edge >= 0.07) & (v <= 0.92 - 4.2 / b)
    mode = torch.floor((count + 1) * p)
    odds = torch.log(p / (1 - p))
    log_share = _log_ways(count, k) - _log_ways(count, mode) + (k - mode) * odds
    height = torch.log(v * (2.83 + 5.1 / b) * spread / (a / edge**2 + b))
    return _first(k, within & (at_once | (height <= log_share)))


def _log_ways(count: Tensor, k: Tensor) -> Tensor:
    """The logarithm of the binomial coefficient."""
    return torch.lgamma(count + 1) - torch.lgamma(k + 1) - torch.lgamma(count - k + 1)


def _first(proposed: Tensor, accepted: Tensor) -> Tensor:
    """The first of the proposals along axis 0 that is accepted."""
    place = torch.argmax(accepted.to(torch.int8), 0, keepdim=True)
    return torch.gather(proposed, 0, place)[0]
