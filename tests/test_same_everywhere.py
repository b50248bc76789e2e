"""The same seed, the same numbers on every backend: initial weights and the order of the rows."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from lamina import Sequential, initializers, layers, ops
from lamina.backend import use
from lamina.core.registry import slots
from lamina.core.seeds import SeedGenerator, set_random_seed

BACKENDS = [name for name in ("numpy", "jax", "torch", "tensorflow") if find_spec(name)]
TRAINING = [name for name in BACKENDS if name != "numpy"]
CLASSES = sorted(
    {
        entry.__name__
        for entry in slots["initializers"].values()
        if hasattr(initializers, entry.__name__) and isinstance(entry, type)
    }
    - {"Initializer", "RandomInitializer"}
)
NEEDED = {"Constant": {"value": 2.5}}
SHAPES = {"STFT": (6, 1, 4)}

pytestmark = pytest.mark.every_backend


def on_each(make, backends=BACKENDS) -> list:
    found = []
    for name in backends:
        with use(name):
            found.append(make())
    return found


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", CLASSES)
def test_initializers_give_the_same_numbers(name, dtype):
    def make():
        own = {"seed": 5} if "seed" in getattr(initializers, name)().get_config() else {}
        initializer = getattr(initializers, name)(**own, **NEEDED.get(name, {}))
        return ops.convert_to_numpy(initializer(SHAPES.get(name, (6, 4)), dtype=dtype))

    first, *others = on_each(make)
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_a_generator_gives_initializers_the_same_numbers():
    def make():
        initializer = initializers.GlorotUniform(seed=SeedGenerator(3))
        return [ops.convert_to_numpy(initializer((3, 2))).tolist() for _ in range(2)]

    first, *others = on_each(make)
    assert first[0] != first[1] and all(other == first for other in others)


def test_the_seed_of_the_process_decides_the_initial_weights():
    def make():
        set_random_seed(7)
        model = Sequential([layers.Dense(4), layers.LSTM(3), layers.Dense(2)])
        model.build((None, 5, 6))
        return [ops.convert_to_numpy(weight.value) for weight in model.weights]

    first, *others = on_each(make)
    for other in others:
        for one, same in zip(first, other, strict=True):
            np.testing.assert_array_equal(one, same)


class Order(layers.Layer):
    """Its output is its input; it notes which rows came."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones")
        self.seen = self.add_weight(shape=(self.rows,), initializer="zeros", trainable=False)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        # The row whose number is i was the count'th to come.
        hot = ops.one_hot(ops.cast(x[:, 0], "int32"), self.rows)
        places = self.count + ops.arange(x.shape[0], dtype="float32") + 1
        self.seen.assign(self.seen + ops.sum(hot * ops.expand_dims(places, -1), axis=0))
        self.count.assign_add(float(x.shape[0]))
        return x * self.scale


@pytest.mark.parametrize("shuffle", [True, "batch", False])
@pytest.mark.parametrize("batch_size", [3, 4])
def test_fit_takes_the_rows_in_the_same_order(shuffle, batch_size):
    x = np.arange(12, dtype="float32")[:, None]

    def orders():
        set_random_seed(11)
        model = Sequential([Order(12)])
        model.compile("sgd", "mse")
        seen = []
        for _ in range(2):
            model.fit(x, x, batch_size=batch_size, verbose=0, shuffle=shuffle)
            layer = model.layers[0]
            seen.append(ops.convert_to_numpy(layer.seen.value).tolist())
            layer.seen.assign(np.zeros(12, "float32"))
            layer.count.assign(0.0)
        return seen

    first, *others = on_each(orders, TRAINING)
    assert all(other == first for other in others)
    assert sorted(first[0]) == list(range(1, 13))
    in_order = list(range(1, 13))
    assert (first[0] == in_order) == (shuffle is False)
    assert (first[0] == first[1]) == (shuffle is False)
