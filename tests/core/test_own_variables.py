"""What a layer puts into a file of its own variables, and takes from it."""

import keras
import numpy as np
import pytest

import lamina

X = np.ones((2, 3), "float32")


def made(k, build):
    layer = build(k)
    layer(X)
    return layer


BUILDS = {
    "dense": lambda k: k.layers.Dense(2, name="d"),
    "normalization": lambda k: k.layers.BatchNormalization(),
    "random": lambda k: k.layers.Dropout(0.5),
    "model": lambda k: k.Sequential([k.layers.Dense(2)]),
}


@pytest.mark.parametrize("name", BUILDS)
def test_a_store_holds_what_keras_puts_there(name):
    stores = []
    for k in (lamina, keras):
        store = {}
        made(k, BUILDS[name]).save_own_variables(store)
        stores.append({key: tuple(value.shape) for key, value in store.items()})
    assert stores[0] == stores[1]


def test_layers_pass_their_variables_on():
    first, second = (made(lamina, BUILDS["dense"]) for _ in range(2))
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    theirs = made(keras, BUILDS["dense"])
    theirs.load_own_variables({key: value.numpy() for key, value in store.items()})
    np.testing.assert_array_equal(first.get_weights()[0], theirs.get_weights()[0])


STORES = {
    "few": ({"0": np.ones((3, 2))}, "1 variables.*kernel, bias"),
    "none": ({}, "0 variables"),
    "shape": ({"0": np.zeros((3, 2)), "1": np.zeros(5)}, r"d/bias.*\(2,\).*\(5,\)"),
    "keys": ({"a": np.ones((3, 2)), "b": np.zeros(2)}, "0"),
}


@pytest.mark.parametrize("name", STORES)
def test_what_does_not_fit_is_an_error_of_keras_own_class(name):
    store, message = STORES[name]
    with pytest.raises((ValueError, KeyError)) as theirs:
        made(keras, BUILDS["dense"]).load_own_variables(store)
    layer = made(lamina, BUILDS["dense"])
    before = layer.get_weights()
    with pytest.raises(theirs.type, match=message):
        layer.load_own_variables(store)
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_a_layer_that_was_never_built():
    with pytest.raises(ValueError, match="never built"):
        lamina.layers.Dense(2).load_own_variables({"0": 1})


def test_add_variable_is_add_weight():
    def program(k):
        class Own(k.layers.Layer):
            def build(self, input_shape):
                self.scale = self.add_variable((2,), "ones", trainable=False, name="scale")
                self.shift = self.add_variable(shape=(), initializer="zeros", regularizer="l2")

            def call(self, x):
                return x

        k.utils.clear_session(free_memory=False)
        layer = Own(name="own")
        layer(X)
        return [(v.path, tuple(v.shape), v.trainable) for v in layer.weights], len(layer.losses)

    assert program(lamina) == program(keras)


def test_add_metric_says_what_took_its_place():
    for k in (lamina, keras):
        with pytest.raises(NotImplementedError, match="add_metric"):
            k.layers.Dense(2).add_metric(k.metrics.Mean())
