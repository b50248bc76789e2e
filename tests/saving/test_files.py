"""Files of models: what Keras wrote loads, Keras loads what is written, and nothing is lost."""

import io
import os
import zipfile

import h5py
import keras
import numpy as np
import pytest

import lamina
from lamina.saving import (
    LoadError,
    load_model,
)
from tests.saving.loading import quietly, refused

DRAWN = np.random.default_rng(0)
X = DRAWN.normal(size=(8, 6, 3)).astype("float32")
Y = DRAWN.normal(size=(8, 2)).astype("float32")


def sequential(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((6, 3)),
            layers.Conv1D(4, 2, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.0),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def functional(k):
    layers = k.layers
    source = k.Input((6, 3))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(source)
    x = layers.MultiHeadAttention(2, 2)(x, x)
    x = layers.TimeDistributed(layers.Dense(2))(x)
    x = k.Sequential([layers.GRU(3), layers.Dense(3)])(x)
    return k.Model(source, layers.Dense(2, name="last")(layers.Add()([x, x])))


MODELS = {"sequential": sequential, "functional": functional}


def trained(k, name):
    model = MODELS[name](k)
    model.compile(k.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    return model


def outputs(model):
    return np.asarray(model.predict(X, verbose=0))


@pytest.fixture(
    scope="module",
    params=["sequential", pytest.param("functional", marks=pytest.mark.of_keras)],
)
def pair(request, tmp_path_factory):
    """A model of Keras with its files, and Lamina's of the same file."""
    folder = tmp_path_factory.mktemp("pair")
    theirs = trained(keras, request.param)
    theirs.save(folder / "theirs.keras")
    theirs.save_weights(folder / "theirs.weights.h5")
    return request.param, folder, theirs, quietly(load_model, folder / "theirs.keras")


def test_a_file_of_keras_loads_and_goes_on_training(pair):
    _, folder, theirs, _ = pair
    ours = quietly(load_model, folder / "theirs.keras")
    assert ours.optimizer.iterations.numpy() == 2
    np.testing.assert_allclose(outputs(ours), outputs(theirs), atol=1e-6)
    again = keras.saving.load_model(folder / "theirs.keras")
    for model in (ours, again):
        model.fit(X, Y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_allclose(outputs(ours), outputs(again), atol=1e-5)


def test_keras_loads_what_is_written_here(pair, tmp_path):
    _, _, theirs, ours = pair
    for name, zipped in (("a.keras", None), ("a", False)):
        ours.save(tmp_path / name, zipped=zipped)
        if zipped is None:
            back = keras.saving.load_model(tmp_path / name)
            np.testing.assert_allclose(outputs(back), outputs(theirs), atol=1e-6)
            assert len(back.optimizer.variables) == len(ours.optimizer.variables)
            for known, mine in zip(back.optimizer.variables, ours.optimizer.variables, strict=True):
                np.testing.assert_array_equal(known, mine)
        again, report = load_model(tmp_path / name, report=True)
        np.testing.assert_array_equal(outputs(again), outputs(ours))
        assert not (report.unverified or report.ignored or report.converted)


def test_weights_alone_both_ways(pair, tmp_path):
    name, folder, theirs, _ = pair
    ours = MODELS[name](lamina)
    quietly(ours.load_weights, folder / "theirs.weights.h5")
    np.testing.assert_allclose(outputs(ours), outputs(theirs), atol=1e-6)
    ours.save_weights(tmp_path / "ours.weights.h5")
    back = MODELS[name](keras)
    back.load_weights(tmp_path / "ours.weights.h5")
    np.testing.assert_allclose(outputs(back), outputs(theirs), atol=1e-6)


def between_tensors(k):
    o, source = k.ops, k.Input((6, 3))
    x = 3.0 / (10.0 - source * 2.0) ** 2
    x = o.reshape(o.concatenate([x, -source], axis=-1), (-1, 6, 6))
    x = o.max(o.transpose(x, (0, 2, 1)), axis=1, keepdims=True) + o.mean(x, axis=1, keepdims=True)
    x = o.split(o.softmax(o.expand_dims(x, 0)[0], axis=-1), 2, axis=-1)[0]
    x = o.einsum("bij,bkj->bik", x, x)[:, 0, 0:]
    x = o.where(o.clip(x, 0, 1) > 0.5, x, 0.0)
    counted = o.one_hot(o.argmax(o.tile(x, (1, 2)), -1), 3)
    return k.Model(source, [o.pad(o.cast(x, "float32"), ((0, 0), (1, 1))), counted])


def test_ops_between_tensors_both_ways(tmp_path):
    ours, theirs = between_tensors(lamina), between_tensors(keras)
    expected = theirs.predict(X, verbose=0)
    theirs.save(tmp_path / "theirs.keras")
    found = load_model(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    found.save(tmp_path / "again.keras")
    for model in (
        ours,
        found,
        load_model(tmp_path / "ours.keras"),
        keras.saving.load_model(tmp_path / "ours.keras"),
        keras.saving.load_model(tmp_path / "again.keras"),
        lamina.models.clone_model(found),
    ):
        for one, known in zip(model.predict(X, verbose=0), expected, strict=True):
            np.testing.assert_allclose(one, known, atol=1e-6)


def one_layer_in_two_places(k):
    dense = k.layers.Dense(3)
    one, many = k.Input((3,)), k.Input((2, 3))
    return k.Model([one, many], [dense(one), k.layers.TimeDistributed(dense)(many)])


def test_a_layer_in_two_places_is_one_layer_again(tmp_path):
    for library, name in ((keras, "theirs"), (lamina, "ours")):
        path = tmp_path / f"{name}.keras"
        model = one_layer_in_two_places(library)
        model.save(path)
        for load in (keras.saving.load_model, load_model):
            again = quietly(load, path)
            for one, known in zip(again.get_weights(), model.get_weights(), strict=True):
                np.testing.assert_array_equal(one, known)


class Stretch(lamina.layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones")

    def call(self, x):
        return x * self.scale

    def save_own_variables(self, store):
        store["mine"] = self.scale

    def load_own_variables(self, store):
        self.scale.assign(store["mine"])

    def save_assets(self, folder):
        with open(os.path.join(folder, "words.txt"), "w") as file:
            file.write("one two")

    def load_assets(self, folder):
        with open(os.path.join(folder, "words.txt")) as file:
            self.words = file.read()


def test_layers_of_ones_own(tmp_path):
    path = tmp_path / "a.keras"
    model = lamina.Sequential([lamina.Input((3,)), Stretch()])
    model.set_weights([np.array([1.0, 2.0, 3.0])])
    model.save(path)
    again = load_model(path, custom_objects={"Stretch": Stretch})
    assert again.layers[0].words == "one two"
    np.testing.assert_array_equal(again.get_weights()[0], [1.0, 2.0, 3.0])
    with (
        zipfile.ZipFile(path) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as stored,
    ):
        assert list(stored["layers/stretch/vars"]) == ["mine"]
    refused(LoadError, path, "'Stretch'")


def test_a_layer_that_fails_to_load_changes_no_other(tmp_path):
    class Failing(Stretch):
        def load_own_variables(self, store):
            super().load_own_variables(store)
            raise RuntimeError("no")

    path, before = tmp_path / "a.weights.h5", [np.ones((3, 3)), np.ones(3), np.ones(3)]
    for last in (Stretch, Failing):
        model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(3), last(name="s")])
        model.set_weights(before if last is Failing else [2 * one for one in before])
        if last is Stretch:
            model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file.move("layers/stretch", "layers/failing")
    with pytest.raises(LoadError, match="no"):
        model.load_weights(path)
    for value, known in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, known)
