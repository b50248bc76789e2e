"""Which optimizers' formulas PyTorch runs on all parameters at once."""

import numpy as np
import pytest

import lamina
from lamina import layers, ops, optimizers
from lamina.backend import use
from lamina.core.variable import Variable

pytest.importorskip("torch")
repetition = pytest.importorskip("lamina.backend.torch.repetition")

pytestmark = pytest.mark.every_backend

ELEMENTWISE = (
    *("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD"),
    "ScheduleFreeAdamW",
)
BY_KERNEL = ("Adam", "AdamW")


def programs(optimizer, shapes=((2, 3), (3,), ())):
    made = [Variable(np.ones(shape, "float32")) for shape in shapes]
    for _ in range(2):
        optimizer.apply([ops.ones(shape) for shape in shapes], made)
    return {key[0]: memo["plan"].program for key, memo in optimizer._memos.items() if memo}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_formula_of_elements_is_recorded(name):
    with use("torch"):
        found = programs(getattr(optimizers, name)(weight_decay=0.1))
    assert found and all(program is not None for program in found.values())
    assert (set(found) == {"_decay"}) == (name in BY_KERNEL)


@pytest.mark.parametrize("name", ["Adafactor", "Lamb"])
def test_a_formula_of_shapes_is_not(name):
    with use("torch"):
        assert programs(getattr(optimizers, name)()) == {"update": None}


def test_muon_has_one_of_each():
    with use("torch"):
        found = programs(optimizers.Muon())
    assert found.pop("update") is None
    assert set(found) == {"_decay", "_decay_by_adam", "_update_by_adam"}
    assert all(program is not None for program in found.values())


X = np.random.default_rng(0).normal(size=(36, 3)).astype("float32")


def trained(optimizer, enough, monkeypatch):
    """The weights and the optimizer's state after steps of which those after two are repeated."""
    monkeypatch.setattr(repetition, "ENOUGH", enough)
    lamina.utils.set_random_seed(1)
    model = lamina.Sequential([lamina.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.fit(X, X[:, :1] * 2.0, batch_size=4, epochs=1, verbose=0)
    return [one.numpy() for one in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("name", [*ELEMENTWISE, "Adafactor", "Lamb", "Muon"])
def test_steps_with_it_are_repeated_to_the_bit(name, monkeypatch):
    make = getattr(optimizers, name)
    rate = optimizers.schedules.CosineDecay(0.05, 20)
    made = []
    program = repetition._Record.program
    monkeypatch.setattr(
        repetition._Record, "program", lambda self: made.append(self) or program(self)
    )
    with use("torch"):
        plain = trained(make(rate, weight_decay=0.01, clipnorm=1.0), 10**9, monkeypatch)
        assert not made
        repeated = trained(make(rate, weight_decay=0.01, clipnorm=1.0), 1, monkeypatch)
    assert made
    for one, other in zip(plain, repeated, strict=True):
        np.testing.assert_array_equal(one, other)
