"""Gradients at the edges of ops: finite wherever there is one, and the same on every backend."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import use
from tests.ops import known

BACKENDS = [name for name in ("jax", "torch", "tensorflow") if find_spec(name)]
NAN, INF = math.nan, math.inf

# The function, where its gradient is taken, and what that is.
EDGES = {
    "where-nan": (lambda x: ops.where(ops.isnan(x), 0.0, x), [NAN, 2.0], [0, 1]),
    "where-nan-constant": (lambda x: ops.where([True, False], x, NAN)[0], [1.0, 2.0], [1, 0]),
    "sqrt": (ops.sqrt, [0.0, 4.0], [INF, 0.25]),
    "absolute": (ops.absolute, [0.0, -0.0], [0, 0]),
    "norm": (ops.norm, [0.0, 0.0], [0, 0]),
    "norm-rows": (lambda x: ops.norm(x, axis=-1), [[0.0, 0.0], [3.0, 4.0]], [[0, 0], [0.6, 0.8]]),
    "norm-fro": (lambda x: ops.norm(x, "fro", (0, 1)), [[0.0, 0.0], [0.0, 0.0]], [[0, 0], [0, 0]]),
    "hypot": (lambda x: ops.hypot(x, x), [0.0, 1.0], [0, math.sqrt(2)]),
    "hypot-large": (lambda x: ops.hypot(x, x), [1e30, -1e30], [math.sqrt(2), -math.sqrt(2)]),
    "std": (ops.std, [3.0, 3.0, 3.0], [0, 0, 0]),
    "normalize": (lambda x: ops.normalize(x)[0], [0.0, 0.0], [1e7, 0]),
    "layer_normalization": (lambda x: ops.layer_normalization(x)[0], [[2.0, 2.0]], None),
    "softmax": (lambda x: ops.softmax(x)[1], [-INF, 0.0, 0.0], [0, 0.25, -0.25]),
    "log_softmax": (lambda x: ops.log_softmax(x)[1], [-INF, 0.0, 0.0], [0, 0.5, -0.5]),
    "logsumexp": (ops.logsumexp, [-INF, 0.0], [0, 1]),
    "logsumexp-nothing": (ops.logsumexp, [-INF, -INF], [0, 0]),
    "logsumexp-large": (ops.logsumexp, [1e4, -1e4], [1, 0]),
    "logaddexp": (lambda x: ops.logaddexp(x, -INF), [1.0, -2.0], [1, 1]),
    "logaddexp-large": (lambda x: ops.logaddexp(x, 0.0), [1e4, -1e4, 0.0], [1, 0, 0.5]),
    "prod-zero": (ops.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
    "prod-zeros": (ops.prod, [0.0, 0.0, 3.0], [0, 0, 0]),
    "cumprod-zero": (lambda x: ops.cumprod(x)[-1], [2.0, 0.0, 3.0], [0, 6, 0]),
    "power": (lambda x: ops.power(x, 2.0), [0.0, -1.0], [0, -2]),
    "power-one": (lambda x: ops.power(x, 1.0), [0.0], [1]),
    "power-zero": (lambda x: ops.power(x, 0.0), [0.0, 2.0], [0, 0]),
    "power-of-zero": (lambda x: ops.power(0.0, x), [2.0], [0]),
    "divide_no_nan": (lambda x: ops.divide_no_nan(x, [0.0, 2.0]), [1.0, 1.0], [0, 0.5]),
    "divide_no_nan-by": (lambda x: ops.divide_no_nan(1.0, x), [0.0, 2.0], [0, -0.25]),
    "sinc": (ops.sinc, [0.0], [0]),
    "relu": (ops.relu, [0.0, -1.0, 1.0], [0, 0, 1]),
    "sigmoid": (ops.sigmoid, [0.0, 1e4, -1e4], [0.25, 0, 0]),
    "softplus": (ops.softplus, [0.0, 1e4, -1e4], [0.5, 1, 0]),
    "log_sigmoid": (ops.log_sigmoid, [0.0, 1e4, -1e4], [0.5, 0, 1]),
    "squareplus": (ops.squareplus, [0.0, 1e30, -1e30], [0.5, 1, 0]),
    "gelu": (ops.gelu, [0.0, 100.0, -100.0], [0.5, 1, 0]),
    "elu": (ops.elu, [1e4, -1e4], [1, 0]),
    "maximum-tie": (lambda x: ops.maximum(x, x), [0.0], [1]),
    "minimum-tie": (lambda x: ops.minimum(x, x), [0.0], [1]),
    "clip": (lambda x: ops.clip(x, -1.0, 1.0), [-2.0, 0.0, 2.0], [0, 1, 0]),
    "binary_crossentropy": (
        lambda x: ops.binary_crossentropy([0.3, 0.3, 1.0], x, from_logits=True),
        [0.0, 1e4, 1e4],
        [0.2, 0.7, 0],
    ),
    "categorical_crossentropy": (
        lambda x: ops.categorical_crossentropy([[1.0, 0.0]], x, from_logits=True),
        [[1e4, -1e4]],
        [[0, 0]],
    ),
    "var-one": (ops.var, [5.0], [0]),
    "max-of-equal": (lambda x: 2 * ops.max(x) + ops.min(x), [3.0], [3]),
}


def _case(name: str, backend: str):
    reason = known.EDGES.get((name, backend))
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(name, backend, marks=marks, id=f"{name}-{backend}")


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "backend"), [_case(name, backend) for name in EDGES for backend in BACKENDS]
)
def test_gradients_at_the_edge(name, backend):
    function, x, expected = EDGES[name]
    with use(backend):
        gradient = lamina.grad(lambda x: ops.sum(function(x)))(np.array(x, "float32"))
        found = ops.convert_to_numpy(gradient)
    if expected is None:
        assert np.isfinite(found).all()
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
