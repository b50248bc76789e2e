"""Models as JSON: between here and Keras, built and compiled."""

import json

import keras
import numpy as np
import pytest

import lamina

pytestmark = pytest.mark.of_keras

X = np.arange(6, dtype="float32").reshape(2, 3)


def chain(k):
    constant = k.initializers.Constant(np.array([1.0, 2.0], "float32"))
    dense = k.layers.Dense(2, "relu", bias_initializer=constant, name="a")
    return k.Sequential([k.Input((3,), name="x"), dense, k.layers.Dropout(0.5)], name="chain")


def functional(k):
    x = k.Input((3,), name="x")
    h = k.layers.Dense(2, name="h")(x)
    return k.Model(x, [h, k.layers.LSTM(2, name="l")(k.layers.Reshape((1, 2))(h))], name="net")


def compiled(k, build, **arguments):
    model = build(k)
    loss = k.losses.MeanSquaredError(name="squares")
    rate = k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(k.optimizers.SGD(rate), loss, **arguments)
    return model


@pytest.mark.parametrize("build", [chain, functional])
def test_json_is_keras_own(build):
    ours, theirs = (json.loads(build(k).to_json()) for k in (lamina, keras))
    for one in (ours, theirs):
        one["config"].pop("layers")
        one.pop("registered_name")
    assert ours == theirs


@pytest.mark.parametrize("build", [chain, functional])
@pytest.mark.parametrize(("source", "target"), [(lamina, keras), (keras, lamina), (lamina, lamina)])
def test_models_pass_between_here_and_keras(build, source, target):
    model = compiled(source, build)
    again = target.models.model_from_json(model.to_json())
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert [v.shape for v in again.weights] == [v.shape for v in model.weights]
    assert again.compiled and type(again.optimizer).__name__ == "SGD" and again.optimizer.built
    again.set_weights(model.get_weights())
    again.jit_compile = False  # Keras writes True, which takes PyTorch long
    first, second = model.predict(X, verbose=0), again.predict(X, verbose=0)
    for one, two in zip(*map(keras.tree.flatten, (first, second)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_indentation_and_constants_in_the_graph():
    x = lamina.Input((3,))
    model = lamina.Model(x, x[:, 1:] + np.ones(2, "float32") + lamina.ops.ones(2))
    again = lamina.models.model_from_json(model.to_json(indent=1))
    assert lamina.ops.convert_to_numpy(again(X)).tolist() == [[3.0, 4.0], [6.0, 7.0]]


def test_a_subclass_is_built_and_compiled():
    class Own(lamina.Model):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.dense = lamina.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    model = Own(3)
    model(X)
    model.compile("adam", "mse", metrics=["mae"])
    again = lamina.models.model_from_json(model.to_json(), {"Own": Own})
    assert [v.shape for v in again.weights] == [(3, 3), (3,)] and again.compiled
    with pytest.raises(ValueError, match="nothing called 'Own'"):
        lamina.models.model_from_json(model.to_json())


@pytest.mark.parametrize("text", ["{", "[1]", '{"class_name": "Zeros", "config": {}}'])
def test_what_is_no_model(text):
    with pytest.raises(ValueError, match=r"property name|should describe|describes|nothing called"):
        lamina.models.model_from_json(text)


COMPILED = {
    "names": {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mse"]},
    "dictionaries": {"loss": {"h": "mse", "l": "mae"}, "loss_weights": {"h": 0.5, "l": 2.0}},
    "execution": {"loss": "mse", "steps_per_execution": 3, "jit_compile": False},
}


@pytest.mark.parametrize("arguments", COMPILED.values(), ids=COMPILED)
def test_compile_configs_are_keras_own(arguments):
    def config(k):
        model = functional(k)
        model.compile("sgd", **arguments)
        found = model.get_compile_config()
        again = functional(k)
        again.compile_from_config(found)
        assert again.compiled and again.optimizer.built
        optimizer = found.pop("optimizer")
        found["optimizer"] = optimizer["class_name"], optimizer["config"]["learning_rate"]
        return found

    ours, theirs = config(lamina), config(keras)
    asked = ours.pop("jit_compile"), theirs.pop("jit_compile")
    assert asked == ("auto", True) or asked[0] == asked[1]
    assert ours == theirs


def test_an_own_compile_is_not_called_from_a_config():
    class Own(lamina.Sequential):
        def compile(self, something, **kwargs):
            super().compile(**kwargs)

    model = Own([lamina.layers.Dense(1)])
    model.compile_from_config({})
    with pytest.warns(UserWarning, match="Own has a `compile` of its own"):
        model.compile_from_config({"optimizer": "sgd"})
    assert not model.compiled and model.get_compile_config() == {}


def test_how_steps_run_may_be_read_and_set():
    model = chain(lamina)
    assert model.run_eagerly is False
    model.compile("sgd", "mse")
    assert model.jit_compile is lamina.backend.current().compiles
    model.jit_compile = False
    model.run_eagerly = True
    assert (model.jit_compile, model.run_eagerly) == (False, True)
    with pytest.raises(ValueError, match="jit_compile is True"):
        model.jit_compile = 3
    with pytest.warns(UserWarning, match="run_eagerly=True"):
        model.compile("sgd", "mse", run_eagerly=True, jit_compile=True)
    assert (model.jit_compile, model.run_eagerly) == (False, True)
