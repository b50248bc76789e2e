"""Layers, functions, optimizers and metrics that a program registers, through files both ways."""

import json
import types

import keras
import numpy as np
import pytest

import lamina

# What Keras writes has no digests.
pytestmark = pytest.mark.filterwarnings("ignore::lamina.saving.UnverifiedFileWarning")
X = np.random.default_rng(0).normal(size=(8, 3, 4)).astype("float32")
PAIRS = [(keras, lamina), (lamina, keras), (lamina, lamina)]


def program(k):
    """What a program of `k` defines under the package `ours`."""
    register = k.saving.register_keras_serializable

    @register("ours")
    class Product(k.layers.Layer):
        def build(self, s):  # an argument by a name of its own
            self.w = self.add_weight(shape=(s[-1], 2), initializer="ones")
            self.inner = k.layers.Dense(2)
            self.inner.build((None, 2))

        def call(self, x):
            return self.inner(k.ops.matmul(x, self.w))

    @register("ours")
    def act(x):
        return 2 * k.ops.tanh(x)

    @register("ours")
    def cost(y_true, y_pred):
        return k.ops.mean(k.ops.abs(y_true - y_pred), axis=-1)

    @register("ours")
    class Descent(k.optimizers.SGD):
        pass

    @register("ours")
    class Error(k.metrics.MeanAbsoluteError):
        pass

    return types.SimpleNamespace(
        **{k: v for k, v in locals().items() if k not in ("k", "register")}
    )


# Made once: a name is registered once.
PROGRAMS = {k.__name__: program(k) for k in (keras, lamina)}


def network(k):
    own = PROGRAMS[k.__name__]
    inputs = k.Input((3, 4))
    # Its config has no `trainable`, as those of ops have none.
    x = k.layers.SpatialDropout1D(0.1)(inputs)
    x = own.Product()(k.layers.GroupQueryAttention(2, 2, 1)(x, x))
    x = k.layers.Dense(2, activation=own.act)(x)
    model = k.Model(inputs, k.layers.Lambda(own.act)(x))
    model.compile(own.Descent(0.1), own.cost, metrics=[own.Error()], jit_compile=False)
    return model


def number(k, model):
    return k.ops.convert_to_numpy(model(X))


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_they_come_back(writer, reader, ending, tmp_path):
    model = network(writer)
    model.save(tmp_path / f"m{ending}")
    again = reader.models.load_model(tmp_path / f"m{ending}")
    np.testing.assert_allclose(number(reader, again), number(writer, model), 1e-4, 1e-5)
    assert type(again.optimizer).__name__ == "Descent"
    logs = again.evaluate(X, np.zeros((8, 3, 2)), verbose=0, return_dict=True)
    assert list(logs) == ["loss", "mean_absolute_error"]
    np.testing.assert_allclose(logs["loss"], logs["mean_absolute_error"], 1e-5)


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_they_come_back_from_json(writer, reader):
    again = reader.models.model_from_json(network(writer).to_json())
    assert number(reader, again).shape == (8, 3, 2)


def test_functions_have_the_form_of_keras():
    def plain(x):
        return x

    for k in (keras, lamina):
        described = [
            k.saving.serialize_keras_object(one)
            for one in (PROGRAMS[k.__name__].act, plain, k.activations.relu)
        ]
        assert [one["config"] for one in described] == ["ours>act", "plain", "relu"]
        for one in described:
            kept = {key: value for key, value in one.items() if key != "config"}
            assert kept == {
                "module": "builtins",
                "class_name": "function",
                "registered_name": "function",
            }


def test_a_function_is_found_by_its_own_name_too():
    """In a process that did not register it, and by a file from before."""
    config = lamina.layers.Dense(1, activation=PROGRAMS["lamina"].act).get_config()
    text = json.dumps(config)
    older = {"module": None, "class_name": "function", "config": "act"}

    def mine(x):
        return x

    for activation in (
        json.loads(text.replace("ours>act", "other>mine"))["activation"],
        {**older, "config": "mine", "registered_name": "other>mine"},
    ):
        with lamina.saving.custom_object_scope({"mine": mine}):
            layer = lamina.layers.Dense.from_config({**config, "activation": activation})
        assert layer.activation is mine
    layer = lamina.layers.Dense.from_config(
        {**config, "activation": {**older, "registered_name": "ours>act"}}
    )
    assert layer.activation is PROGRAMS["lamina"].act
    with pytest.raises(ValueError, match="'other>mine'"):
        lamina.layers.Dense.from_config(
            {**config, "activation": {**older, "registered_name": "x", "config": "other>mine"}}
        )


def test_the_one_shape_of_build_has_one_name_in_files():
    layer = PROGRAMS["lamina"].Product()
    layer(X)
    assert layer.get_build_config() == {"input_shape": (8, 3, 4)}
    again = PROGRAMS["lamina"].Product()
    again.build_from_config({"s": [None, 3, 4]})  # as older files have it
    assert again.built and again.w.shape == (4, 2)


@pytest.mark.parametrize("k", [keras, lamina], ids=["keras", "lamina"])
def test_what_has_no_weights_yet_is_not_written(k, tmp_path):
    with pytest.raises(ValueError, match="built"):
        k.Sequential([k.layers.Dense(2)]).save_weights(tmp_path / "m.weights.h5")
    assert not list(tmp_path.iterdir())
