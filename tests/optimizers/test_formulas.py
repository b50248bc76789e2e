"""What the formulas of the optimizers do beside what the comparison with Keras shows."""

import os

import numpy as np
import pytest

from lamina import ops, optimizers
from lamina.core.context import name_scope
from lamina.core.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

NAMES = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion"),
    *("Muon", "Nadam", "RMSprop", "SGD", "ScheduleFreeAdamW"),
)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_follows_full_precision(name, kind):
    start = {"kernel": np.float32([[0.5, -1.0, 2.0]] * 2), "bias": np.float32([0.5, -2.0])}

    def run(dtype):
        # Ftrl takes what it was given for 0, and FTRL's accumulator loses little steps.
        optimizer = getattr(optimizers, name)(0.125)
        made = [Variable(value, dtype=dtype, name=key) for key, value in start.items()]
        optimizer.build(made)
        for sign in (1.0, -0.5, 2.0):
            optimizer.apply([ops.full(one.shape, sign, dtype=dtype) for one in made])
        assert {ops.dtype(one.value) for one in made} == {dtype}
        return [np.asarray(one.numpy(), "float32") for one in made]

    for one, other in zip(run(kind), run("float32"), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.03, atol=0.03)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("Lion", {"beta_1": 0.0}),
        ("Lion", {"beta_1": lambda: 0.9}),
        ("Adam", {"beta_2": 1.5}),
        ("Adamax", {"beta_1": -0.1}),
        ("Adadelta", {"rho": 2.0}),
        ("Adafactor", {"beta_2_decay": 0.5}),
        ("Adafactor", {"clip_threshold": 0.0}),
        ("Ftrl", {"learning_rate_power": 0.5}),
        ("Ftrl", {"initial_accumulator_value": -1.0}),
        ("Ftrl", {"l1_regularization_strength": -1.0}),
        ("RMSprop", {"rho": 1.5}),
        ("RMSprop", {"momentum": -0.5}),
        ("Lamb", {"beta_2": -0.1}),
        ("Nadam", {"beta_1": None}),
        ("Muon", {"momentum": 1.5}),
        ("Muon", {"ns_steps": -1}),
        ("Muon", {"adam_weight_decay": -1.0}),
        ("Muon", {"exclude_layers": ["("]}),
        ("ScheduleFreeAdamW", {"beta_1": 0.0}),
        ("ScheduleFreeAdamW", {"warmup_steps": -1}),
    ],
)
def test_options_out_of_range_are_refused(name, given):
    with pytest.raises(ValueError, match=next(iter(given))):
        getattr(optimizers, name)(0.1, **given)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("a/kernel", {}),
        ("a/kernel", {"exclude_layers": ["^kernel"]}),
        ("a/kernel", {"exclude_layers": ["^a", "other"]}),
        ("a/kernel", {"exclude_layers": ["k.rn"]}),
        ("my_Embedding/table", {}),
        ("my_Embedding/table", {"exclude_embeddings": False}),
    ],
)
def test_muon_leaves_to_adam_what_keras_does(path, given):
    scope, name = path.split("/")
    mine, reference = optimizers.Muon(**given), keras.optimizers.Muon(**given)
    with name_scope(scope), keras.name_scope(scope):
        mine.build([Variable(np.ones((2, 3)), name=name)])
        reference.build([keras.Variable(np.ones((2, 3)), name=name)])
    assert [one.name for one in mine.variables] == [one.name for one in reference.variables]


@pytest.mark.parametrize("shape", [(2, 3), (5, 2), (3, 2, 4)])
def test_the_steps_of_muon_are_those_of_keras(shape):
    mine, reference = optimizers.Muon(), keras.optimizers.Muon()
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    for method, arguments in (
        ("zeropower_via_newtonschulz5", (2,)),
        ("transpose_last_axis", ()),
        ("lr_adjust", ()),
    ):
        found = getattr(mine, method)(ops.convert_to_tensor(x), *arguments)
        wanted = getattr(reference, method)(keras.ops.convert_to_tensor(x), *arguments)
        np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, rtol=1e-4, atol=1e-5)


def test_muon_keeps_decay_from_what_is_excluded():
    optimizer = optimizers.Muon(0.5, weight_decay=0.5, adam_weight_decay=0.25)
    made = [Variable(np.ones(shape, "float32"), name=n) for n, shape in SHAPES.items()]
    optimizer.exclude_from_weight_decay(var_names=["first"])
    optimizer.apply([ops.zeros(one.shape) for one in made], made)
    assert [float(one.numpy().max()) for one in made] == [1.0, 1.0, 0.75, 0.875]


SHAPES = {"first_matrix": (2, 2), "first_row": (2,), "matrix": (2, 2), "row": (2,)}


def test_adafactor_takes_the_learning_rate_as_it_is_where_asked():
    weights = [Variable([1.0], name="relative"), Variable([1.0], name="absolute")]
    for relative, weight in zip((True, False), weights, strict=True):
        optimizer = optimizers.Adafactor(2.0, relative_step=relative)
        optimizer.apply([ops.ones(1)], [weight])
    assert [float(one[0]) for one in weights] == [0.0, -1.0]


def test_ftrl_leaves_at_0_what_has_had_no_gradient():
    weight = Variable([0.0, 0.0])
    optimizer = optimizers.Ftrl(0.5, initial_accumulator_value=0.0)
    optimizer.apply([ops.array([0.0, 2.0])], [weight])
    assert weight.numpy().tolist() == [0.0, -0.5]


def test_schedule_free_keeps_points_of_its_own():
    weight = Variable([1.0, 2.0])
    optimizer = optimizers.ScheduleFreeAdamW(0.5)
    optimizer.build([weight])
    weight.assign([3.0, 4.0])
    assert optimizer.variables[2].numpy().tolist() == [1.0, 2.0]


def test_nadam_counts_steps_once_for_all_variables():
    one, other, alone = (Variable([1.0]) for _ in range(3))
    both, single = optimizers.Nadam(0.1), optimizers.Nadam(0.1)
    for _ in range(3):
        both.apply([ops.ones(1)] * 2, [one, other])
        single.apply([ops.ones(1)], [alone])
    later = Variable([1.0], name="later")
    both.apply([ops.ones(1)], [later])
    np.testing.assert_allclose(one.numpy(), alone.numpy(), rtol=1e-6)
    assert sum(not v.shape for v in both.variables) == 3  # iteration, learning rate, product


@pytest.mark.parametrize("name", ["Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop", "SGD"])
def test_optimizers_of_keras_2_are_refused(name):
    with pytest.raises(ImportError, match=rf"keras\.optimizers\.{name} instead"):
        getattr(optimizers.legacy, name)(learning_rate=0.1)
