"""What holds on a GPU; left out where there is none."""

import warnings

import numpy as np
import pytest

import lamina
from lamina import layers, losses, models, ops, optimizers
from lamina.backend import current

pytestmark = pytest.mark.skipif(
    "gpu:0" not in current().devices(), reason="there is no GPU that this backend sees"
)


def place_of(tensor):
    """The kind of device that a tensor of JAX, PyTorch or TensorFlow lies on."""
    text = str(tensor.device).lower()
    return "gpu" if "gpu" in text or "cuda" in text else "cpu"


def small_network():
    return models.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )


def data(rows=256):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 8, 8, 3)).astype("float32")
    return x, x.mean((1, 2, 3)).argsort().argsort() * 4 // rows


def trained(place, **options):
    """The losses of some epochs, and the outputs after them."""
    lamina.utils.set_random_seed(1)
    with lamina.device(place):
        model = small_network()
        loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizers.Adam(1e-3), loss, **options)
        x, y = data()
        history = model.fit(x, y, epochs=3, batch_size=16, verbose=0, shuffle=False)
        return history.history["loss"], model.predict(x[:8], verbose=0)


def test_tensors_and_variables_lie_on_the_gpu_unless_told_otherwise():
    layer = layers.Dense(2)
    layer.build((None, 3))
    assert place_of(ops.ones(3)) == place_of(layer.kernel.value) == "gpu"
    with lamina.device("cpu:0"):
        other = layers.Dense(2)
        other.build((None, 3))
        assert place_of(ops.ones(3)) == place_of(other.kernel.value) == "cpu"
        assert place_of(lamina.random.normal((2,))) == "cpu"


def test_a_training_has_the_numbers_that_it_has_on_the_cpu():
    loss, outputs = trained("gpu:0")
    expected_loss, expected = trained("cpu:0")
    np.testing.assert_allclose(loss, expected_loss, rtol=0.02)
    np.testing.assert_allclose(outputs, expected, atol=0.1)


def test_batches_that_a_loader_left_on_the_cpu_are_brought_over():
    torch = pytest.importorskip("torch")
    x, y = (torch.as_tensor(one) for one in data())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
    # Without an Input: it is built by the first batch.
    model = models.Sequential([layers.Flatten(), layers.Dropout(0.1), layers.Dense(4)])
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.fit(loader, verbose=0).history["loss"]).all()
    assert place_of(model(ops.convert_to_tensor(x.numpy()))) == "gpu"
    if current().name == "torch":
        assert place_of(model(x)) == "gpu"


def test_a_compiled_step_has_the_same_numbers():
    with warnings.catch_warnings(record=True) as said:  # the compiler has its own
        warnings.simplefilter("always")
        compiled, _ = trained("gpu:0", jit_compile=True)
    assert not [one for one in said if "uncompiled" in str(one.message)]
    np.testing.assert_allclose(compiled, trained("gpu:0")[0], rtol=0.02)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains(policy):
    before = lamina.mixed_precision.dtype_policy()
    lamina.mixed_precision.set_global_policy(policy)
    try:
        loss, _ = trained("gpu:0")
    finally:
        lamina.mixed_precision.set_global_policy(before)
    assert loss[-1] < 0.95 * loss[0]
    np.testing.assert_allclose(loss, trained("gpu:0")[0], rtol=0.1)


@pytest.mark.parametrize("causal", [False, True])
def test_fused_attention_has_the_values_and_gradients_of_the_definition(causal):
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=(2, 64, 4, 32)).astype("float32") for _ in range(4)]
    q, k, v, weights = (ops.cast(ops.convert_to_tensor(one), "bfloat16") for one in drawn)

    def of(flash, q, k, v):
        y = ops.dot_product_attention(q, k, v, is_causal=causal, flash_attention=flash)
        return ops.sum(ops.cast(y * weights, "float32"))

    for which in (0, 1, 2):
        found = [
            lamina.grad(lambda *a, f=f: of(f, *a), argnums=which)(q, k, v) for f in (None, False)
        ]
        fused, plain = (ops.convert_to_numpy(ops.cast(one, "float32")) for one in found)
        np.testing.assert_allclose(fused, plain, atol=0.05 * np.abs(plain).max())


def test_files_and_resume(tmp_path):
    x, y = data()
    model = small_network()
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(x, y, epochs=1, verbose=0, resume=tmp_path / "backup")
    model.save(tmp_path / "a.keras")
    again = models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert place_of(again.layers[0].kernel.value) == "gpu"
