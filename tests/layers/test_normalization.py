"""Normalization against Keras, where a row of `rows.py` does not say it."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from tests.layers.test_layers import close

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(1.0, 2.0, (2, 5, 3)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 0], [1, 0, 0, 1, 1]], bool)


def pair(make, *args, **kwargs):
    """A layer and Keras's, of the same weights."""
    both = make(layers), make(keras.layers)
    for one in both:
        one(*args, **kwargs)
    both[1].set_weights(both[0].get_weights())
    return both


def test_renormalization_follows_the_unmasked_places():
    options = {"renorm": True, "momentum": 0.5, "renorm_momentum": 0.7}
    layer, known = pair(lambda of: of.BatchNormalization(**options), X)
    for _ in range(2):
        found, expected = (one(X, training=True, mask=MASK) for one in (layer, known))
        close(found, expected)
        close(layer.get_weights(), known.get_weights())
    close(layer(X), known(X))


def test_renormalization_begins_at_the_variance_given():
    first = {"class_name": "Constant", "config": {"value": 4.0}}
    layer = layers.BatchNormalization(renorm=True, moving_variance_initializer=first)
    layer.build((None, 1))
    assert [float(v.numpy()[0]) for v in layer.non_trainable_weights] == [0.0, 4.0, 2.0, 0.0, 2.0]


@pytest.mark.parametrize(
    "clipping", [{"rmean": 1.0}, {"rmin": 2.0, "rmax": 1.0}, {"dmax": -1.0}], ids=str
)
def test_wrong_bounds_are_refused(clipping):
    with pytest.raises(ValueError, match="renorm_clipping holds rmin, rmax and dmax"):
        layers.BatchNormalization(renorm=True, renorm_clipping=clipping)


@pytest.mark.parametrize("options", [{}, {"axis": [1, 2], "scale": False}], ids=str)
def test_scaling_by_the_standard_deviation_warns_and_is_as_in_keras(options):
    def make(of):
        with pytest.warns(UserWarning, match="rms_scaling=True"):
            return of.LayerNormalization(rms_scaling=True, **options)

    with pytest.warns(UserWarning):  # Keras says it in each call
        layer, known = pair(make, X)
        value = [GENERATOR.normal(size=v.shape) for v in known.get_weights()]
        layer.set_weights(value), known.set_weights(value)
        close(layer(X), known(X))


SPECTRAL = {
    "dense": (lambda of: of.Dense(4), X[0], 1),
    "convolution": (lambda of: of.Conv1D(4, 2), X, 3),
    "embedding": (lambda of: of.Embedding(6, 3), np.array([[1, 5]]), 2),
}


@pytest.mark.parametrize("case", SPECTRAL)
def test_spectral_normalization_is_as_in_keras(case):
    inner, x, steps = SPECTRAL[case]
    layer, known = pair(lambda of: of.SpectralNormalization(inner(of), steps), x)
    assert [v.name for v in layer.weights] == [v.name for v in known.weights]
    close(layer.normalized_weights(), known.normalized_weights())
    for training in (False, True, True, False):
        found, expected = (one(x, training=training) for one in (layer, known))
        if x.dtype == "float32":  # Keras makes the vectors of an embedding integers
            close(found, expected)
        close(layer.get_weights(), known.get_weights())
    assert layer.get_config().keys() == known.get_config().keys()
    again = layers.SpectralNormalization.from_config(layer.get_config())
    again(x)  # the config of a layer inside says what it was built on
    assert again.get_config() == layer.get_config()
    keras.layers.SpectralNormalization.from_config(layer.get_config())


def test_spectral_normalization_trains_with_weights_that_do_not_stretch():
    layer = layers.SpectralNormalization(layers.Dense(4), power_iterations=5)
    model = lamina.Sequential([lamina.Input((3,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X[0], X[0][:, :1], epochs=2, verbose=0)
    layer(X[0], training=True)
    largest = np.linalg.norm(layer.layer.kernel.numpy(), 2)
    np.testing.assert_allclose(largest, 1.0, rtol=1e-2)


def test_spectral_normalization_needs_weights():
    with pytest.raises(ValueError, match=r"`kernel` or `embeddings`.*ReLU has none"):
        layers.SpectralNormalization(layers.ReLU())(X)
    with pytest.raises(ValueError, match="power_iterations is an integer of at least 1"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)


PARTS = """
import sys
import torch
from lamina import layers, ops

rank, place = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group("gloo", f"file://{place}", rank=rank, world_size=2)
x = ops.reshape(ops.arange(24, dtype="float32"), (4, 2, 3))[2 * rank : 2 * rank + 2]
mask = ops.convert_to_tensor([[True, rank == 0], [True, True]])
for given in (None, mask):
    layer = layers.BatchNormalization(momentum=0.0, synchronized=True)
    layer(x, training=True, mask=given)
    print(layer.moving_mean.numpy().tolist(), layer.moving_variance.numpy().tolist())
"""


@pytest.mark.slow
@pytest.mark.every_backend
def test_synchronized_statistics_are_those_of_all_processes(tmp_path):
    script = tmp_path / "parts.py"
    script.write_text(PARTS)
    home = pathlib.Path(lamina.__file__).parents[1]
    environment = {"LAMINA_BACKEND": "torch", "PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, script, str(rank), str(tmp_path / "meeting")],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    printed = [process.communicate(timeout=300)[0] for process in started]
    whole = np.arange(24, dtype="float32").reshape(8, 3)
    seen = whole[[0, 1, 2, 3, 4, 6, 7]]
    for rank in range(2):
        lines = [line.replace("] [", "], [") for line in printed[rank].splitlines()]
        found = [np.array(eval(line)) for line in lines]
        for one, expected in zip(found, (whole, seen), strict=True):
            np.testing.assert_allclose(one, [expected.mean(0), expected.var(0)], rtol=1e-4)


def test_synchronized_statistics_of_one_process_are_its_own():
    layer, other = (layers.BatchNormalization(synchronized=s) for s in (True, False))
    close(layer(X, training=True), ops.convert_to_numpy(other(X, training=True)))
    close(layer.get_weights(), other.get_weights())
