"""What holds for every layer, from one row of description each."""

import functools
import importlib
import inspect
import json
import pathlib

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import standardize_dtype

HERE = pathlib.Path(__file__).parent
ROWS = [
    row
    for path in sorted(HERE.glob("rows*.py"))
    for row in importlib.import_module(f"tests.layers.{path.stem}").ROWS
]


def leaves(tree):
    if isinstance(tree, (list, tuple)):
        return [leaf for one in tree for leaf in leaves(one)]
    return [tree]


def close(ours, theirs, tolerance=1e-5):
    assert len(leaves(ours)) == len(leaves(theirs))
    for mine, known in zip(leaves(ours), leaves(theirs), strict=True):
        mine, known = ops.convert_to_numpy(mine), np.asarray(known)
        assert mine.dtype == known.dtype
        np.testing.assert_allclose(mine, known, rtol=tolerance, atol=tolerance)


def symbolic(data, batch=None, kind=lamina.KerasTensor):
    if isinstance(data, list):
        return [symbolic(one, batch, kind) for one in data]
    return kind((batch, *data.shape[1:]), data.dtype.name)


def made(row, **more):
    return getattr(layers, row.layer)(**row.arguments, **more)


def flags(row):
    """What a call is given besides arrays, which have a batch of a known size."""
    return {key: value for key, value in row.call.items() if isinstance(value, (bool, str))}


@functools.cache
def both(index):
    """A layer, Keras's of the same weights, and what they are called on."""
    row = ROWS[index]
    data = row.data()
    layer, reference = made(row), getattr(keras.layers, row.layer)(**row.arguments)
    layer(data, **row.call)
    reference(data, **row.call)
    generator = np.random.default_rng(1)
    values = [generator.uniform(0.2, 1.0, v.shape).astype("float32") for v in layer.get_weights()]
    layer.set_weights(values)
    reference.set_weights(values)
    return row, layer, reference, data


each = pytest.mark.parametrize("index", range(len(ROWS)), ids=[str(row) for row in ROWS])


def plain(config):
    return json.loads(json.dumps(config))


@each
def test_agrees_with_keras(index):
    row, layer, reference, data = both(index)
    assert [v.name for v in layer.weights] == [v.name for v in reference.weights]
    assert [v.shape for v in layer.weights] == [v.shape for v in reference.weights]
    assert len(layer.trainable_weights) == len(reference.trainable_weights)
    assert layer.name.rstrip("_0123456789") == reference.name.rstrip("_0123456789")
    assert layer.supports_masking == reference.supports_masking
    close(layer(data, **row.call), reference(data, **row.call))
    if row.deterministic:
        given = dict(row.call)
        if "training" in inspect.signature(reference.call).parameters:
            given["training"] = True
        before = reference.get_weights()
        close(layer(data, **given), reference(data, **given))
        close(layer.get_weights(), reference.get_weights())
        layer.set_weights(before)
        reference.set_weights(before)
    close(layer.losses, reference.losses)


@each
def test_shape_is_foreseen(index):
    row, layer, _, data = both(index)
    output = layer(data, **row.call)
    for batch in (None, leaves(data)[0].shape[0]):
        given = row.call if batch else flags(row)
        specs = leaves(layer(symbolic(data, batch), **given))
        for spec, real in zip(specs, leaves(output), strict=True):
            assert spec.shape == (batch, *real.shape[1:])
            assert spec.dtype == standardize_dtype(real.dtype)


@each
def test_config(index):
    row, layer, reference, _ = both(index)
    config, known = plain(layer.get_config()), plain(reference.get_config())
    skipped = {"name", *row.unlike}
    assert {k: config[k] for k in known if k not in skipped} == {
        k: v for k, v in known.items() if k not in skipped
    }
    if row.layer != "Lambda":
        again = type(layer).from_config(layer.get_config())
        assert plain(again.get_config()) == config
        theirs = plain(type(reference).from_config(config).get_config())
        assert {k: theirs[k] for k in known if k not in row.unlike} == {
            **{k: v for k, v in known.items() if k not in row.unlike},
            "name": layer.name,
        }


@each
def test_examples_do_not_depend_on_each_other(index):
    row, layer, _, data = both(index)

    def alone(one):
        """The first example; the others all zero, so that nothing is compiled anew."""
        kept = np.zeros_like(one)
        kept[:1] = one[:1]
        return kept

    whole = layer(data, **row.call)
    others = layer(
        [alone(one) for one in data] if isinstance(data, list) else alone(data), **row.call
    )
    for one, other in zip(leaves(whole), leaves(others), strict=True):
        close(one[:1], ops.convert_to_numpy(other[:1]))


@each
def test_compiles_and_has_gradients(index):
    row, layer, _, data = both(index)
    data = [ops.convert_to_tensor(one) for one in data] if isinstance(data, list) else data
    before = layer.get_weights()

    def loss(x):
        outputs = layer(x, **row.call)
        return sum(ops.mean(ops.square(one)) for one in leaves(outputs)), outputs

    if row.gradient:
        variables = layer.trainable_variables
        by = {"variables": variables} if variables else {}
        step = lamina.jit(lamina.value_and_grad(loss, has_aux=True, **by))
        (_, outputs), gradients = step(data)
        found = [ops.convert_to_numpy(one) for one in leaves(gradients)]
        assert found and all(np.isfinite(one).all() for one in found)
        assert any(one.any() for one in found)
    else:
        outputs = lamina.jit(lambda x: layer(x, **row.call))(data)
    close(outputs, [ops.convert_to_numpy(one) for one in leaves(layer(data, **row.call))])
    close(layer.get_weights(), before)


@each
def test_mixed_precision(index):
    row = ROWS[index]
    layer = made(row, dtype="mixed_bfloat16")
    data = row.data()
    outputs = leaves(layer(data, **row.call))
    if row.dtype == "float32":  # Keras foresees another type than it computes from integers
        reference = getattr(keras.layers, row.layer)(**row.arguments, dtype="mixed_bfloat16")
        expected = leaves(reference(symbolic(data, kind=keras.KerasTensor), **flags(row)))
        assert [standardize_dtype(one.dtype) for one in outputs] == [one.dtype for one in expected]
    assert {v.dtype for v in layer.trainable_weights} <= {"float32"}
    for spec, real in zip(leaves(layer(symbolic(data), **flags(row))), outputs, strict=True):
        assert spec.dtype == standardize_dtype(real.dtype)


# Made of layers, or called on more than tensors: in test_recurrent.py, test_attention.py and
# test_normalization.py.
AROUND_OTHERS = {
    "Wrapper",
    "TimeDistributed",
    "Bidirectional",
    "RNN",
    "StackedRNNCells",
    "SimpleRNNCell",
    "LSTMCell",
    "GRUCell",
    "MultiHeadAttention",
    "GroupedQueryAttention",
    "SpectralNormalization",
}


def test_every_layer_has_a_row():
    public = {
        thing.__name__
        for thing in vars(layers).values()
        if inspect.isclass(thing) and issubclass(thing, layers.Layer)
    }
    assert public - {row.layer for row in ROWS} == {
        "Layer",
        "InputLayer",
        *("TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"),  # tests/programs
        *AROUND_OTHERS,
    }
