"""Functions of JAX, modules of Flax and what TensorFlow saved, as layers."""

import keras as real
import numpy as np
import pytest

import lamina as keras
from lamina import layers
from lamina.backend import use
from tests.programs.agreement import X, agree, learns, line

tf = pytest.importorskip("tensorflow")
jax = pytest.importorskip("jax")
linen = pytest.importorskip("flax.linen")

pytestmark = pytest.mark.every_backend
on_both = pytest.mark.parametrize("backend", ["jax", "tensorflow"])


def call(params, state, rng, inputs, training):
    outputs = inputs @ params["dense"]["kernel"] + params["dense"]["bias"]
    if training:
        outputs = outputs * jax.random.bernoulli(rng, 0.9, outputs.shape)
    return outputs, {"calls": state["calls"] + params["step"]}


def init(rng, inputs, training):
    assert training and inputs.shape[1:] == (4,)
    dense = {"kernel": jax.random.normal(rng, (4, 8)), "bias": jax.numpy.zeros(8)}
    return {"dense": dense, "step": np.int32(2)}, {"calls": np.int32(0)}


def test_a_function_of_jax_is_as_in_keras():
    params = {"dense": {"kernel": X[:4], "bias": X[0]}, "step": np.int32(2)}
    given = {"init_fn": init, "params": params, "state": {"calls": np.int32(0)}}
    with use("jax"):
        layer, known = layers.JaxLayer(call, **given), real.layers.JaxLayer(call, **given)
        np.testing.assert_allclose(layer(X), known(X), rtol=1e-6)
        assert sorted(v.shape for v in layer.variables) == sorted(v.shape for v in known.variables)
        assert [v.shape for v in layer.trainable_weights] == [(4,), (4, 4)]
        assert int(layer.state["calls"]) == 2 and layer.params["dense"]["bias"].shape == (4,)
        assert layer.get_config().keys() == known.get_config().keys()
        config = keras.saving.serialize_keras_object(layer) | {"build_config": None}
        again = keras.saving.deserialize_keras_object(config, {"call": call, "init": init})
        assert again.call_fn is call and again.init_fn is init


@on_both
def test_a_function_of_jax_learns(backend):
    with use(backend):
        layer = layers.JaxLayer(call, init, seed=1)
        model = line(layer)
        assert layer.compute_output_shape((None, 4)) == (None, 8)
        calls = int(layer.state["calls"])
        model.compile(keras.optimizers.Adam(0.05), "mse")
        learns(model)
        assert int(layer.state["calls"]) == calls + 2 * 32


class Perceptron(linen.Module):
    @linen.compact
    def __call__(self, inputs, training):
        hidden = linen.BatchNorm(use_running_average=not training)(linen.Dense(8)(inputs))
        return linen.Dropout(0.1, deterministic=not training)(hidden)


def of_parts(module, inputs, training):
    return module(jax.numpy.concatenate(inputs, -1), training)


def test_a_module_of_flax_learns():
    with use("jax"):
        layer = layers.FlaxLayer(Perceptron(), seed=1)
        model = line(layer)
        model.compile(keras.optimizers.Adam(0.05), "mse")
        learns(model)
        assert layer.state["batch_stats"]["BatchNorm_0"]["mean"].numpy().any()
        assert len(layer.trainable_weights) == 4 and len(layer.non_trainable_weights) == 2
        kept = jax.tree.map(lambda v: v.numpy(), {**layer.params, **layer.state})
        expected = Perceptron().apply(kept, X, training=False)
        np.testing.assert_allclose(np.asarray(layer(X)), expected, rtol=1e-4, atol=1e-5)
        again = layers.FlaxLayer(Perceptron(), of_parts, kept)
        found = again([X[:, :1], X[:, 1:]])
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4, atol=1e-5)
    with use("tensorflow"):
        found = layers.FlaxLayer(Perceptron(), variables=kept)(X)
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4, atol=1e-5)


def drawn():
    layer = layers.JaxLayer(lambda rng, inputs: inputs if rng is None else rng, seed=5)
    return [layer(X), layer(X, training=True)]


def test_the_same_keys_are_drawn_on_both():
    agree(drawn, "tensorflow")


class Saved(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(tf.ones((4, 2)), name="kernel")
        self.calls = tf.Variable(0, trainable=False, name="calls")

    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def serve(self, inputs):
        return inputs @ self.kernel

    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def train(self, inputs):
        self.calls.assign_add(1)
        return 2 * inputs @ self.kernel


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path, module = tmp_path_factory.mktemp("saved"), Saved()
    tf.saved_model.save(module, str(path), signatures=module.serve)
    return path


def test_a_saved_program_learns(folder):
    with use("tensorflow"):
        layer = layers.TFSMLayer(folder, call_training_endpoint="train")
        expected = np.repeat(X.sum(1, keepdims=True), 2, 1)
        np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-5)
        assert [v.path for v in layer.weights] == [f"{layer.name}/kernel", f"{layer.name}/calls"]
        model = line(layer)
        model.compile(keras.optimizers.Adam(0.05), "mse")
        learns(model)
        assert layer.get_weights()[1] == 32
        assert layers.TFSMLayer(folder, trainable=False).trainable_weights == []


def test_a_saved_program_is_called_by_its_signature_and_not_by_a_config(folder):
    with use("tensorflow"):
        layer = layers.TFSMLayer(folder, "serving_default")
        assert layer(X)["output_0"].shape == (32, 2)
        with pytest.raises(
            ValueError, match="no endpoint 'other', but: serve, serving_default, tr"
        ):
            layers.TFSMLayer(folder, "other")
        config = layer.get_config()
        with pytest.raises(ValueError, match="program that could do anything"):
            layers.TFSMLayer.from_config(config)
        again = layers.TFSMLayer.from_config(config, safe_mode=False)
        assert again.get_config() == config


@pytest.mark.parametrize(
    ("made", "backend", "home"),
    [
        (lambda: layers.JaxLayer(call, init), "torch", "a function of JAX .* KERAS_BACKEND=jax"),
        (lambda: layers.FlaxLayer(Perceptron()), "torch", r"a flax\.linen\.Module .*=jax"),
        (lambda: layers.TFSMLayer("folder"), "jax", "a SavedModel .* KERAS_BACKEND=tensorflow"),
        (lambda: layers.FlaxLayer(call), "jax", r"takes a flax\.linen\.Module, .* function"),
        (lambda: layers.JaxLayer(call), "jax", "needs init_fn, params or state"),
        (lambda: layers.JaxLayer(lambda x: x), "jax", "call_fn takes `inputs` and any of"),
    ],
)
def test_what_cannot_run_is_refused(made, backend, home):
    with use(backend), pytest.raises(ValueError, match=home):
        made()


def test_a_state_of_another_structure_is_refused():
    with use("jax"), pytest.raises(ValueError, match="another structure than it was given"):
        layers.JaxLayer(lambda state, inputs: (inputs, [state]), state=1.0)(X)
