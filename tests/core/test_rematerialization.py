"""Layers that compute their inner values anew for the gradient: the same numbers as without."""

import jax
import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import current, use

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
Y = RNG.normal(size=(8, 1)).astype("float32")
TOKENS = RNG.integers(0, 5, size=(8, 4)).astype("int32")


class Busy(lamina.Layer):
    """Assigns variables, draws, and adds losses, in itself and in the layers inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(4, activation="tanh", activity_regularizer="l2")
        self.dropout = layers.Dropout(0.5, seed=3)
        self.normal = layers.BatchNormalization()
        self.calls = 0

    def call(self, x, training=None):
        self.calls += 1
        self.add_loss(0.1 * ops.sum(x**2))
        return self.normal(self.dropout(self.dense(x)))


def network():
    """A mask goes from a model inside to the layer behind it."""
    x = lamina.Input((4,), dtype="int32")
    embedding = layers.Embedding(5, 3, mask_zero=True)
    inner = lamina.Sequential([lamina.Input((4,), dtype="int32"), embedding], name="inner")
    h = Busy(name="busy")(layers.LSTM(3, name="lstm")(inner(x)))
    return lamina.Model(x, layers.Dense(1)(h))


def trained(scope, **arguments):
    lamina.utils.clear_session(free_memory=False)
    with scope:
        model = network()
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=w.shape) / 3 for w in model.get_weights()])
    model.compile(lamina.optimizers.SGD(0.1), "mse", **arguments)
    history = model.fit(TOKENS, Y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
    return history["loss"], model


@pytest.fixture(scope="module")
def plain():
    return trained(lamina.RematScope(None))


NAMED = {"mode": "list_of_layers", "layer_names": ["busy", "inner", "lstm"]}


@pytest.mark.parametrize("arguments", [{"mode": "activations"}, NAMED], ids=lambda one: one["mode"])
def test_training_is_the_same(arguments, plain):
    losses, model = trained(lamina.RematScope(**arguments))
    np.testing.assert_allclose(losses, plain[0], rtol=1e-5)
    for one, other in zip(model.get_weights(), plain[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(current().name != "torch", reason="only PyTorch runs the layer once more")
def test_the_gradient_calls_the_layer_again(plain):
    first, second = plain[1], trained(lamina.RematScope(**NAMED))[1]
    # In each of the two steps.
    assert second.get_layer("busy").calls == first.get_layer("busy").calls + 2


def rematerialized(layer, x):
    """How many calls in the program of `layer` are computed anew, JAX's own count."""
    values = [[v.value for v in layer.trainable_variables]]
    values.append([v.value for v in layer.non_trainable_variables])

    def run(values):
        return jax.numpy.sum(layer.stateless_call(*values, x)[0])

    return str(jax.make_jaxpr(run)(values)).count("remat")


def dense(k):
    return k.layers.Dense(5, activation="relu", name="d")


# The scopes, the outer first, in which a layer is made, and another one around its call.
SCOPES = {
    "full": [("full", {})],
    "activations": [("activations", {})],
    "named": [("list_of_layers", {"layer_names": ["d"]})],
    "none": [("full", {}), (None, {})],
    "inner": [("full", {}), ("list_of_layers", {"layer_names": ["other"]})],
    "call": [],
}


@pytest.mark.of_keras
@pytest.mark.parametrize("name", SCOPES)
def test_the_layers_are_those_of_keras(name):
    def program(k):
        def made(scopes):
            if not scopes:
                return dense(k)
            with k.RematScope(scopes[0][0], **scopes[0][1]):
                return made(scopes[1:])

        k.utils.clear_session(free_memory=False)
        layer = made(SCOPES[name])
        with k.RematScope("full"):
            layer(X)
        return rematerialized(layer, X)

    with use("jax"):
        assert program(lamina) == program(keras)


def test_the_size_of_the_output_decides():
    def made(k, threshold):
        class Sine(k.Layer):
            def call(self, x):
                return k.ops.sin(x)

        with k.RematScope("larger_than", output_size_threshold=threshold):
            layer = Sine()
        layer(X)
        return layer

    with use("jax"):
        for threshold in (4, 23, 24):  # of 8 * 3 elements
            counts = [rematerialized(made(k, threshold), X) for k in (lamina, keras)]
            assert counts == [int(threshold < 24)] * 2


def test_a_call_may_be_wrapped_by_hand():
    layer = dense(lamina)
    layer(X)
    again = layer.rematerialized_call(layer.call, X)
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (again(X), layer(X))))


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "some"},
        {"mode": "list_of_layers", "layer_names": "dense"},
        {"mode": "larger_than", "output_size_threshold": "large"},
    ],
)
def test_scopes_that_are_none(arguments):
    with pytest.raises(ValueError, match=r"mode of a|names of layers|number of elements"):
        lamina.RematScope(**arguments)
