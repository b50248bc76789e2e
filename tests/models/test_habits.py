"""What programs written for Keras rely on without saying so: each runs on both, with one result."""

import json

import keras
import numpy as np
import pytest

import lamina
from lamina.backend import current

ONES = np.ones((8, 4), "float32")
RISING = np.array([[1.0], [2.0], [6.0]], "float32")


def line(k, **kwargs):
    model = k.Sequential([k.Input((1,)), k.layers.Dense(1, kernel_initializer="ones")])
    model.compile(k.optimizers.SGD(0.0), "mae", **kwargs)
    return model


def a_guard_against_nan_changes_no_logs(k):
    guard = k.callbacks.TerminateOnNaN()
    fitted = {"batch_size": 1, "epochs": 2, "verbose": 0, "callbacks": [guard]}
    return line(k, metrics=["mse"]).fit(RISING, 0 * RISING, **fitted).history


def logs_of_batches_are_numbers(k):
    told = []

    class Tell(k.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            told.append(json.dumps(logs))

        def on_test_batch_end(self, batch, logs=None):
            told.append(json.dumps(logs))

        def on_predict_batch_end(self, batch, logs=None):
            told.append(type(logs["outputs"]).__name__)

    model, every = line(k), {"batch_size": 1, "verbose": 0, "callbacks": [Tell()]}
    model.fit(RISING, 0 * RISING, shuffle=False, **every)
    model.evaluate(RISING, 0 * RISING, **every)
    model.predict(RISING, **every)
    return told


def layers_are_in_training_where_call_says_so(k):
    class Plain(k.Model):
        def __init__(self):
            super().__init__()
            self.inner = k.layers.Dropout(0.5)

        def call(self, x):
            return self.inner(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return k.ops.mean(k.ops.equal(y_pred, 0))

    class Told(Plain):
        def call(self, x, training=None):
            return self.inner(x, training=training)

    losses = []
    for made in (Plain(), Told()):
        made.compile("sgd")
        losses.append(made.fit(ONES, ONES, verbose=0).history["loss"][0] > 0)
    return losses


def a_loss_need_not_hear_of_training(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.dense = k.layers.Dense(1, kernel_initializer="ones")

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return k.ops.mean(y_pred)

    model = Own()
    model.compile(k.optimizers.SGD(0.0))
    fitted = model.fit(ONES, ONES, verbose=0).history["loss"]
    return fitted, model.evaluate(ONES, ONES, verbose=0)


def a_model_tells_the_layers_behind_it_its_shape(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
    alone = k.Sequential([inner])
    built = [alone.built]
    alone.add(k.layers.Dense(2))
    x = k.Input((4,))
    made = k.Sequential([k.Model(x, k.layers.Dense(3)(x)), k.layers.Dense(2)])
    again = k.Sequential.from_config(made.get_config())
    for one in (alone, made, again):
        built.append((one.built, len(one.weights), one.input_shape, one.output_shape))
    return built


def an_activation_is_taken_away(k):
    found = []
    for layer, shape in (
        (k.layers.Dense(2, "relu", kernel_initializer="ones"), (1, 3)),
        (
            k.layers.EinsumDense("ab,bc->ac", 2, activation="relu", kernel_initializer="ones"),
            (1, 3),
        ),
        (k.layers.Conv1D(2, 1, activation="relu", kernel_initializer="ones"), (1, 2, 3)),
        (k.layers.DepthwiseConv1D(1, activation="relu", depthwise_initializer="ones"), (1, 2, 3)),
        (k.layers.SimpleRNN(2, kernel_initializer="ones"), (1, 1, 3)),
    ):
        getattr(layer, "cell", layer).activation = None
        found.append(k.ops.convert_to_numpy(layer(np.full(shape, -1.0, "float32"))).tolist())
    return found


def a_layer_says_itself_how_it_was_built(k):
    class Scaled(k.layers.Layer):
        def call(self, x):
            return x

        def get_build_config(self):
            return {"scale": 3}

        def build_from_config(self, config):
            self.scale = config["scale"]

    x = k.Input((5,))
    models = [k.Model(x, Scaled()(x)), k.Sequential([x, Scaled()])]
    with k.saving.custom_object_scope({"Scaled": Scaled}):
        return [k.models.model_from_json(one.to_json()).layers[-1].scale for one in models]


def validation_steps_are_the_first_ones(k):
    class Batches(k.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return RISING[index : index + 1], 0 * RISING[:1]

    model, fitted = line(k), {"epochs": 3, "verbose": 0, "validation_steps": 2}
    arrays = {"validation_data": (RISING, 0 * RISING), "validation_batch_size": 1}
    return [
        model.fit(RISING, 0 * RISING, **fitted, **data).history["val_loss"]
        for data in (arrays, {"validation_data": Batches()})
    ]


def what_fit_says_of_training_goes_before_what_a_graph_says(k):
    x = k.Input((4,))
    found = []
    for told in (True, False, None):
        norm = k.layers.BatchNormalization(momentum=0.5)
        model = k.Model(x, norm(x, training=told))
        model.compile(k.optimizers.SGD(0.0), "mse")
        means = []
        for run in (
            lambda model=model: model.predict(ONES, verbose=0),
            lambda model=model: model.fit(ONES, ONES, verbose=0),
            lambda model=model: model(ONES),
        ):
            run()
            means.append(float(k.ops.convert_to_numpy(norm.moving_mean)[0]))
        found.append(means)
    return found


def a_subclass_adds_its_arguments_to_the_config(k):
    class Own(k.layers.Layer):
        def __init__(self, units=3, other=2, **kwargs):
            super().__init__(**kwargs)
            self.units, self.other = units, other

        def get_config(self):
            return dict(units=self.units, **super().get_config())

    class Further(Own):
        def __init__(self, more=1, **kwargs):
            super().__init__(**kwargs)
            self.more = more

        def get_config(self):
            return {"more": self.more, **super().get_config()}

    class Wide(k.layers.Dense):
        def __init__(self, factor, **kwargs):
            super().__init__(4 * factor, activation="relu", **kwargs)
            self.factor = factor

        def get_config(self):
            return {"factor": self.factor, **super().get_config()}

    class Whole(k.Model):
        def __init__(self, width=3, **kwargs):
            super().__init__(**kwargs)
            self.width = width

        def get_config(self):
            return dict(width=self.width, **super().get_config())

    class Cost(k.losses.Loss):
        def __init__(self, slope=2, **kwargs):
            super().__init__(**kwargs)
            self.slope = slope

        def get_config(self):
            return dict(slope=self.slope, **super().get_config())

    told = [sorted(one.get_config()) for one in (Own(5), Further(2), Whole(5))]
    wide = Wide(2, use_bias=False).get_config()
    kept = ("factor", "units", "activation", "use_bias", "bias_regularizer")
    return told, {name: wide[name] for name in kept}, Cost(3).get_config()["slope"]


def losses_are_listed_as_they_were_given(k):
    x = k.Input((4,))
    zero = {"kernel_initializer": "zeros"}
    b, a = k.layers.Dense(1, name="b", **zero)(x), k.layers.Dense(1, name="a", **zero)(x)
    y, listed = {"b": ONES[:, :1], "a": 0 * ONES[:, :1]}, []
    for outputs in ({"b": b, "a": a}, {"a": a, "b": b}, [b, a]):
        for losses in ({"b": "mse", "a": "mse"}, {"a": "mse", "b": "mse"}):
            model = k.Model(x, outputs)
            model.compile(k.optimizers.SGD(0.0), losses)
            targets = [y["b"], y["a"]] if isinstance(outputs, list) else y
            listed.append(model.evaluate(ONES, targets, verbose=0))
    return listed


def what_all_mask_is_the_first_ones(k):
    class Positive(k.layers.Layer):
        def compute_mask(self, inputs, mask=None):
            return inputs[..., 0] > 0

        def call(self, inputs):
            return inputs * 2

    x = np.array([[[1.0, 5.0], [-2.0, 4.0]], [[-1.0, 2.0], [3.0, 3.0]]], "float32")
    y = np.array([[[-1.0, 1.0], [-2.0, 3.0]], [[-4.0, 4.0], [5.0, 5.0]]], "float32")
    pair = [Positive()(x), Positive()(y)]
    kinds = (k.layers.Multiply, k.layers.Maximum, k.layers.Minimum)
    return [k.ops.convert_to_numpy(kind()(pair)).tolist() for kind in kinds]


def a_monitor_may_wait_for_validation(k):
    """Training goes on without data to validate on, and a warning says what that means."""
    watching = [k.callbacks.ReduceLROnPlateau(), k.callbacks.EarlyStopping()]
    with pytest.warns(UserWarning, match="val_loss"):
        found = line(k).fit(RISING, 0 * RISING, verbose=0, callbacks=watching)
    return sorted(found.history)


def a_list_of_callbacks_gives_the_model_its_history(k):
    model = line(k)
    told = k.callbacks.CallbackList([], add_history=True, model=model)
    told.on_train_begin()
    told.on_epoch_end(0, {"loss": 1.0})
    return model.history.history


def an_output_may_have_no_target(k):
    x = k.Input((4,))
    heads = [
        k.layers.Dense(n, name=name, kernel_initializer="ones") for n, name in ((1, "a"), (2, "b"))
    ]
    model = k.Model(x, [head(x) for head in heads])
    model.compile(k.optimizers.SGD(0.0), loss=["mse", None], metrics=[["mae"], ["accuracy"]])
    return model.evaluate(ONES, ONES[:, :1], verbose=0, return_dict=True)


def shapes_are_known_before_variables(k):
    made = [
        k.layers.LSTM(3),
        k.layers.GRU(3, return_sequences=True),
        k.layers.RNN(k.layers.LSTMCell(3)),
        k.layers.Dense(3),
        k.layers.Conv1D(3, 2),
        k.layers.Flatten(),
    ]
    found = []
    for layer in made:
        found.append(layer.compute_output_shape((None, 6, 4)))
        found.append(tuple(layer.compute_output_spec(k.KerasTensor((2, 6, 4))).shape))
        found.append(layer.built)
    return found


def numbers_of_elements_are_symbolic(k):
    x = k.Input((6, 4))
    model = k.Model(x, k.ops.sum(x) / k.ops.cast(k.ops.size(x), "float32"))
    sides = [k.ops.diag(k.Input((3,))), k.ops.diagonal(k.KerasTensor((2, 3, None)), 0, 1, 2)]
    shapes = [side.shape for side in (k.ops.size(x), *sides)]
    return [*shapes, float(model(np.full((2, 6, 4), 3.0, "float32")))]


def predictions_outside_of_0_and_1_are_ranked(k):
    found = []
    for curve in ("ROC", "PR"):
        metric = k.metrics.AUC(curve=curve)
        metric.update_state([0.0, 1, 1, 0], [-2.0, 3.0, 0.7, -0.1])
        found.append(round(float(metric.result()), 4))
    return found


def no_optimizer_is_none(k):
    return k.optimizers.get(None)


PROGRAMS = [
    a_monitor_may_wait_for_validation,
    a_list_of_callbacks_gives_the_model_its_history,
    an_output_may_have_no_target,
    shapes_are_known_before_variables,
    numbers_of_elements_are_symbolic,
    predictions_outside_of_0_and_1_are_ranked,
    no_optimizer_is_none,
    validation_steps_are_the_first_ones,
    what_fit_says_of_training_goes_before_what_a_graph_says,
    a_subclass_adds_its_arguments_to_the_config,
    losses_are_listed_as_they_were_given,
    what_all_mask_is_the_first_ones,
    a_guard_against_nan_changes_no_logs,
    logs_of_batches_are_numbers,
    layers_are_in_training_where_call_says_so,
    a_loss_need_not_hear_of_training,
    a_model_tells_the_layers_behind_it_its_shape,
    an_activation_is_taken_away,
    a_layer_says_itself_how_it_was_built,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_it_is_as_in_keras(program):
    assert program(lamina) == program(keras)


@pytest.mark.parametrize("eager", [False, True])
def test_a_step_gets_the_data_as_they_were_given(eager):
    """`x` alone comes by itself, and in a tuple only where it was in one."""
    seen = []

    class Looking(lamina.Model):
        def train_step(self, data):
            seen.append(data)
            return {"loss": lamina.ops.zeros(())}

    def kinds(data):
        if isinstance(data, dict):
            return {key: kinds(one) for key, one in data.items()}
        if isinstance(data, (list, tuple)):
            return type(data)(kinds(one) for one in data)
        return "tensor" if isinstance(data, current().tensor_types) else type(data)

    for data, expected in (
        (ONES, "tensor"),
        ({"a": ONES}, {"a": "tensor"}),
        ([ONES, ONES], (["tensor", "tensor"],)),
        (iter([ONES]), "tensor"),
        (iter([{"a": ONES}]), {"a": "tensor"}),
        (iter([(ONES,)]), ("tensor",)),
        (iter([(ONES, ONES)]), ("tensor", "tensor")),
    ):
        seen.clear()
        model = Looking()
        model.compile(run_eagerly=eager)
        model.fit(data, verbose=0)
        assert kinds(seen[-1]) == expected


def test_a_step_on_state_need_not_call_the_model():
    """A generator's data has not the shape that its `call` takes."""

    class Generator(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(4)
            self.dense.build((None, 2))
            self.built = True

        def call(self, noise):
            return self.dense(noise)

        def train_step(self, state, data):
            return {"mean": lamina.ops.mean(data)}, state

    model = Generator()
    model.compile()
    assert model.fit(ONES, verbose=0).history == {"mean": [1.0]}


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_models_of_one_size_of_batch_train_with_states(kind):
    shape, x = (2, 3, 1), np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3, 1)
    layer, inputs = getattr(lamina.layers, kind), lamina.Input(batch_shape=shape)
    for model in (
        lamina.Sequential([lamina.Input(batch_shape=shape), layer(1, stateful=True)]),
        lamina.Model(inputs, layer(1, stateful=True)(inputs)),
    ):
        model.compile(lamina.optimizers.SGD(0.0), "mse")
        parts = (x[:2], x[2:], x[:2], x[2:])
        expected = [lamina.ops.convert_to_numpy(model(part)) for part in parts]
        model.layers[-1].reset_state()
        fitted = {"batch_size": 2, "epochs": 2, "shuffle": False, "verbose": 0}
        found = model.fit(x, np.zeros((4, 1)), **fitted).history["loss"]
        squares = np.mean([np.square(one) for one in expected], (1, 2)).reshape(2, 2).mean(1)
        np.testing.assert_allclose(found, squares, 1e-5)


def test_a_stateful_layer_learns_its_batch_from_the_data():
    class Own(lamina.Model):
        def __init__(self):
            super().__init__()
            self.memory = lamina.layers.LSTM(3, stateful=True)

        def call(self, x):
            return self.memory(x)

    x = np.ones((4, 5, 2), "float32")
    for model in (Own(), lamina.Sequential([lamina.layers.LSTM(3, stateful=True)])):
        model.compile("sgd", "mse")
        assert model.fit(x, np.ones((4, 3)), batch_size=2, verbose=0).history["loss"]
        assert [state.shape for state in model.layers[0].states] == [(2, 3), (2, 3)]


def test_mistakes_are_said_where_they_are_made():
    x = lamina.Input((6, 4))
    for wrong in (
        lambda: x + None,
        lambda: lamina.ops.matmul(ONES, None),
    ):
        with pytest.raises(TypeError, match="None, and not a tensor"):
            wrong()
    for target in ((5,), (-1, 5)):
        with pytest.raises(ValueError, match="an example has 24 elements"):
            lamina.layers.Reshape(target)(x)
    assert lamina.layers.Reshape((-1, 3))(x).shape == (None, 8, 3)
