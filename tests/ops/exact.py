"""What ops compute, by NumPy and SciPy in double precision: where our NumPy backend has no function
of NumPy's own to answer with, the answer must not be made of the definition that is under test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

import lamina.backend
from lamina.ops.op_call import rows


def _softmax(x, axis=-1):
    return special.softmax(x, axis)


def _clipped(x):
    return np.clip(x + 3, 0, 6) / 6


def _elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def _selu(x):
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, x, alpha * np.expm1(x))


def _gelu(x, approximate=True):
    if approximate:
        return x * special.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return x * special.ndtr(x)


def _sparse_plus(x):
    return np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x))


def _glu(x, axis=-1):
    one, two = np.split(x, 2, axis)
    return one * special.expit(two)


def _divide_no_nan(x, y):
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


def _entropy(target, output, from_logits=False, axis=-1):
    if from_logits:
        return -np.sum(target * special.log_softmax(output, axis), axis)
    return -np.sum(target * np.log(output / output.sum(axis, keepdims=True)), axis)


def _binary(target, output, from_logits=False):
    if from_logits:
        return -target * special.log_expit(output) - (1 - target) * special.log_expit(-output)
    return -special.xlogy(target, output) - special.xlog1py(1 - target, -output)


def _batch(x, mean, variance, axis):
    return (x - mean) / np.sqrt(variance + 1e-3)


def _layer(x, gamma, beta):
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt(x.var(-1, keepdims=True) + 1e-7) * gamma + beta


def _attention(query, key, value):
    logits = np.einsum("bthd,bshd->bhts", query, key) / np.sqrt(query.shape[-1])
    return np.einsum("bhts,bshd->bthd", special.softmax(logits, -1), value)


def _normalize(x, axis=-1, order=2):
    return x / np.linalg.norm(x, order, axis, keepdims=True)


EXACT: dict[str, Callable[..., Any]] = {
    "affine_map": lambda x, kernel, bias: x @ kernel + bias,
    "batch_normalization": _batch,
    "binary_crossentropy": _binary,
    "categorical_crossentropy": _entropy,
    "cbrt": np.cbrt,
    "celu": lambda x: _elu(x),
    "divide_no_nan": _divide_no_nan,
    "dot_product_attention": _attention,
    "elu": _elu,
    "erf": special.erf,
    "erfc": special.erfc,
    "erfinv": special.erfinv,
    "gelu": _gelu,
    "glu": _glu,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": _clipped,
    "hard_silu": lambda x: x * _clipped(x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "i0": special.i0,
    "layer_normalization": _layer,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "lerp": lambda x, y, weight: x + (y - x) * weight,
    "log_sigmoid": special.log_expit,
    "log_softmax": lambda x, axis=-1: special.log_softmax(x, axis),
    "logdet": lambda x: np.linalg.slogdet(x)[1],
    "logsumexp": lambda x, axis=None, keepdims=False: special.logsumexp(x, axis, keepdims=keepdims),
    "moments": lambda x, axis, keepdims=False: (
        x.mean(axis, keepdims=keepdims),
        x.var(axis, keepdims=keepdims),
    ),
    "normalize": _normalize,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "rms_normalization": lambda x, y: x / np.sqrt(np.mean(x**2, -1, keepdims=True) + 1e-7) * y,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "selu": _selu,
    "sigmoid": special.expit,
    "silu": lambda x: x * special.expit(x),
    "soft_shrink": lambda x: x - np.clip(x, -0.5, 0.5),
    "softmax": _softmax,
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: np.where(
        x > 0, (x + np.hypot(x, 2)) / 2, 2 / (np.hypot(x, 2) - np.minimum(x, 0))
    ),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "threshold": lambda x, least, default: np.where(x > least, x, default),
}


@np.errstate(all="ignore")
def exact(name: str, calls: list[tuple[list[Any], dict[str, Any]]]) -> list[Any]:
    """The results of an op for operands in double precision, or whole numbers in their own type."""
    if name in EXACT:
        return [EXACT[name](*args, **kwargs) for args, kwargs in calls]
    with lamina.backend.use("numpy"):
        function = rows[name].function
        return [function(*args, **kwargs) for args, kwargs in calls]
