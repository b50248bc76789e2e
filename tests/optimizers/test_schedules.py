import os

import numpy as np
import pytest

from lamina import optimizers
from lamina.backend import current
from lamina.core.registry import slots
from lamina.core.variable import Variable
from lamina.optimizers import schedules

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

ROWS = {
    "ExponentialDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True), (0.1, 2.5, 1.5)],
    "InverseTimeDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True), (0.1, 2.5, 3.0)],
    "PolynomialDecay": [(0.1, 20), (0.1, 20, 0.01, 2.0), (0.1, 20, 0.01, 0.5, True)],
    "PiecewiseConstantDecay": [
        ([3, 10, 40], [1.0, 0.5, 0.2, 0.1]),
        ([2.5, 10.0], [1, 2, 3]),
    ],
    "CosineDecay": [
        (0.1, 30),
        (0.1, 30, 0.2),
        (0.01, 30, 0.1, "c", 0.2, 10),
        (0.01, 30, 0.0, "c", 0.2, 0),
    ],
    "CosineDecayRestarts": [
        (0.1, 5),
        (0.1, 5, 1.0),
        (0.1, 5, 1.5, 0.8, 0.1),
        (0.1, 3, 3.0, 1.2),
    ],
}
STEPS = [0, 1, 2, 3, 4, 5, 7, 9, 10, 14, 20, 21, 30, 33, 39, 41, 99]
CASES = [(name, arguments) for name, rows in ROWS.items() for arguments in rows]


def test_every_class_has_a_row():
    classes = {entry.__name__ for entry in slots["optimizers.schedules"].values()}
    public = {name for name in classes if hasattr(schedules, name)}
    assert public - {"LearningRateSchedule"} == set(ROWS)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_rates_are_those_of_keras(name, arguments):
    mine = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    compiled = current().jit(mine)
    for step in STEPS:
        wanted = float(theirs(step))
        assert float(mine(step)) == pytest.approx(wanted, rel=1e-4, abs=1e-7)
        assert float(compiled(np.int32(step))) == pytest.approx(wanted, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_configs_pass_between_here_and_keras(name, arguments):
    mine = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    assert schedules.serialize(mine) == keras.optimizers.schedules.serialize(theirs)
    again = schedules.deserialize(keras.optimizers.schedules.serialize(theirs))
    assert again.get_config() == mine.get_config()


@pytest.mark.parametrize(
    "call",
    [
        lambda: schedules.CosineDecay(0.1, 0),
        lambda: schedules.ExponentialDecay(0.1, -1, 0.5),
        lambda: schedules.CosineDecayRestarts(0.1, 0),
        lambda: schedules.PiecewiseConstantDecay([1], [1.0]),
        lambda: schedules.PiecewiseConstantDecay([2, 1], [1.0, 2.0, 3.0]),
    ],
)
def test_mistakes_are_refused(call):
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize("accumulate", [None, 2])
def test_an_optimizer_follows_its_schedule(accumulate):
    def run(module, variable):
        rate = module.schedules.PiecewiseConstantDecay([1, 2, 3], [1.0, 10.0, 100.0, 1000.0])
        optimizer = module.SGD(rate, gradient_accumulation_steps=accumulate)
        values = []
        for _ in range(4):
            optimizer.apply([np.ones(1, "float32")], [variable])
            values.append(float(variable.numpy()[0]))
        return [*values, int(optimizer.iterations), float(optimizer.learning_rate)]

    mine = run(optimizers, Variable([0.0], name="w"))
    assert mine == run(keras.optimizers, keras.Variable(np.zeros(1, "float32")))


def test_a_schedule_goes_through_the_optimizer_s_config():
    optimizer = optimizers.Adam(schedules.ExponentialDecay(0.1, 10, 0.9))
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == pytest.approx(0.1)
    with pytest.raises(TypeError, match="schedule"):
        optimizer.learning_rate = 0.1


def test_a_schedule_may_take_the_place_of_a_number_between_compiled_steps():
    optimizer, weight = optimizers.SGD(1.0), Variable([0.0], name="w")
    step = current().jit(lambda: optimizer.apply([np.ones(1, "float32")], [weight]))
    step()
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([10], [5.0, 0.0])
    step()
    assert weight.numpy().tolist() == [-6.0]
    assert [variable.name for variable in optimizer.variables] == ["iteration"]
