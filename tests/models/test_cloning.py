"""Clones of models: the same layers and calls as Keras's."""

import keras
import numpy as np
import pytest

import lamina

pytestmark = pytest.mark.of_keras

X = np.arange(6, dtype="float32").reshape(2, 3)


def chain(k):
    return k.Sequential([k.Input((3,), name="x"), k.layers.Dense(4, name="a")], name="chain")


def branches(k):
    """Two inputs, a layer called twice, a layer and an op as outputs."""
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    shared = k.layers.Dense(4, name="shared")
    joined = k.layers.Concatenate(name="joined")([shared(a), shared(b)])
    outputs = [k.layers.Dense(1, name="last")(joined), k.ops.sum(joined * 2.0, axis=-1)]
    return k.Model([a, b], outputs, name="branches")


def nested(k):
    x, y = k.Input((3,), name="x"), k.Input((4,), name="y")
    inner = k.Model(y, k.layers.Dense(4, name="inside")(y), name="inner")
    return k.Model(x, inner(inner(chain(k)(x))), name="outer")


def named_dictionary(k):
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    return k.Model({"a": a, "b": b}, {"sum": k.layers.Add(name="add")([a, b])})


BUILDS = [chain, branches, nested, named_dictionary]


def described(model):
    return type(model).__name__, [(layer.name, type(layer).__name__) for layer in model.layers]


@pytest.mark.parametrize("build", BUILDS)
def test_a_clone_has_the_same_layers_and_new_weights(build):
    model = build(lamina)
    clone = lamina.models.clone_model(model)
    assert described(clone) == described(keras.models.clone_model(build(keras)))
    assert clone.name == model.name and len(clone.weights) == len(model.weights)
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
    clone.set_weights(model.get_weights())
    inputs = lamina.tree.map_structure(lambda _: X, model.input)
    for one, other in zip(*(lamina.tree.flatten(m(inputs)) for m in (model, clone)), strict=True):
        assert np.allclose(*map(lamina.ops.convert_to_numpy, (one, other)))


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("build", BUILDS)
def test_functions_are_asked_for_what_keras_asks_them_for(build, recursive):
    def seen(k):
        cloned, called = [], []

        def clone_function(layer):
            cloned.append(layer.name)
            return type(layer).from_config(layer.get_config())

        def call_function(layer, *args, **kwargs):
            called.append(layer.name)
            return layer(*args, **kwargs)

        k.utils.clear_session(free_memory=False)
        model = build(k)
        functions = {"clone_function": clone_function}
        if build is not chain:
            functions["call_function"] = call_function
        k.models.clone_model(model, recursive=recursive, **functions)
        # Of two that do not depend on each other, either may come first.
        return sorted(cloned), sorted(called)

    assert seen(lamina) == seen(keras)


def test_layers_may_be_kept_and_calls_added():
    def program(k):
        def call_function(layer, *args, **kwargs):
            output = layer(*args, **kwargs)
            return k.layers.ReLU()(output) if isinstance(layer, k.layers.Dense) else output

        model = branches(k)
        clone = k.models.clone_model(model, None, lambda layer: layer, call_function)
        assert clone.get_layer("shared") is model.get_layer("shared")
        return [type(layer).__name__ for layer in clone.layers]

    assert program(lamina) == program(keras)


@pytest.mark.parametrize("build", [chain, branches])
def test_new_inputs(build):
    def program(k):
        k.utils.clear_session(free_memory=False)
        made = [k.Input((5,), name="p"), k.layers.Dense(5)(k.Input((2,)))]
        clone = k.models.clone_model(build(k), made[:1] if build is chain else made)
        return (
            clone.inputs[0].name,
            [tuple(one.shape) for one in clone.inputs],
            clone.count_params(),
        )

    assert program(lamina) == program(keras)


def test_a_clone_is_compiled_as_the_model_was():
    def program(k):
        model = chain(k)
        model.compile(k.optimizers.Adam(0.03, name="own"), "mse", metrics=["mae"])
        clone = k.models.clone_model(model)
        assert clone.optimizer is not model.optimizer
        rate = round(float(clone.optimizer.learning_rate), 5)
        return clone.compiled, clone.optimizer.name, clone.loss, rate, clone.optimizer.built

    assert program(lamina) == program(keras)


def test_a_subclass_is_made_from_its_config():
    class Own(lamina.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense = lamina.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    model = Own(4, name="own")
    assert not lamina.models.clone_model(model).built
    model(X)
    clone = lamina.models.clone_model(model)
    assert (type(clone), clone.units, clone.name) == (Own, 4, "own")
    assert [v.shape for v in clone.weights] == [(3, 4), (4,)]
    with pytest.raises(ValueError, match="Own"):
        lamina.models.clone_model(model, clone_function=lambda layer: layer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_tensors": [lamina.Input((3,))]}, "nested as"),
        ({"input_tensors": [X, X]}, "ndarray"),
        ({"clone_function": 3}, "clone_function is a function"),
        ({"other": 3}, "no argument 'other'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        lamina.models.clone_model(branches(lamina), **arguments)


def test_what_a_sequential_refuses():
    model = chain(lamina)
    for arguments in ({"call_function": print}, {"input_tensors": [lamina.Input((3,))] * 2}):
        with pytest.raises(ValueError, match="Sequential"):
            lamina.models.clone_model(model, **arguments)
    with pytest.raises(ValueError, match="takes a model"):
        lamina.models.clone_model(lamina.layers.Dense(2))
