"""What single layers do beyond what all have in common."""

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.core.context import get_mask, set_mask

ONES = np.ones((4, 5, 6), "float32")
MASKS = ([[1, 1, 0], [1, 0, 0]], [[1, 0, 0], [1, 1, 0]])


def test_batch_normalization_uses_moving_statistics_unless_it_trains():
    x = np.random.default_rng(0).normal(3.0, 2.0, (64, 2)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.9)
    untouched = ops.convert_to_numpy(layer(x, training=False))
    np.testing.assert_allclose(untouched, x / np.sqrt(1.001), rtol=1e-5)
    assert abs(ops.convert_to_numpy(layer(x, training=True)).mean()) < 1e-5
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * x.var(0), rtol=1e-4)
    layer.trainable = False
    before = layer.get_weights()
    frozen = layer(x, training=True), layer(x)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, frozen), rtol=1e-6)
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 4


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_width_statistics_are_those_of_float32(dtype):
    x = np.random.default_rng(0).normal(200.0, 1.0, (512, 2)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0, dtype=dtype)
    layer(x, training=True)
    assert layer.moving_variance.dtype == "float32"
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(0), rtol=1e-3)


def test_dropout_keeps_the_mean_and_repeats_with_its_seed():
    x = ops.ones((100, 100))
    outputs = [np.asarray(layers.Dropout(0.25, seed=5)(x, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(*outputs)
    assert set(np.unique(outputs[0]).round(4)) == {0.0, np.float32(4 / 3).round(4)}
    assert abs((outputs[0] == 0).mean() - 0.25) < 0.02
    layer = layers.Dropout(0.25, seed=5)
    first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
    assert (first != second).any()
    assert layers.Dropout(0.25)(x) is x


@pytest.mark.parametrize(
    ("layer", "axes"),
    [
        (layers.Dropout(0.5, noise_shape=(None, 1, None), seed=1), (1,)),
        (layers.SpatialDropout1D(0.5, seed=1), (1,)),
        (layers.AlphaDropout(0.5, noise_shape=(None, 1, 1), seed=1), (1, 2)),
    ],
)
def test_noise_is_shared_along_axes(layer, axes):
    outputs = np.asarray(layer(np.ones((16, 5, 6), "float32"), training=True))
    assert (outputs.std(axes) < 1e-6).all() and outputs.std() > 0.1


@pytest.mark.parametrize("layer", [layers.Dropout(1.0), layers.SpatialDropout1D(1.0)])
def test_dropping_everything_gives_zeros(layer):
    assert not np.asarray(layer(ONES, training=True)).any()


def test_a_reversed_embedding_computes_in_the_type_asked_for():
    layer = layers.ReversibleEmbedding(7, 4, reverse_dtype="float32", dtype="mixed_bfloat16")
    vectors = layer(np.array([[1, 2]]))
    logits = layer(vectors, reverse=True)
    types = [lamina.backend.standardize_dtype(one.dtype) for one in (vectors, logits)]
    assert types == ["bfloat16", "float32"]
    wide = ops.convert_to_numpy(ops.cast(vectors, "float32"))
    rounded = ops.convert_to_numpy(ops.cast(ops.cast(layer.embeddings, "bfloat16"), "float32"))
    expected = wide @ rounded.T
    np.testing.assert_allclose(ops.convert_to_numpy(logits), expected, rtol=1e-5, atol=1e-7)


def test_noise_has_the_moments_it_says():
    x = np.random.default_rng(0).normal(size=(300, 300)).astype("float32")
    alpha = np.asarray(layers.AlphaDropout(0.2, seed=1)(x, training=True))
    assert abs(alpha.mean()) < 0.02 and abs(alpha.std() - 1) < 0.02
    added = np.asarray(layers.GaussianNoise(0.5, seed=1)(x, training=True)) - x
    assert abs(added.mean()) < 0.01 and abs(added.std() - 0.5) < 0.01
    factor = np.asarray(layers.GaussianDropout(0.2, seed=1)(np.ones_like(x), training=True))
    assert abs(factor.mean() - 1) < 0.01 and abs(factor.std() - 0.5) < 0.01


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"])
@pytest.mark.parametrize("second", [MASKS[1], None])
def test_merges_combine_masks_as_keras(name, second):
    ours, theirs = [], []
    for value, mask in zip((2.0, 3.0), (MASKS[0], second), strict=True):
        x = np.full((2, 3, 4), value, "float32")
        ours.append(ops.convert_to_tensor(x))
        theirs.append(keras.ops.convert_to_tensor(x))
        if mask is not None:
            set_mask(ours[-1], ops.convert_to_tensor(mask, dtype="bool"))
            theirs[-1]._keras_mask = keras.ops.convert_to_tensor(mask, dtype="bool")
    result, known = getattr(layers, name)()(ours), getattr(keras.layers, name)()(theirs)
    mask, expected = get_mask(result), getattr(known, "_keras_mask", None)
    assert (mask is None) == (expected is None)
    valid = np.ones((2, 3), bool) if mask is None else np.asarray(mask)
    if mask is not None:
        np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(np.asarray(result)[valid], np.asarray(known)[valid])


@pytest.mark.parametrize("axis", [1, -1])
def test_concatenate_joins_masks(axis):
    x, y = ops.ones((2, 3, 4)), ops.zeros((2, 3, 4))
    set_mask(x, ops.convert_to_tensor(MASKS[0], dtype="bool"))
    mask = np.asarray(get_mask(layers.concatenate([x, y], axis=axis))).astype(int)
    joined = np.concatenate([MASKS[0], np.ones((2, 3), int)], 1)
    np.testing.assert_array_equal(mask, joined if axis == 1 else MASKS[0])


def test_dot_refuses_axes_that_are_not_there():
    with pytest.raises(ValueError, match=r"Dot with axes=3 .* do not have these axes"):
        layers.Dot(3)([ONES, ONES])


@pytest.mark.parametrize("rate", [np.float32(0.5), np.float64(0.5), np.array(0.5)])
def test_numbers_of_numpy_are_numbers(rate):
    assert layers.Dropout(rate).get_config()["rate"] == 0.5
    assert layers.GaussianNoise(rate).stddev == 0.5 and layers.ReLU(rate).max_value == 0.5
    with pytest.raises(ValueError, match="rate is a number from 0 to 1, not True"):
        layers.Dropout(True)


def test_functions_call_the_layers_of_their_names():
    x = [np.full((2, 3), 6.0, "float32"), np.full((2, 3), 2.0, "float32")]
    names = ("add", "subtract", "multiply", "average", "maximum", "minimum")
    found = [float(getattr(layers, name)(x)[0, 0]) for name in names]
    assert found == [8.0, 4.0, 12.0, 4.0, 6.0, 2.0]
    assert layers.dot(x, axes=1).shape == (2, 1)


def test_input_takes_a_shape_in_every_form():
    forms = {
        "shape": layers.Input((3, None), batch_size=2, name="q"),
        "batch_shape": layers.Input(batch_shape=(2, 3, None), dtype="float32"),
        "tensor": layers.Input(tensor=lamina.KerasTensor((2, 3, None))),
        "old": layers.InputLayer(batch_input_shape=(2, 3, None)).output,
    }
    assert {one.shape for one in forms.values()} == {(2, 3, None)}
    assert forms["shape"].name == "q"
    assert layers.Input((), dtype="int32").dtype == "int32"
    layer = layers.InputLayer((3,), dtype="uint8", name="pixels")
    known = keras.layers.InputLayer((3,), dtype="uint8", name="pixels")
    assert layer.get_config() == known.get_config()
    assert layers.InputLayer.from_config(known.get_config()).output.dtype == "uint8"


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Dense(4), (None, None, 3), (None, None, 4)),
        (layers.Flatten(), (None, None, 3), (None, None)),
        (layers.Reshape((-1, 4)), (None, 12), (None, 3, 4)),
        (layers.Conv2D(4, 3, strides=2), (None, None, 9, 3), (None, None, 4, 4)),
        (layers.UpSampling2D(), (None, None, 5, 3), (None, None, 10, 3)),
        (layers.Cropping1D(1), (None, None, 3), (None, None, 3)),
        (layers.GlobalAveragePooling2D(), (None, None, None, 3), (None, 3)),
        (layers.GroupNormalization(3), (None, None, 3), (None, None, 3)),
    ],
)
def test_unknown_sizes_stay_unknown(layer, shape, expected):
    assert layer(lamina.KerasTensor(shape)).shape == expected


@pytest.mark.parametrize("layer", [layers.Dense(4), layers.Flatten(), layers.Conv1D(4, 3)])
def test_an_empty_batch_gives_an_empty_batch(layer):
    assert layer(np.ones((0, 5, 6), "float32")).shape[0] == 0


def triple(x, mask=None, training=None, by=3):
    return x * (by if training else 1)


def test_lambda_passes_what_the_function_takes_and_stores_its_name():
    layer = layers.Lambda(triple, arguments={"by": 5})
    assert float(layer(np.ones((1, 1)), training=True)[0, 0]) == 5
    config = layer.get_config()
    assert config["arguments"] == {"by": 5} and "triple" in str(config["function"])
    with pytest.raises(ValueError, match="triple"):
        layers.Lambda.from_config(config)
    with lamina.saving.custom_object_scope({"triple": triple}):
        assert layers.Lambda.from_config(config).function is triple
    assert layers.Lambda.from_config(layers.Lambda(ops.sin).get_config()).function is ops.sin


@pytest.mark.parametrize(
    "function",
    [
        {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}},
        ["4wEAAAA=", None, None],
    ],
)
def test_lambda_never_runs_stored_code(function):
    with pytest.raises(ValueError, match=r"odd_one.*never run"):
        layers.Lambda.from_config({"name": "odd_one", "function": function})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Dense(0), "units is an integer of at least 1, not 0"),
        (lambda: layers.Dense(2.5), "units"),
        (lambda: layers.Dense(2, quantization_config={}), "quantization_config=None"),
        (lambda: layers.Dense(2, unit=3), "unit"),
        (lambda: layers.EinsumDense("ab,bc", 3)(ONES), "ab,bc"),
        (lambda: layers.EinsumDense("abc,cd->abd", 3)(ONES), "output_shape"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "kernel_size is 1 or 2 integers"),
        (lambda: layers.Conv2D(4, 3, groups=3), "groups=3"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "dilation_rate"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "padding"),
        (lambda: layers.Conv2DTranspose(4, 3, output_padding=1), "below strides=1"),
        (lambda: layers.Conv2D(4, 3)(ONES), "conv2d.*expected 4 dimensions, found 3"),
        (lambda: layers.Conv1D(4, 9)(ONES), "window of 9"),
        (lambda: layers.Conv1D(400, 9)(ONES), "window of 9"),
        (lambda: layers.AveragePooling1D(9)(ONES), "window of 9"),
        (lambda: layers.MaxPooling2D(0), "pool_size"),
        (lambda: layers.Dropout(1.5), "rate is a number from 0 to 1"),
        (lambda: layers.Flatten(data_format="last"), "data_format"),
        (lambda: layers.Permute((0, 1)), "dims"),
        (lambda: layers.Cropping1D(3)(ONES), "Crop less"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), "interpolation"),
        (lambda: layers.ReLU(max_value=-1), "max_value"),
        (lambda: layers.PReLU(shared_axes=3)(ONES), "along axis 3: .* axes 1 to 2 after"),
        (lambda: layers.PReLU(shared_axes=[0])(ONES), "along axis 0"),
        (lambda: layers.GroupNormalization(4)(ONES), "groups=4"),
        (lambda: layers.Add()(ONES), "list of tensors"),
        (lambda: layers.Subtract()([ONES] * 3), "two tensors"),
        (lambda: layers.Dot(1)([ONES, ONES[:, :2]]), "equal sizes"),
        (lambda: layers.Concatenate()([ONES, ONES[:, :2]]), "concatenate"),
        (lambda: layers.Input(), "shape="),
        (lambda: layers.Input((3,), sparse=True), "sparse"),
        (lambda: layers.Dense(2)(layers.Input((None,))), "last axis"),
    ],
)
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}") as caught:
        make()
    assert len(str(caught.value)) <= 600


def test_repeat_vector_refuses_other_types_as_keras():
    with pytest.raises(TypeError, match="integer"):
        layers.RepeatVector("a")
