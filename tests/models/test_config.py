"""Models as plain data and back."""

import json

import numpy as np

import lamina
from lamina import layers, ops


def rebuilt(model):
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    return again


def same(model, *inputs):
    again = rebuilt(model)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    first, second = model(*inputs), again(*inputs)
    for one, two in zip(lamina_leaves(first), lamina_leaves(second), strict=True):
        assert np.allclose(*map(ops.convert_to_numpy, (one, two)))


def lamina_leaves(tree):
    from lamina.symbolic.tensor import leaves

    return leaves(tree)


def test_sequential():
    same(
        lamina.Sequential([lamina.Input((3,)), layers.Dense(2, "relu"), layers.Dense(1)]),
        np.ones((2, 3)),
    )


def test_branches_shared_layers_and_ops():
    a, b = lamina.Input((3,), name="a"), lamina.Input((3,), name="b")
    shared = layers.Dense(4, activation="tanh")
    h = layers.Concatenate()([shared(a), shared(b)])
    model = lamina.Model([a, b], [layers.Dense(1)(h), ops.sum(h * 2.0, axis=-1)])
    same(model, [np.ones((2, 3)), np.zeros((2, 3))])


def test_nested_models_and_dictionaries():
    x = lamina.Input((4,), name="x")
    inner = lamina.Model(x, {"p": layers.Dense(2)(x), "q": layers.Dense(3)(x)}, name="inner")
    y = lamina.Input((4,), name="y")
    both = inner(y)
    same(
        lamina.Model({"y": y}, layers.Concatenate()([both["p"], both["q"]])), {"y": np.ones((2, 4))}
    )


def test_a_model_from_the_middle_of_a_graph_holds_what_comes_after():
    x = lamina.Input((3,))
    middle = layers.Dense(4)(x)
    model = lamina.Model(middle, layers.Dense(2, name="last")(middle))
    assert [v.path for v in model.weights] == ["last/kernel", "last/bias"]
    assert model(np.ones((5, 4))).shape == (5, 2)
