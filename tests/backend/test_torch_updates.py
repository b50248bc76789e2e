"""Which optimizers' formulas PyTorch runs on all parameters at once."""

import numpy as np
import pytest

from lamina import ops, optimizers
from lamina.backend import use
from lamina.core.variable import Variable

pytest.importorskip("torch")

pytestmark = pytest.mark.every_backend

ELEMENTWISE = (
    *("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD"),
    "ScheduleFreeAdamW",
)


def programs(optimizer, shapes=((2, 3), (3,), ())):
    made = [Variable(np.ones(shape, "float32")) for shape in shapes]
    for _ in range(2):
        optimizer.apply([ops.ones(shape) for shape in shapes], made)
    return {key[0]: memo["plan"].program for key, memo in optimizer._memos.items()}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_formula_of_elements_is_recorded(name):
    with use("torch"):
        found = programs(getattr(optimizers, name)(weight_decay=0.1))
    assert found and all(program is not None for program in found.values())


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
