import inspect
import os

import numpy as np
import pytest

from lamina import activations, ops
from lamina.core.registry import slots

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

NAMES = [
    name
    for name, entry in inspect.getmembers(keras.activations, inspect.isfunction)
    if name not in ("get", "serialize", "deserialize")
]
MORE = {
    "relu": [
        {"negative_slope": 0.1},
        {"max_value": 1.0},
        {"threshold": 0.5},
        {"negative_slope": 0.2, "max_value": 1.5, "threshold": 0.7},
        {"negative_slope": 0.2, "threshold": -0.7},
    ],
    "gelu": [{"approximate": True}],
    "elu": [{"alpha": 0.5}],
    "celu": [{"alpha": 0.5}],
    "leaky_relu": [{"negative_slope": 0.4}],
    "softmax": [{"axis": 0}],
    "log_softmax": [{"axis": 0}],
    "glu": [{"axis": 0}],
    "squareplus": [{"b": 1}],
    "threshold": [{"threshold": 0.5, "default_value": -1.0}],
}
ROWS = [
    (name, given)
    for name in NAMES
    # Keras's sparsemax gives rows that do not add up to 1; ours has a test of its own below.
    if name != "sparsemax"
    for given in ([] if name == "threshold" else [{}]) + MORE.get(name, [])
]
X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32") * 2


def test_every_name_of_keras_is_there():
    assert set(NAMES) == set(slots["activations"])


@pytest.mark.parametrize(("name", "given"), ROWS)
def test_values_are_those_of_keras(name, given):
    ours = getattr(activations, name)(ops.convert_to_tensor(X), **given)
    theirs = getattr(keras.activations, name)(keras.ops.convert_to_tensor(X), **given)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_sparsemax_is_the_nearest_point_whose_elements_add_up_to_1():
    found = np.asarray(activations.sparsemax(ops.convert_to_tensor(X)))
    np.testing.assert_allclose(found.sum(-1), 1.0, rtol=1e-6)
    # At the nearest point, x less the result is the same wherever the result is positive.
    for row, value in zip(X, found, strict=True):
        assert np.ptp((row - value)[value > 0]) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_those_of_keras(name):
    def plain(function):
        parameters = inspect.signature(function).parameters.values()
        return [(one.name, one.default) for one in parameters]

    assert plain(getattr(activations, name)) == plain(getattr(keras.activations, name))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_saved_by_its_name(name):
    function = activations.get(name)
    assert function is getattr(activations, name)
    assert activations.serialize(function) == keras.activations.serialize(
        keras.activations.get(name)
    )
    assert activations.deserialize(activations.serialize(function)) is function


def test_none_is_linear_and_functions_pass():
    assert activations.get(None) is activations.linear
    assert activations.get(np.tanh) is np.tanh


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="sigmoid"):
        activations.get("sigmoyd")
