"""Kernels of convolutions in the order in which PyTorch's convolutions read them."""

import numpy as np
import pytest

import lamina
from lamina import layers, optimizers
from lamina.backend import use

torch = pytest.importorskip("torch")
layouts = pytest.importorskip("lamina.backend.torch.layouts")
repetition = pytest.importorskip("lamina.backend.torch.repetition")

pytestmark = pytest.mark.every_backend

X = np.random.default_rng(0).normal(size=(60, 6, 6, 2)).astype("float32")
OPTIMIZERS = {
    **{name: {} for name in ("Adam", "SGD", "RMSprop", "Adafactor", "Lamb", "Muon", "Ftrl")},
    "AdamW": {"weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.5},
    "Nadam": {"gradient_accumulation_steps": 2, "clipnorm": 0.1},
}


def network():
    lamina.utils.set_random_seed(1)
    return lamina.Sequential(
        [
            lamina.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="tanh", kernel_regularizer="l2"),
            layers.Conv2D(3, 1, kernel_constraint="max_norm"),
            layers.SeparableConv2D(4, 2),
            layers.Conv2DTranspose(1, 2),
            layers.Conv2D(2, 2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


@pytest.mark.parametrize("layer", [layers.Conv1D, layers.Conv2D, layers.Conv3D])
def test_kernels_are_read_as_they_lie(layer):
    with use("torch"):
        made = layer(4, 3)
        made.build((None, *[8] * made.rank, 2))
        kernel = made.kernel.value
    assert kernel.shape == (*[3] * made.rank, 2, 4)
    *window, channels, filters = range(kernel.ndim)
    assert kernel.permute(filters, *window, channels).is_contiguous()


def test_of_one_channel_in_the_order_of_its_places():
    with use("torch"):
        made = layers.Conv2D(4, 3)
        made.build((None, 8, 8, 1))
        weights = made.kernel.value.permute(3, 2, 0, 1)
    assert weights.stride() == (9, 9, 3, 1)


@pytest.mark.parametrize("enough", [1, 10**9], ids=["repeated", "run"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_is_the_same_in_either_order(name, enough, monkeypatch):
    monkeypatch.setattr(repetition, "ENOUGH", enough)

    def trained():
        model = network()
        optimizer = getattr(optimizers, name)(0.01, **OPTIMIZERS[name])
        model.compile(optimizer, "mse")
        model.fit(X, X.sum((1, 2, 3)), batch_size=6, epochs=2, shuffle=False, verbose=0)
        state = [np.asarray(one) for one in optimizer.variables]
        return [*model.get_weights(), *state]

    with use("torch") as backend:
        found = trained()
        monkeypatch.setattr(type(backend), "lay_out_filters", lambda self, handle: None)
        expected = trained()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_slots_lie_as_their_variables():
    with use("torch"):
        model = network()
        model.compile("adam", "mse")
        model.fit(X, X.sum((1, 2, 3)), verbose=0)
        for variable, slots in model.optimizer._slot_handles.items():
            assert all(slot.value.stride() == variable.value.stride() for slot in slots.values())


def test_training_goes_on_from_a_file(tmp_path):
    with use("torch"):
        model = network()
        model.compile("adam", "mse")
        model.fit(X, X.sum((1, 2, 3)), verbose=0, shuffle=False)
        model.save(tmp_path / "model.keras")
        loaded = lamina.saving.load_model(tmp_path / "model.keras")
        for one in (model, loaded):
            one.fit(X, X.sum((1, 2, 3)), verbose=0, shuffle=False)
        found, expected = model.get_weights(), loaded.get_weights()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_elements_in_the_order_of_another():
    x = torch.arange(24.0).reshape(2, 3, 4)
    turned = torch.zeros(4, 2, 3).permute(1, 2, 0)
    row = layouts.in_memory_of(x, turned)
    assert row.tolist() == x.permute(2, 0, 1).flatten().tolist()
    assert torch.equal(layouts.laid_out_as(row, turned), x)
    assert layouts.in_memory_of(x, torch.zeros(2, 3, 4)).data_ptr() == x.data_ptr()


@pytest.mark.parametrize(
    ("x", "dense"),
    [
        (torch.zeros(2, 3), True),
        (torch.zeros(2, 3).t(), True),
        (torch.zeros(2, 1, 3).transpose(0, 1), True),
        (torch.zeros(2, 3)[:, :2], False),
        (torch.zeros(3).expand(2, 3), False),
        (torch.zeros(()), True),
    ],
)
def test_what_is_dense(x, dense):
    assert layouts.is_dense(x) is dense
