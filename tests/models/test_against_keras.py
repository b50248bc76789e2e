"""The same program on Keras and here: the same history, predictions and names."""

import jax
import keras
import numpy as np
import pytest

import lamina
from lamina.backend import use

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 6)).astype("float32")
CLASSES = RNG.integers(0, 3, 48)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
VALUES = RNG.normal(size=(48, 1)).astype("float32")
WEIGHTS = RNG.random(48).astype("float32")


def single(k, last=3, activation="softmax", **kwargs):
    return k.Sequential(
        [
            k.Input((6,)),
            k.layers.Dense(5, activation="tanh", **kwargs),
            k.layers.Dense(last, activation=activation),
        ]
    )


def two_outputs(k):
    x = k.Input((6,), name="x")
    h = k.layers.Dense(4, activation="relu", name="h")(x)
    a = k.layers.Dense(3, activation="softmax", name="a")(h)
    b = k.layers.Dense(1, name="b")(k.layers.Concatenate()([h, x]))
    return k.Model(x, [a, b])


def dict_outputs(k):
    x = k.Input((6,), name="x")
    h = k.layers.Dense(4, activation="relu", name="h")(x)
    return k.Model(x, {"p": k.layers.Dense(3, activation="softmax")(h), "q": k.layers.Dense(1)(h)})


def two_inputs(k):
    a, b = k.Input((6,), name="a"), k.Input((1,), name="b")
    h = k.layers.Dense(4, activation="relu")(a)
    return k.Model({"a": a, "b": b}, k.layers.Dense(1)(k.layers.concatenate([h, b])))


def normalised(k):
    return k.Sequential(
        [
            k.Input((6,)),
            k.layers.Dense(4, use_bias=False),
            k.layers.BatchNormalization(),
            k.layers.Activation("relu"),
            k.layers.Dense(1),
        ]
    )


def regularised(k):
    return single(k, kernel_regularizer="l2", activity_regularizer="l1")


# name -> model, compile arguments, data, fit arguments
CASES = {
    "one_hot": (
        single,
        {"loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        (X, ONE_HOT),
        {},
    ),
    "sparse": (
        single,
        {"loss": "sparse_categorical_crossentropy", "metrics": ["acc"]},
        (X, CLASSES),
        {},
    ),
    "binary": (
        lambda k: single(k, 1, "sigmoid"),
        {"loss": "binary_crossentropy", "metrics": ["accuracy", "AUC", "Precision", "mse"]},
        (X, (VALUES > 0).astype("float32")),
        {},
    ),
    "regression": (
        lambda k: single(k, 1, None),
        {"loss": "mse", "metrics": ["mae"]},
        (X, VALUES),
        {},
    ),
    "sample_weight": (
        single,
        {
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            "weighted_metrics": ["accuracy"],
        },
        (X, CLASSES),
        {"sample_weight": WEIGHTS},
    ),
    "class_weight": (
        single,
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        (X, CLASSES),
        {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    ),
    "validation_split": (
        single,
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        (X, CLASSES),
        {"validation_split": 0.25},
    ),
    "validation_data": (
        single,
        {"loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        (X, ONE_HOT),
        {"validation_data": (X[:10], ONE_HOT[:10], WEIGHTS[:10]), "validation_freq": 2},
    ),
    "two_outputs": (
        two_outputs,
        {
            "loss": ["sparse_categorical_crossentropy", "mse"],
            "loss_weights": [1.0, 0.3],
            "metrics": [["accuracy"], ["mae"]],
        },
        (X, [CLASSES, VALUES]),
        {},
    ),
    "two_outputs_by_name": (
        two_outputs,
        {
            "loss": {"a": "sparse_categorical_crossentropy", "b": "mse"},
            "metrics": {"a": "accuracy"},
        },
        (X, {"a": CLASSES, "b": VALUES}),
        {},
    ),
    "dict_outputs": (
        dict_outputs,
        {"loss": {"p": "categorical_crossentropy", "q": "mae"}, "metrics": {"q": ["mse"]}},
        (X, {"p": ONE_HOT, "q": VALUES}),
        {},
    ),
    "two_inputs": (two_inputs, {"loss": "mse"}, ({"a": X, "b": VALUES}, VALUES), {}),
    "batch_normalization": (normalised, {"loss": "mse"}, (X, VALUES), {"validation_split": 0.25}),
    "regularizers": (regularised, {"loss": "categorical_crossentropy"}, (X, ONE_HOT), {}),
    "steps_per_execution": (
        single,
        {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "steps_per_execution": 2},
        (X, ONE_HOT),
        {},
    ),
    "eager": (
        single,
        {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "run_eagerly": True},
        (X, ONE_HOT),
        {},
    ),
}


def trained(k, build, compile_arguments, data, fit_arguments, weights=None):
    k.utils.clear_session(free_memory=False)
    model = build(k)
    if weights is not None:
        model.set_weights(weights)
    start = model.get_weights()
    model.compile(optimizer=k.optimizers.Adam(0.01), **compile_arguments)
    history = model.fit(*data, batch_size=10, epochs=4, shuffle=False, verbose=0, **fit_arguments)
    return model, start, history


# What others try as well: `test_outputs`, and the simplest of these.
AROUND_A_STEP = {
    *("class_weight", "validation_data", "one_hot", "regression"),
    *("two_outputs_by_name", "dict_outputs", "two_inputs"),
    *("binary", "sample_weight", "regularizers", "steps_per_execution"),
    *("eager", "validation_split"),
}


# What each backend has a way of its own for.
OF_A_BACKEND = {"two_outputs", "batch_normalization"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.slow] * (name in AROUND_A_STEP)
            + [pytest.mark.of_keras] * (name not in OF_A_BACKEND),
        )
        for name in CASES
    ],
)
def test_same_history_weights_and_predictions(name):
    theirs, start, expected = trained(keras, *CASES[name])
    ours, _, found = trained(lamina, *CASES[name], weights=start)
    assert list(found.history) == list(expected.history)
    for key, values in expected.history.items():
        assert np.allclose(found.history[key], values, rtol=2e-4, atol=2e-5), key
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.allclose(mine, other, rtol=2e-3, atol=2e-4)
    x, y = CASES[name][2]
    mine, other = ours.predict(x, verbose=0), theirs.predict(x, verbose=0)
    assert keras.tree.map_structure(np.shape, mine) == keras.tree.map_structure(np.shape, other)
    ours_evaluated = ours.evaluate(x, y, verbose=0, return_dict=True)
    theirs_evaluated = theirs.evaluate(x, y, verbose=0, return_dict=True)
    assert set(ours_evaluated) == set(theirs_evaluated)
    if name != "sample_weight":  # there Keras lists a metric twice
        mine, other = ours.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0)
        assert np.allclose(mine, other, rtol=1e-3, atol=1e-4)


def test_weight_names_paths_and_order_of_a_branching_model():
    keras.utils.clear_session(free_memory=False)
    lamina.utils.clear_session(free_memory=False)
    theirs, ours = two_outputs(keras), two_outputs(lamina)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]


def test_train_on_batch_and_friends():
    def run(k, weights=None):
        model = single(k)
        if weights:
            model.set_weights(weights)
        start = model.get_weights()
        model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        results = [model.train_on_batch(X[:8], ONE_HOT[:8]) for _ in range(3)]
        results.append(model.test_on_batch(X[8:16], ONE_HOT[8:16], return_dict=False))
        return start, results, model.predict_on_batch(X[:4])

    start, expected, predicted = run(keras)
    _, found, mine = run(lamina, start)
    assert np.allclose(found, expected, rtol=1e-4)
    assert np.allclose(mine, predicted, rtol=1e-4)


def keras_and_lamina(program):
    """What `program` returns for Keras and for Lamina."""
    return program(keras), program(lamina)


def with_fixed_weights(model):
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=w.shape).astype("float32") / 3 for w in model.get_weights()])
    return model


def assert_same_logs(theirs, ours):
    assert list(theirs) == list(ours)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-5)


def test_outputs_of_a_list_are_named_by_their_losses():
    def program(k):
        class Two(k.Model):
            def __init__(self):
                super().__init__()
                self.classes = k.layers.Dense(3, activation="softmax")
                self.value = k.layers.Dense(1)

            def call(self, x):
                return self.classes(x), self.value(x)

        model = Two()
        model(X[:2])
        with_fixed_weights(model)
        mean_squared = k.losses.MeanSquaredError(name="squares")
        model.compile(
            "adam",
            ["sparse_categorical_crossentropy", mean_squared],
            metrics=[["accuracy"], ["mse", "mae"]],
        )
        data = (X, (CLASSES, VALUES))
        history = model.fit(*data, epochs=2, verbose=0, shuffle=False).history
        return history, model.evaluate(*data, verbose=0)

    theirs, ours = keras_and_lamina(program)
    assert_same_logs(theirs[0], ours[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4)


def test_evaluate_lists_metrics_of_several_outputs_in_keras_order():
    def program(k):
        model = with_fixed_weights(two_outputs(k))
        model.compile("sgd", ["mse", "mse"], metrics=[["mse", "mae"], ["mse", "mae"]])
        return model.evaluate(X, [ONE_HOT, VALUES], verbose=0)

    theirs, ours = keras_and_lamina(program)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_an_output_without_loss_leaves_one_loss_and_its_metrics():
    def program(k):
        model = with_fixed_weights(two_outputs(k))
        weighted = [["mse"], ["mse"]]
        metrics = [["mse"], ["mse", "mae"]]
        model.compile("sgd", [None, "mse"], metrics=metrics, weighted_metrics=weighted)
        return model.fit(X, [ONE_HOT, VALUES], verbose=0, shuffle=False).history

    assert_same_logs(*keras_and_lamina(program))


def test_a_metric_may_return_several_values():
    def program(k):
        class Spread(k.metrics.Mean):
            def update_state(self, y_true, y_pred, sample_weight=None):
                super().update_state(k.ops.abs(y_true - y_pred))

            def result(self):
                mean = super().result()
                return {"once": mean, "twice": 2 * mean}

        model = with_fixed_weights(single(k, last=1, activation=None))
        model.compile("sgd", "mse", metrics=[Spread(), "mae"])
        history = model.fit(X, VALUES, verbose=0, shuffle=False, validation_split=0.25).history
        return history, model.evaluate(X, VALUES, verbose=0)

    theirs, ours = keras_and_lamina(program)
    assert_same_logs(theirs[0], ours[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4)


def test_steps_in_the_form_of_state_in_and_state_out():
    def program(k):
        class Own(k.Model):
            def __init__(self):
                super().__init__()
                self.hidden = k.layers.Dense(4, activation="tanh")
                self.last = k.layers.Dense(1)

            def call(self, x, training=False):
                return self.last(self.hidden(x))

            def forward(self, trained, others, x, y):
                y_pred, others = self.stateless_call(trained, others, x, training=True)
                return self.compute_loss(x, y, y_pred), (y_pred, others)

            def train_step(self, state, data):
                trained, others, slots, kept = state
                x, y = data
                gradient = jax.value_and_grad(self.forward, has_aux=True)
                (loss, (_, others)), found = gradient(trained, others, x, y)
                trained, slots = self.optimizer.stateless_apply(slots, found, trained)
                mean = self.metrics[0].stateless_update_state(kept[:2], loss)
                logs = {"loss": self.metrics[0].stateless_result(mean)}
                return logs, (trained, others, slots, [*mean, *kept[2:]])

            def test_step(self, state, data):
                return super().test_step(state, data)

            def predict_step(self, state, data):
                return super().predict_step(state, data)

        model = Own()
        model(X[:2])
        with_fixed_weights(model)
        model.compile("adam", "mse")
        model.fit(X, VALUES, epochs=3, batch_size=16, verbose=0, shuffle=False)
        history = model.history.history
        return history, model.evaluate(X, VALUES, verbose=0), model.predict(X, verbose=0)

    with use("jax"):  # the program is JAX's own
        theirs, ours = keras_and_lamina(program)
    assert_same_logs(theirs[0], ours[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-4, atol=1e-5)


def test_steps_on_state_that_go_through_the_metrics():
    """To which all compiled metrics are one, as the guide of Keras for JAX has it."""

    def program(k):
        class Own(k.Sequential):
            def test_step(self, state, data):
                trained, others, kept = state
                x, y = data
                y_pred, others = self.stateless_call(trained, others, x, training=False)
                loss, new = self.compute_loss(x, y, y_pred), []
                for metric in self.metrics:
                    own = kept[len(new) : len(new) + len(metric.variables)]
                    given = (loss,) if metric.name == "loss" else (y, y_pred)
                    own = metric.stateless_update_state(own, *given)
                    logs = metric.stateless_result(own)
                    new += own
                return logs, (trained, others, new)

        model = Own([k.Input((6,)), k.layers.Dense(1, kernel_initializer="ones")])
        model.compile("adam", "mse", metrics=["mae", "mape"])
        model.fit(X, VALUES, verbose=0, shuffle=False)
        names = [(metric.name, len(metric.variables)) for metric in model.metrics]
        return names, model.evaluate(X, VALUES, verbose=0, return_dict=True)

    with use("jax"):
        theirs, ours = keras_and_lamina(program)
    assert ours[0] == theirs[0]
    assert_same_logs(theirs[1], ours[1])
