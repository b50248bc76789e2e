"""Models of several outputs, nested and not: the same names and numbers as Keras's."""

import keras
import numpy as np
import pytest

import lamina

pytestmark = pytest.mark.of_keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
P = RNG.normal(size=(8, 2)).astype("float32")
V = RNG.normal(size=(8, 1)).astype("float32")
WEIGHTS = RNG.random(8).astype("float32")


def nested(k):
    x = k.Input((3,), name="x")
    many = [k.layers.Dense(1, name="n1")(x), k.layers.Dense(1, name="n2")(x)]
    return k.Model(x, {"p": k.layers.Dense(2, name="first")(x), "n": many})


def pair(k):
    x = k.Input((3,), name="x")
    return k.Model(x, [k.layers.Dense(2, name="a")(x), k.layers.Dense(1, name="b")(x)])


def lists(k):
    x = k.Input((3,), name="x")
    return k.Model(x, [[k.layers.Dense(2, name="a")(x)], [k.layers.Dense(1, name="b")(x)]])


NESTED = {"p": "mse", "n": ["mse", "mae"]}
CASES = {
    "nested": (nested, {"loss": NESTED}, {"p": P, "n": [V, V]}),
    "nested metrics": (
        nested,
        {"loss": NESTED, "metrics": {"p": ["mae"], "n": [["mae"], ["mse"]]}},
        {"p": P, "n": [V, V]},
    ),
    "lists": (lists, {"loss": [["mse"], ["mae"]]}, [[P], [V]]),
    "no targets": (pair, {"loss": [None, "mse"], "metrics": [None, "mae"]}, [None, V]),
    "targets of the only loss": (pair, {"loss": ["mse", None], "metrics": [["mae"], None]}, P),
    "the same in a list": (pair, {"loss": [None, "mse"]}, [V]),
    "one weight": (pair, {"loss": "mse", "loss_weights": [0.3]}, [P, V]),
    "weighted": (
        pair,
        {"loss": {"a": "mse", "b": "mae"}, "weighted_metrics": [["mse"], None]},
        [P, V],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_logs_are_those_of_keras(name):
    build, arguments, y = CASES[name]

    def program(k):
        k.utils.clear_session(free_memory=False)
        model = build(k)
        rng = np.random.default_rng(5)
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        model.compile("sgd", run_eagerly=True, **arguments)
        weights = [WEIGHTS, 2 * WEIGHTS] if name == "weighted" else None
        logs = model.train_on_batch(X, y, sample_weight=weights, return_dict=True)
        return logs, model.evaluate(X, y, sample_weight=weights, verbose=0)

    (ours, listed), (theirs, expected) = program(lamina), program(keras)
    assert list(ours) == sorted(theirs)
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value, rtol=1e-4, err_msg=key)
    np.testing.assert_allclose(listed, expected, rtol=1e-4)


def test_outputs_of_one_layer_have_losses_of_their_own():
    x, y = lamina.Input((3,)), lamina.Input((3,))
    shared = lamina.layers.Dense(1, name="d")
    model = lamina.Model([x, y], [shared(x), shared(y)])
    model.compile("sgd", "mse", run_eagerly=True)
    logs = model.evaluate([X, 2 * X], [V, V], verbose=0, return_dict=True)
    assert list(logs) == ["d_loss", "d_loss_1", "loss"]
    assert logs["loss"] == pytest.approx(logs["d_loss"] + logs["d_loss_1"], rel=1e-5)
    assert logs["d_loss"] != logs["d_loss_1"]


def test_metrics_may_be_computed_without_a_loss():
    def program(k):
        model = pair(k)
        model.set_weights([np.ones(w.shape) for w in model.get_weights()])
        model.compile(metrics={"b": "mae"}, run_eagerly=True)
        return model.evaluate(X, [P, V], verbose=0, return_dict=True)

    ours, theirs = program(lamina), program(keras)
    assert ours == pytest.approx(theirs, rel=1e-5) and ours["loss"] == 0


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ({"a": "mse", "b": "mse"}, {"a": P}, "'b' of the model has a loss"),
        ("mse", [P], "targets are 1"),
        (["mse"] * 3, [P, V], "losses are 3"),
        ({"a": "mse", "c": "mse"}, [P, V], "c are no outputs"),
    ],
)
def test_what_does_not_fit_the_outputs(loss, y, message):
    model = pair(lamina)
    model.compile("sgd", loss, run_eagerly=True)
    with pytest.raises(ValueError, match=message):
        model.train_on_batch(X, y)


def test_what_is_not_nested_as_the_outputs():
    model = nested(lamina)
    model.compile("sgd", {"p": "mse", "n": "mse"}, run_eagerly=True)
    with pytest.raises(ValueError, match=r"p, n/n1, n/n2.*not nested alike"):
        model.train_on_batch(X, {"p": P, "n": [V, V]})
