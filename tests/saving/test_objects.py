"""Objects as plain data, in the forms of Keras 3 and Keras 2."""

import functools
import json

import keras
import numpy as np
import pytest

import lamina
from lamina import ops

VALUES = {
    "none": None,
    "number": 3,
    "nested": {"a": [1, 2.5, {"b": "text"}]},
    "bytes": b"ab",
    "array": np.arange(4.0).reshape(2, 2),
    "scalar": np.float32(1.5),
    "slice": slice(1, None, 2),
    "ellipsis": ...,
}


@pytest.mark.parametrize("name", VALUES)
def test_values_have_keras_form_and_come_back(name):
    value = VALUES[name]
    found = lamina.utils.serialize_keras_object(obj=value)
    assert found == keras.utils.serialize_keras_object(value)
    again = lamina.saving.deserialize_keras_object(json.loads(json.dumps(found)))
    np.testing.assert_equal(again, value)


def test_tensors_and_symbolic_tensors():
    found = lamina.utils.serialize_keras_object(ops.ones(2))
    assert found == keras.utils.serialize_keras_object(keras.ops.ones(2))
    assert ops.convert_to_numpy(lamina.utils.deserialize_keras_object(found)).tolist() == [1, 1]
    symbolic = lamina.KerasTensor((None, 3), "int32")
    again = lamina.utils.deserialize_keras_object(lamina.utils.serialize_keras_object(symbolic))
    assert (again.shape, again.dtype) == ((None, 3), "int32")


OBJECTS = {
    "layer": lambda k: k.layers.Dropout(0.5, name="d"),
    "initializer": lambda k: k.initializers.Constant(np.arange(2.0)),
    "function": lambda k: k.activations.relu,
    "policy": lambda k: k.DTypePolicy("mixed_bfloat16"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_have_keras_form_and_come_back(name):
    made = OBJECTS[name](lamina)
    found = lamina.utils.serialize_keras_object(made)
    assert found == keras.utils.serialize_keras_object(OBJECTS[name](keras))
    again = lamina.utils.deserialize_keras_object(found)
    assert lamina.utils.serialize_keras_object(again) == found


def test_a_built_layer_comes_back_built():
    layer = lamina.layers.Dense(2)
    layer(np.ones((1, 3), "float32"))
    again = lamina.utils.deserialize_keras_object(lamina.utils.serialize_keras_object(layer))
    assert [v.shape for v in again.weights] == [(3, 2), (2,)]


@pytest.mark.parametrize("value", [{1}, range(3), np.dtype("float32"), functools.partial(max, 1)])
def test_what_has_no_plain_form(value):
    for k in (lamina, keras):
        with pytest.raises(TypeError):
            k.utils.serialize_keras_object([value] if k is lamina else value)


class Own(lamina.layers.Layer):
    def __init__(self, function=None, **kwargs):
        super().__init__(**kwargs)
        self.function = function


def test_names_are_those_of_registration():
    assert lamina.utils.get_registered_name(obj=lamina.layers.Dense) == "Dense"
    layer = Own(function=len, name="own")
    with pytest.raises(TypeError, match="len"):
        lamina.utils.serialize_keras_object(layer)
    config = {"class_name": "Own", "config": {"name": "own"}, "module": None}
    for argument in ("custom_objects", "module_objects"):
        found = lamina.utils.deserialize_keras_object(config, **{argument: {"Own": Own}})
        assert type(found) is Own


LEGACY = {
    "none": lambda k: None,
    "initializer": lambda k: k.initializers.Constant(2.0),
    "function": lambda k: k.activations.relu,
    "layer": lambda k: k.layers.Dropout(0.5, name="d"),
}


@pytest.mark.parametrize("name", LEGACY)
def test_the_form_of_keras_2(name):
    ours, theirs = LEGACY[name](lamina), LEGACY[name](keras)
    found = lamina.utils.legacy.serialize_keras_object(ours)
    assert found == keras.utils.legacy.serialize_keras_object(theirs)
    known = {type(ours).__name__: type(ours), "relu": lamina.activations.relu}
    again = lamina.utils.legacy.deserialize_keras_object(found, known)
    assert lamina.utils.legacy.serialize_keras_object(again) == found


def test_functions_among_the_arguments_of_keras_2():
    def double(x):
        return 2 * x

    found = lamina.utils.legacy.serialize_keras_object(Own(function=double, name="own"))
    assert found["config"]["function"] == "double"
    again = lamina.utils.legacy.deserialize_keras_object(
        found, custom_objects={"Own": Own, "double": double}
    )
    assert again.function is double
    plain = lamina.utils.legacy.deserialize_keras_object(
        {"class_name": "added", "config": {"a": 1, "b": 2}}, {"added": lambda a, b: a + b}
    )
    assert plain == 3


@pytest.mark.parametrize(
    "value", [3, [1], {"class_name": "Dense"}, {"class_name": "No", "config": {}}]
)
def test_what_keras_2_has_no_form_for(value):
    for k in (lamina, keras):
        with pytest.raises(ValueError):
            k.utils.legacy.deserialize_keras_object(value, {"Dense": k.layers.Dense})
    with pytest.raises(ValueError, match="no function"):
        lamina.utils.legacy.serialize_keras_object(3)
