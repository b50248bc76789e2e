"""What programs written for Keras do with layers and models, in one line each."""

import inspect

import numpy as np
import pytest

import lamina
from lamina import layers, ops

X = np.arange(12, dtype="float32").reshape(3, 4) / 10


class NeedsMask(lamina.Layer):
    """Crashes without a mask."""

    def call(self, x, mask=None):
        return ops.sum(x * ops.cast(ops.expand_dims(mask, -1), x.dtype), axis=1)


def test_masks_reach_layers_while_a_model_is_defined():
    model = lamina.Sequential(
        [lamina.Input((4,)), layers.Embedding(9, 3, mask_zero=True), NeedsMask()]
    )
    assert model(np.array([[1, 2, 0, 0]])).shape == (1, 3)


def test_a_constructor_shows_its_parameters():
    assert list(inspect.signature(layers.Dense).parameters)[:2] == ["units", "activation"]


def test_a_layer_without_super_init_says_so():
    class Forgetful(lamina.Layer):
        def __init__(self):
            self.inner = layers.Dense(2)

    with pytest.raises(RuntimeError, match=r"super\(\).__init__"):
        Forgetful()(X)


def test_weights_made_in_init_carry_the_layers_name():
    class Counter(lamina.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    assert Counter(name="counter").count.path == "counter/count"


def test_a_model_built_late_is_named_once_in_paths():
    model = lamina.Sequential([layers.Dense(2, name="d")], name="s")
    model.build((None, 4))
    assert model.weights[0].path == "s/d/kernel"


def test_a_disconnected_model_is_refused():
    a, b = lamina.Input((4,)), lamina.Input((4,))
    with pytest.raises(ValueError, match="does not come from the inputs"):
        lamina.Model(a, layers.Add()([a, b]))


def test_two_layers_of_one_name_are_refused():
    a = lamina.Input((4,))
    with pytest.raises(ValueError, match="several layers called 'z'"):
        lamina.Model(a, layers.Dense(2, name="z")(layers.Dense(2, name="z")(a)))


def test_a_model_with_slices_comes_back_from_its_config():
    x = lamina.Input((6, 4))
    model = lamina.Model([x], [ops.relu(x[:, 0] * 2 + x[:, 1])])
    data = np.ones((2, 6, 4), "float32")
    again = lamina.Model.from_config(model.get_config())
    np.testing.assert_allclose(again(data), model(data))


def test_an_optional_input_may_be_none():
    a, b = lamina.Input((4,)), lamina.Input((4,), optional=True)
    model = lamina.Model([a, b], layers.Dense(2)(a))
    assert model([X, None]).shape == (3, 2)


def test_lstm_refuses_an_input_without_time():
    with pytest.raises(ValueError, match="expected 3 dimensions"):
        layers.LSTM(2)(X)


def test_variables_iterate_and_have_the_compute_type_in_a_call():
    assert len(list(lamina.Variable("zeros", shape=(3,)))) == 3
    seen = []

    class Scale(lamina.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(4,), initializer="ones")

        def call(self, x):
            seen.append(self.scale.dtype)
            return x * self.scale

    layer = Scale(dtype="mixed_bfloat16")
    layer(X)
    assert seen[-1] == "bfloat16" and layer.scale.dtype == "float32"


def test_functions_come_back_from_kerass_description():
    form = {"class_name": "function", "config": "relu", "registered_name": "function"}
    assert lamina.activations.deserialize({"module": "builtins", **form}).__name__ == "relu"


def test_layers_serialize_and_deserialize():
    assert layers.deserialize(layers.serialize(layers.Dense(7))).units == 7
