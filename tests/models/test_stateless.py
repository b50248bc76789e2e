"""The state of a model as values."""

import jax
import keras
import numpy as np
import pytest

import lamina
from lamina.backend import use

pytestmark = pytest.mark.of_keras

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
Y = np.ones((4, 2), "float32")


def network(k, last="out"):
    k.utils.clear_session(free_memory=False)
    layers = [
        k.Input((3,)),
        k.layers.Dense(4, activation="relu", name="a"),
        k.layers.Dropout(0.3),
        k.layers.BatchNormalization(name="n"),
        k.layers.Dense(2, name=last),
    ]
    model = k.Sequential(layers, name="net")
    model.compile(k.optimizers.Adam(0.1), "mse", metrics=["mae"])
    return model


def trained(k):
    model = network(k)
    model.fit(X, Y, verbose=0)
    return model


def paths(tree, path=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from paths(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}", np.shape(value)


def test_state_trees_are_keras_own():
    for make in (network, trained):
        ours, theirs = (make(k).get_state_tree("numpy_array") for k in (lamina, keras))
        assert list(paths(ours)) == list(paths(theirs))
    assert lamina.Sequential().get_state_tree()["optimizer_variables"] == {}


def test_a_state_tree_brings_another_model_to_the_same_state():
    model = trained(lamina)
    tree = model.get_state_tree()
    other = network(lamina)
    other.set_state_tree(tree)
    assert int(other.optimizer.iterations) == 1
    groups = ("trainable_variables", "non_trainable_variables")
    variables = ([v for group in groups for v in getattr(m, group)] for m in (model, other))
    for one, two in zip(*variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    model.fit(X, Y, verbose=0)  # what was taken out before stays as it was
    other.set_state_tree(tree)
    assert int(other.optimizer.iterations) == 1
    for m in (model, other):
        m.jax_state_sync()


def test_state_trees_that_do_not_fit():
    model = network(lamina)
    before = model.get_weights()
    tree = model.get_state_tree("numpy_array")
    with pytest.raises(ValueError, match="no 'weights'"):
        model.set_state_tree({"weights": {}})
    tree["trainable_variables"]["net"]["out"]["kernel"] = np.zeros((5, 5))
    with pytest.raises(ValueError, match=r"net/out/kernel.*\(5, 5\)"):
        model.set_state_tree(tree)
    others = network(lamina, last="other").get_state_tree()["trainable_variables"]
    del others["net"]["a"]
    with pytest.warns(UserWarning, match="net/other/kernel"):
        model.set_state_tree({"trainable_variables": others})
    np.testing.assert_array_equal(model.get_weights()[-1], before[-1])
    with pytest.raises(ValueError, match="value_format"):
        model.get_state_tree("list")
    twins = lamina.Sequential([lamina.Input((3,)), Twins()], name="net")
    with pytest.raises(ValueError, match="two variables of the path"):
        twins.get_state_tree()


class Twins(lamina.Layer):
    def __init__(self):
        super().__init__(name="twins")
        self.both = [lamina.layers.Dense(2, name="same") for _ in range(2)]

    def call(self, x):
        return self.both[0](x) + self.both[1](x)


def losses(k, weights):
    model = network(k)
    model.compile(k.optimizers.SGD(0.1), "mse")
    model.set_weights(weights)
    state = [
        [v.value for v in group]
        for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    kept = [v.value for v in model.metrics_variables]
    loss, after = model.stateless_compute_loss(*state, kept, x=X, y=Y, y_pred=np.zeros((4, 2)))
    rates = [v.value for v in model.optimizer.variables]
    value = jax.value_and_grad(model.compute_loss_and_updates, has_aux=True)
    (scaled, (plain, y_pred, others, _)), gradients = value(
        *state, kept, X, Y, np.ones(4, "float32"), training=False, optimizer_variables=rates
    )
    assert [np.shape(one) for one in others] == [np.shape(one) for one in state[1]]
    assert [len(group) for group in after] == [len(state[0]), len(state[1]), len(kept)]
    return [loss, scaled, plain, y_pred, *gradients]


@pytest.mark.slow
def test_stateless_losses_are_keras_own():
    with use("jax"):
        shapes = [weight.shape for weight in network(lamina).get_weights()]
        weights = [np.random.default_rng(i).random(shape) for i, shape in enumerate(shapes)]
        for ours, theirs in zip(losses(lamina, weights), losses(keras, weights), strict=True):
            np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-4, atol=1e-5)


def test_a_stateless_loss_changes_nothing_and_counts_values():
    model = network(lamina)
    held = [*model.variables, *model.metrics_variables]
    before = [v.numpy() for v in held]
    state = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    _, (_, _, _, metrics) = model.compute_loss_and_updates(*state, X, Y, None, training=True)
    assert len(metrics) == len(state[2])
    for variable, value in zip(held, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    with pytest.raises(ValueError, match="6 trainable_variables, and was given 1"):
        model.stateless_compute_loss(state[0][:1], *state[1:], y=Y, y_pred=Y)
