"""Low-rank adaptation, beyond what the rows with `lora_rank` compare with Keras."""

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops

X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


def adapted(of):
    layer = of.Dense(4, use_bias=False)
    layer.build((None, 3))
    layer.enable_lora(2, lora_alpha=6.0, b_initializer="ones")
    return layer


def test_enabled_as_in_keras():
    layer, reference = adapted(layers), adapted(keras.layers)
    assert [v.name for v in layer.weights] == [v.name for v in reference.weights]
    for kind in ("trainable_variables", "non_trainable_variables"):
        names = [[v.name for v in getattr(one, kind)] for one in (layer, reference)]
        assert names[0] == names[1]
    values = [np.full(v.shape, 0.1 * i, "float32") for i, v in enumerate(layer.weights, 1)]
    layer.set_weights(values)
    reference.set_weights(values)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), np.asarray(reference(X)), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(layer.kernel), np.asarray(reference.kernel), rtol=1e-6)
    twice = ops.convert_to_numpy(2 * layer.kernel + 0)
    np.testing.assert_allclose(twice, 2 * np.asarray(reference.kernel), rtol=1e-6)
    assert layer.get_config()["lora_rank"] == 2 and layer.get_config()["lora_alpha"] == 6.0


def test_only_the_addition_has_gradients():
    layer = adapted(layers)

    def loss(x):
        return ops.sum(ops.square(layer(x)))

    before = layer.weights[0].numpy()
    value, (a, b) = lamina.value_and_grad(loss, layer.trainable_variables)(ops.convert_to_tensor(X))
    output = X @ (before + 3.0 * layer.lora_kernel_a.numpy() @ layer.lora_kernel_b.numpy())
    into_kernel = 3.0 * X.T @ (2 * output)
    found = [float(value), *map(ops.convert_to_numpy, (a, b))]
    known = [
        (output**2).sum(),
        into_kernel @ layer.lora_kernel_b.numpy().T,
        layer.lora_kernel_a.numpy().T @ into_kernel,
    ]
    for one, other in zip(found, known, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_training_leaves_the_weight_alone():
    model = lamina.Sequential([layers.Embedding(7, 3), layers.Flatten(), layers.Dense(1)])
    x, y = np.array([[1, 2], [3, 6]] * 4), np.ones((8, 1), "float32")
    untouched = ops.convert_to_numpy(model(x))
    model.layers[0].enable_lora(2)
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), untouched, rtol=1e-6)
    embedding = model.layers[0]
    before = [variable.numpy() for variable in embedding.weights]
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    table, a, b = (variable.numpy() for variable in embedding.weights)
    np.testing.assert_array_equal(table, before[0])
    assert (b != before[2]).any()
    rows = ops.convert_to_numpy(embedding(x))
    np.testing.assert_allclose(rows, (table + a @ b)[x], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(embedding.embeddings.numpy(), table + a @ b, rtol=1e-6)


def test_alpha_of_the_constructor_holds():
    layer = layers.Dense(4, lora_rank=2, lora_alpha=8)
    layer.build((None, 3))
    again = type(layer).from_config(layer.get_config())
    again.build((None, 3))
    assert layer.lora_alpha == again.lora_alpha == 8


def test_what_cannot_be_adapted():
    with pytest.raises(ValueError, match="no kernel to adapt yet"):
        layers.Dense(4).enable_lora(2)
    with pytest.raises(ValueError, match="enable_lora can be called once"):
        adapted(layers).enable_lora(2)
    with pytest.raises(ValueError, match="without kernel_constraint"):
        layers.Conv1D(4, 3, kernel_constraint="non_neg", lora_rank=2)(np.ones((1, 5, 2)))
    with pytest.raises(ValueError, match="lora_rank is an integer of at least 1"):
        layers.Embedding(4, 3, lora_rank=-1)
    with pytest.raises(AttributeError):
        _ = layers.Embedding(4, 3).embeddings


def test_convolution_of_ones_own():
    class Scaled(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return 2 * super().convolution_op(inputs, kernel)

    x = np.random.default_rng(0).normal(size=(1, 4, 4, 2)).astype("float32")
    layer, plain = Scaled(3, 2, bias_initializer="ones"), layers.Conv2D(3, 2)
    outputs = [ops.convert_to_numpy(one(x)) for one in (layer, plain)]
    plain.set_weights(layer.get_weights())
    outputs[1] = ops.convert_to_numpy(plain(x))
    np.testing.assert_allclose(outputs[0], 2 * outputs[1] - 1, rtol=1e-4, atol=1e-5)
