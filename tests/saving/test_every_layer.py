"""Files of every layer and of every optimizer: what Keras wrote, and what Keras reads."""

import warnings

import keras
import numpy as np
import pytest

import lamina
from lamina.saving import UnverifiedFileWarning, load_model
from tests.layers.test_layers import ROWS, flags, leaves
from tests.optimizers.test_oracle import OPTIONS, PLAIN

pytestmark = pytest.mark.of_keras
# In the quick form every so many of them.
STRIDE = 30


def some(cases):
    return [
        pytest.param(*case, marks=[pytest.mark.slow] if place % STRIDE else [])
        for place, case in enumerate(cases)
    ]


def model_of(k, row):
    """A model of the row's layer alone."""
    data = row.data()
    inputs = [
        k.Input(one.shape[1:], batch_size=one.shape[0], dtype=one.dtype.name)
        for one in leaves(data)
    ]
    layer = getattr(k.layers, row.layer)(**row.arguments)
    given = inputs if isinstance(data, list) else inputs[0]
    return k.Model(inputs, layer(given, **flags(row))), leaves(data)


def outputs(model, data):
    found = model.predict(data if len(data) > 1 else data[0], batch_size=len(data[0]), verbose=0)
    return [np.asarray(one) for one in leaves(found)]


def agree(found, known):
    assert len(found) == len(known)
    for one, right in zip(found, known, strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-5, atol=1e-5)


def load(path, custom):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnverifiedFileWarning)
        return load_model(path, custom)


@pytest.mark.parametrize("row", some([(row,) for row in ROWS]), ids=str)
def test_files_of_a_layer(row, tmp_path):
    custom = {
        value.__name__: value for value in row.arguments.values() if hasattr(value, "__code__")
    }
    theirs, data = model_of(keras, row)
    draw = np.random.default_rng(1)
    theirs.set_weights([draw.uniform(0.2, 1.0, v.shape) for v in theirs.weights])
    known = outputs(theirs, data)
    theirs.save(tmp_path / "theirs.keras")
    ours = load(tmp_path / "theirs.keras", custom)
    agree(outputs(ours, data), known)
    ours.save(tmp_path / "ours.keras")
    agree(outputs(keras.saving.load_model(tmp_path / "ours.keras", custom), data), known)
    again, _ = model_of(lamina, row)
    again.save_weights(tmp_path / "a.weights.h5")
    theirs.load_weights(tmp_path / "a.weights.h5")
    agree(outputs(theirs, data), outputs(again, data))


X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")


def trained(model):
    model.fit(X, Y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    return np.asarray(model.predict(X, verbose=0))


def dense(k, name, given):
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="tanh"), k.layers.Dense(2)])
    model.compile(getattr(k.optimizers, name)(learning_rate=0.01, **given), "mse", metrics=["mae"])
    return model


# Of averages Keras 3.15 on JAX has lost the arrays after `fit`: it can neither save nor predict.
STATES = [*PLAIN, *(("Adam", options) for options in OPTIONS if "use_ema" not in options)]


@pytest.mark.parametrize(("name", "given"), some(STATES), ids=str)
def test_files_of_an_optimizer(name, given, tmp_path):
    """Trained, saved, loaded and trained on, in either direction, as if there had been no file."""
    theirs = dense(keras, name, given)
    trained(theirs)
    theirs.save(tmp_path / "theirs.keras")
    ours = load(tmp_path / "theirs.keras", None)
    ours.save(tmp_path / "ours.keras")
    back = keras.saving.load_model(tmp_path / "ours.keras")
    for one, known in zip(back.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, known)
    known = trained(theirs)
    np.testing.assert_allclose(trained(ours), known, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(trained(back), known, rtol=1e-4, atol=1e-5)
