"""Files that programs written for Keras make without a thought, both ways."""

import keras
import numpy as np
import pytest

import lamina

# Keras writes no digests.
pytestmark = pytest.mark.filterwarnings("ignore::lamina.core.load_errors.UnverifiedFileWarning")

ONES = np.ones((2, 4), "float32")


@pytest.mark.parametrize("writer", [keras, lamina], ids=["keras", "lamina"])
@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_compiled_model_of_unknown_shape(writer, tmp_path):
    model = writer.Sequential([writer.layers.Dense(3), writer.layers.Dense(2)])
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras")
    found = lamina.saving.load_model(tmp_path / "m.keras")
    assert found.compiled and not found.built
    assert found.fit(ONES, ONES[:, :2], verbose=0).history["loss"]


@pytest.mark.parametrize("writer", [keras, lamina], ids=["keras", "lamina"])
def test_a_trained_model_of_mixed_precision_where_that_is_not_the_policy(writer, tmp_path):
    before = writer.config.dtype_policy()
    writer.config.set_dtype_policy("mixed_float16")
    try:
        last = writer.layers.Dense(2, dtype="float32")
        model = writer.Sequential([writer.Input((4,)), writer.layers.Dense(4), last])
        model.compile("adam", "mse")
        model.fit(ONES, ONES[:, :2], epochs=3, verbose=0)
    finally:
        writer.config.set_dtype_policy(before)
    model.save(tmp_path / "m.keras")
    found = lamina.saving.load_model(tmp_path / "m.keras")
    assert type(found.optimizer).__name__ == "LossScaleOptimizer"
    assert int(found.optimizer.iterations) == 3
    state = [v.numpy() for v in found.optimizer.variables]
    for one, other in zip(state, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(one, np.asarray(other))
    assert np.isfinite(found.fit(ONES, ONES[:, :2], verbose=0).history["loss"][0])


@pytest.mark.parametrize("op", ["rms_normalization", "layer_normalization"])
def test_normalization_without_scale_in_a_graph(op, tmp_path):
    x = lamina.Input((4,))
    lamina.Model(x, getattr(lamina.ops, op)(x)).save(tmp_path / "m.keras")
    data = np.arange(8, dtype="float32").reshape(2, 4)
    found = keras.saving.load_model(tmp_path / "m.keras").predict(data, verbose=0)
    np.testing.assert_allclose(found, getattr(keras.ops, op)(data), atol=1e-5)


class Plain(lamina.Model):
    def __init__(self, units=2):
        super().__init__()
        self.dense = lamina.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


def test_a_compile_config_of_ones_own_in_h5(tmp_path):
    class Own(Plain):
        def get_compile_config(self):
            return {"rate": 1}

    model = Own()
    model.compile("sgd", "mse")
    model(ONES)
    model.save(tmp_path / "m.h5")
    assert (tmp_path / "m.h5").exists()


def test_a_class_whose_constructor_takes_no_name(tmp_path):
    model = Plain(3)
    model.trainable = False
    expected = model(ONES)
    model.save(tmp_path / "m.keras")
    found = lamina.saving.load_model(tmp_path / "m.keras", custom_objects={"Plain": Plain})
    np.testing.assert_array_equal(found(ONES), expected)
    assert (found.name, found.trainable) == (model.name, False)


class Applies(lamina.layers.Layer):
    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


def test_a_lambda_among_the_arguments_of_a_layer_is_not_written(tmp_path):
    model = lamina.Sequential([lamina.Input((4,)), Applies(lambda x: x + 1)])
    for write in (lambda: model.save(tmp_path / "m.keras"), model.to_json):
        with pytest.raises(NotImplementedError, match="'function' is a lambda"):
            write()
    assert not (tmp_path / "m.keras").exists()


def test_a_low_rank_layer_in_h5_is_refused_in_words(tmp_path):
    model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, name="low")])
    model.layers[0].enable_lora(2)
    model.save(tmp_path / "m.h5")
    with pytest.raises(
        lamina.saving.LoadError, match=r"'low' keeps .*lora_kernel_a.* Save the model"
    ):
        lamina.saving.load_model(tmp_path / "m.h5")
