"""Recurrent layers under `vmap`, with gradients inside and around."""

import numpy as np
import pytest

import lamina
from lamina import layers, ops

X = np.random.default_rng(0).normal(size=(3, 2, 12, 2)).astype("float32")


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_maps_and_gradients_in_either_order(name):
    layer = getattr(layers, name)(4)
    x = ops.convert_to_tensor(X)
    layer.build((2, 12, 2))

    def loss(x):
        return ops.sum(ops.square(layer(x)))

    one_by_one = [ops.convert_to_numpy(lamina.grad(loss)(one)) for one in x]
    found = [lamina.grad(lambda x: ops.sum(ops.square(lamina.vmap(layer)(x))))(x)]
    # TensorFlow maps no gradient of a loop that is differentiated.
    if name != "SimpleRNN" or lamina.config.backend() != "tensorflow":
        found.append(lamina.vmap(lamina.grad(loss))(x))
    for one in found:
        np.testing.assert_allclose(ops.convert_to_numpy(one), one_by_one, rtol=1e-5, atol=1e-6)
