"""Models that are put together in other ways than layer by layer, through files both ways."""

import keras
import numpy as np
import pytest

import lamina

# What Keras writes has no digests.
pytestmark = pytest.mark.filterwarnings("ignore::lamina.saving.UnverifiedFileWarning")
X = np.random.default_rng(0).normal(size=(8, 3, 4)).astype("float32")


def inner(k):
    x = k.Input((4,))
    return k.Model(x, k.layers.Dense(4)(x), name="inner")


def output_of_an_inner_model(k):
    x = k.Input((4,))
    return k.Model(x, inner(k)(x))


def second_output_of_an_inner_model(k):
    x, model = k.Input((4,)), inner(k)
    return k.Model(x, model(model(x)))


def outputs_of_an_inner_model(k):
    x, model = k.Input((4,)), inner(k)
    first = model(x)
    return k.Model(x, [model(first), first, k.layers.Dense(2)(first)])


def steps_through_a_model(k):
    return k.Sequential([k.Input((3, 4)), k.layers.TimeDistributed(inner(k))])


def steps_through_a_sequence(k):
    steps = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
    return k.Sequential([k.Input((3, 4)), k.layers.TimeDistributed(steps)])


def dropout_of_a_recurrent_layer(k):
    x = k.Input((3, 4))
    return k.Model(x, k.layers.LSTM(3, dropout=0.5)(x))


def grouped_queries(k):
    x = k.Input((3, 4))
    return k.Model(x, k.layers.GroupQueryAttention(2, 2, 1)(x, x))


BUILDS = [
    output_of_an_inner_model,
    second_output_of_an_inner_model,
    outputs_of_an_inner_model,
    steps_through_a_model,
    steps_through_a_sequence,
    dropout_of_a_recurrent_layer,
    grouped_queries,
]


def outputs(k, model, **options):
    x = X[:, 0] if len(model.input_shape) == 2 else X
    found = model(x, **options)
    found = found if isinstance(found, (list, tuple)) else [found]
    return [k.ops.convert_to_numpy(one) for one in found]


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.__name__)
@pytest.mark.parametrize(("writer", "reader"), [(keras, lamina), (lamina, keras), (lamina, lamina)])
def test_it_is_the_same_model(build, writer, reader, tmp_path):
    model = build(writer)
    model.save(tmp_path / "m.keras")
    again = reader.models.load_model(tmp_path / "m.keras")
    for one, other in zip(outputs(writer, model), outputs(reader, again), strict=True):
        np.testing.assert_allclose(one, other, 1e-5, 1e-6)


def test_a_recurrent_layer_of_keras_drops_in_training(tmp_path):
    """Keras writes `training=False`, the default of the layer's `call`, into the file."""
    dropout_of_a_recurrent_layer(keras).save(tmp_path / "m.keras")
    model = lamina.models.load_model(tmp_path / "m.keras")
    (trained,), (plain,) = outputs(lamina, model, training=True), outputs(lamina, model)
    assert np.abs(trained - plain).max() > 1e-3


@pytest.mark.parametrize(("writer", "reader"), [(keras, lamina), (lamina, keras), (lamina, lamina)])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_a_model_that_was_compiled_and_not_trained(writer, reader, optimizer, tmp_path):
    model = writer.Sequential([writer.Input((4,)), writer.layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.save(tmp_path / "m.keras")
    again = reader.models.load_model(tmp_path / "m.keras")
    y = np.ones((8, 1), "float32")
    losses = [one.fit(X[:, 0], y, epochs=2, verbose=0).history["loss"] for one in (model, again)]
    np.testing.assert_allclose(*losses, 1e-5)


@pytest.mark.parametrize("k", [keras, lamina], ids=["keras", "lamina"])
def test_a_class_compiles_as_it_likes(k, tmp_path):
    class Own(k.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = k.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compile(self, optimizer, cost):
            super().compile(optimizer=optimizer, loss=cost)
            self.cost = cost

        def get_compile_config(self):
            return {"optimizer": "sgd", "cost": self.cost}

        def compile_from_config(self, config):
            self.compile(config["optimizer"], config["cost"])

    model = Own()
    model.compile("sgd", "mae")
    model(X[:, 0])
    model.save(tmp_path / "m.keras")
    again = k.models.load_model(tmp_path / "m.keras", custom_objects={"Own": Own})
    assert again.cost == "mae" and again.compiled
