"""What a call costs beside the framework's own: ops, a layer and models, in microseconds.

Calls on tiny tensors, so that their arithmetic is next to nothing. Each pair of contenders is
measured in turns; a figure is the median over the rounds of the difference between the fastest
batches of the two.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops

ROUNDS, BATCHES, CALLS = 5, 50, 40
Call = Callable[[], object]


def fastest(call: Call) -> float:
    """The least time of one call, in microseconds: what noise cannot make smaller."""
    best = float("inf")
    for _ in range(BATCHES):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, time.perf_counter() - start)
    return best / CALLS * 1e6


def overhead(ours: Call, plain: Call) -> float:
    for call in (ours, plain):
        fastest(call)
    return statistics.median(fastest(ours) - fastest(plain) for _ in range(ROUNDS))


def torch_calls() -> dict[str, Call]:
    import torch

    linear = torch.nn.functional.linear
    # Parameters, as the layer's are, so that both calls tell autograd.
    weight, bias = torch.nn.Parameter(w), torch.nn.Parameter(v)
    return {
        "add": lambda: torch.add(a, b),
        "add number": lambda: torch.add(a, 1.0),
        "tanh": lambda: torch.tanh(a),
        "matmul": lambda: torch.matmul(a, w),
        "sum": lambda: torch.sum(a, dim=1),
        "reshape": lambda: torch.reshape(a, (3, 2)),
        "linear": lambda: linear(a, weight, bias),
    }


def jax_calls() -> dict[str, Call]:
    import jax.numpy as jnp

    return {
        "add": lambda: jnp.add(a, b),
        "add number": lambda: jnp.add(a, 1.0),
        "tanh": lambda: jnp.tanh(a),
        "matmul": lambda: jnp.matmul(a, w),
        "sum": lambda: jnp.sum(a, axis=1),
        "reshape": lambda: jnp.reshape(a, (3, 2)),
        "linear": lambda: jnp.add(jnp.matmul(a, w), v),
    }


def tensorflow_calls() -> dict[str, Call]:
    import tensorflow as tf

    return {
        "add": lambda: tf.add(a, b),
        "add number": lambda: tf.add(a, 1.0),
        "tanh": lambda: tf.tanh(a),
        "matmul": lambda: tf.matmul(a, w),
        "sum": lambda: tf.reduce_sum(a, axis=1),
        "reshape": lambda: tf.reshape(a, (3, 2)),
        "linear": lambda: tf.add(tf.matmul(a, w), v),
    }


class Identity(layers.Layer):
    """Nothing but the machinery of a call."""

    def call(self, inputs: object) -> object:
        return inputs


def tensor(*shape: int) -> object:
    return ops.convert_to_tensor(np.ones(shape, "float32"))


a, b, w, v = tensor(2, 3), tensor(2, 3), tensor(3, 3), tensor(3)
plain = {"jax": jax_calls, "tensorflow": tensorflow_calls, "torch": torch_calls}[
    keras.backend.backend()
]()
dense, identity, depth = layers.Dense(3), Identity(), 10
source = keras.Input((3,))
output = source
for _ in range(depth):
    output = Identity()(output)
functional = keras.Model(source, output)
sequential = keras.Sequential([Identity() for _ in range(depth)])
for layer in (dense, identity, sequential):
    layer(a)


def chained() -> None:
    for _ in range(depth):
        identity(a)


gc.disable()
figures = {
    "add": overhead(lambda: ops.add(a, b), plain["add"]),
    "add number": overhead(lambda: ops.add(a, 1.0), plain["add number"]),
    "tanh": overhead(lambda: ops.tanh(a), plain["tanh"]),
    "matmul": overhead(lambda: ops.matmul(a, w), plain["matmul"]),
    "sum": overhead(lambda: ops.sum(a, axis=1), plain["sum"]),
    "reshape": overhead(lambda: ops.reshape(a, (3, 2)), plain["reshape"]),
    "dense": overhead(lambda: dense(a), plain["linear"]),
    "layer": overhead(lambda: identity(a), lambda: identity.call(a)),
    "functional node": overhead(lambda: functional(a), chained) / depth,
    "sequential node": overhead(lambda: sequential(a), chained) / depth,
}
print(json.dumps({name: round(figure, 3) for name, figure in figures.items()}))
