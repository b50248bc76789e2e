"""Every optimizer, alone and with each option, against real Keras on random gradients."""

import inspect
import os
import re
import warnings

import jax
import numpy as np
import pytest
from hypothesis import given as given_data
from hypothesis import settings
from hypothesis import strategies as st

from lamina import constraints, optimizers
from lamina.backend import current
from lamina.core.registry import slots
from lamina.core.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

ROWS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "RMSprop": [{}, {"momentum": 0.8}, {"centered": True}, {"momentum": 0.8, "centered": True}],
    "Adam": [{}, {"amsgrad": True}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}],
    "AdamW": [{}, {"weight_decay": 0.1}],
    "Adagrad": [{}, {"initial_accumulator_value": 0.5, "epsilon": 1e-2}],
    "Adadelta": [{}, {"rho": 0.5, "epsilon": 1e-3}],
    "Adafactor": [{}, {"beta_2_decay": -0.5, "epsilon_2": 0.5, "clip_threshold": 0.6}],
    "Adamax": [{}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}],
    "Ftrl": [
        {},
        {"learning_rate_power": 0.0, "l2_regularization_strength": 0.5},
        {
            "learning_rate_power": -0.6,
            "initial_accumulator_value": 0.5,
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.3,
            "beta": 0.4,
        },
    ],
    "Lamb": [{}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}],
    "Lion": [{}, {"beta_1": 0.5, "beta_2": 0.9}],
    "Muon": [
        {},
        {"nesterov": False, "rms_rate": None, "weight_decay": None},
        {"exclude_layers": ["^ker"], "adam_weight_decay": 0.1, "adam_lr_ratio": 0.5},
        {"exclude_embeddings": False, "ns_steps": 2, "momentum": 0.5, "adam_weight_decay": None},
    ],
    "Nadam": [{}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}],
    "ScheduleFreeAdamW": [{}, {"beta_1": 0.5, "beta_2": 0.9, "warmup_steps": 5}],
}
OPTIONS = [
    {"weight_decay": 0.05},
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    {"loss_scale_factor": 4.0},
    {"gradient_accumulation_steps": 3},
    {"weight_decay": 0.05, "clipnorm": 0.5, "gradient_accumulation_steps": 2},
    {
        "weight_decay": 0.05,
        "global_clipnorm": 0.5,
        "loss_scale_factor": 2.0,
        "gradient_accumulation_steps": 2,
        "use_ema": True,
        "ema_momentum": 0.8,
        "ema_overwrite_frequency": 2,
    },
]
UNNAMED_IN_KERAS = ("Lamb", "lamb")  # Keras 3.15 has the class, and does not find it by its name
PLAIN = [(name, given) for name, rows in ROWS.items() for given in rows]
# The options are composed around the formulas: each is tried around one, all around each.
COMBINED = [
    pytest.param(
        name,
        {**rows[-1], **options},
        marks=() if options is OPTIONS[-1] or name == "Adam" else pytest.mark.slow,
    )
    for name, rows in ROWS.items()
    for options in OPTIONS
]
SHAPES = {"kernel": (3, 4), "bias": (4,), "scale": (), "embedding": (5, 2), "filter": (2, 2, 3, 2)}


def start():
    generator = np.random.default_rng(1)
    return [generator.normal(size=shape).astype("float32") for shape in SHAPES.values()]


def gradients(count):
    generator = np.random.default_rng(2)
    return [
        [generator.normal(size=shape).astype("float32") for shape in SHAPES.values()]
        for _ in range(count)
    ]


def made(make, constrain=None):
    found = [make(value, name=name) for value, name in zip(start(), SHAPES, strict=True)]
    if constrain is not None:
        found[0].constraint = constrain
    return found


def ours(optimizer, steps, constrain=None, compiled=True):
    variables = made(Variable, constrain)
    optimizer.build(variables)

    def step(*grads):
        optimizer.apply(list(grads), variables)

    run = current().jit(step) if compiled else step
    for grads in gradients(steps):
        run(*grads)
    return variables


def theirs(optimizer, steps, constrain=None):
    variables = made(keras.Variable, constrain)
    optimizer.build(variables)
    # Keras's own loop takes seconds a step where it branches; compiled, it takes none.
    step = jax.jit(optimizer.stateless_apply)
    values = [one.value for one in variables]
    state = [one.value for one in optimizer.variables]
    for grads in gradients(steps):
        values, state = step(state, grads, values)
    for one, value in zip((*variables, *optimizer.variables), (*values, *state), strict=True):
        one.assign(value)
    return variables


def agree(name, given, steps, **options):
    mine = getattr(optimizers, name)(0.05, **given)
    reference = getattr(keras.optimizers, name)(0.05, **given)
    found = ours(mine, steps, **options)
    wanted = theirs(reference, steps, options.get("constrain"))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)
    # The state agrees too, in Keras's order: files carry it by number.
    assert names(mine) == names(reference)
    for one, other in zip(mine.variables, reference.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)
        assert one.dtype == str(other.dtype) and one.shape == tuple(other.shape)


def names(optimizer):
    """The names of its variables, but for the numbers of those that were given none."""
    return [re.sub(r"^variable(_\d+)?$", "variable", one.name) for one in optimizer.variables]


def test_every_class_has_a_row():
    classes = {entry.__name__ for entry in slots["optimizers"].values()}
    public = {name for name in classes if hasattr(optimizers, name)}
    others = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
    assert public - others == set(ROWS)


@pytest.mark.parametrize(("name", "given"), PLAIN)
def test_50_steps(name, given):
    agree(name, given, 50)


@pytest.mark.parametrize(("name", "given"), COMBINED)
def test_20_steps_with_options(name, given):
    agree(name, given, 20)


@pytest.mark.parametrize(
    ("name", "given"), [("SGD", OPTIONS[-1]), ("Adam", {"amsgrad": True, **OPTIONS[-1]})]
)
def test_steps_that_are_not_compiled(name, given):
    agree(name, given, 4, compiled=False)


# What an argument of an optimizer may be, by its name.
FRACTIONS = ("beta_1", "beta_2", "rho", "momentum", "adam_beta_1", "adam_beta_2", "weight_decay")
STRENGTHS = ("beta", "initial_accumulator_value", "epsilon_2", "adam_lr_ratio", "clip_threshold")
ARGUMENTS = {
    **dict.fromkeys(FRACTIONS, st.floats(0.05, 0.95)),
    **dict.fromkeys(STRENGTHS, st.floats(0.1, 2.0)),
    **{f"{one}_regularization_strength": st.floats(0.0, 1.0) for one in ("l1", "l2")},
    "l2_shrinkage_regularization_strength": st.floats(0.0, 1.0),
    **dict.fromkeys(("amsgrad", "nesterov", "centered", "exclude_embeddings"), st.booleans()),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm"), st.floats(0.1, 2.0)),
    **dict.fromkeys(("warmup_steps", "ns_steps"), st.integers(1, 4)),
    "epsilon": st.floats(1e-6, 1e-2),
    "beta_2_decay": st.floats(-1.0, -0.2),
    "learning_rate_power": st.floats(-1.0, 0.0),
    "adam_weight_decay": st.none() | st.floats(0.0, 0.5),
    "rms_rate": st.none() | st.floats(0.1, 1.0),
    "gradient_accumulation_steps": st.integers(2, 4),
    "ema_momentum": st.floats(0.1, 0.9),
    "use_ema": st.booleans(),
    "loss_scale_factor": st.floats(0.5, 8.0),
}
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


@pytest.mark.slow
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given_data(st.data())
def test_50_steps_with_arguments_that_are_drawn(data):
    name = data.draw(st.sampled_from(sorted(ROWS)))
    known = inspect.signature(getattr(keras.optimizers, name)).parameters
    drawn = {one: data.draw(values) for one, values in ARGUMENTS.items() if one in known}
    left_out = data.draw(st.sets(st.sampled_from(sorted(drawn))))
    clipping = data.draw(st.sampled_from(CLIPPING))
    left_out |= {one for one in CLIPPING if one != clipping}
    agree(name, {one: value for one, value in drawn.items() if one not in left_out}, 50)


@pytest.mark.parametrize("options", [{}, OPTIONS[5], OPTIONS[7]])
def test_constraints(options):
    mine = ours(optimizers.SGD(0.5, **options), 8, constraints.NonNeg())
    wanted = theirs(keras.optimizers.SGD(0.5, **options), 8, keras.constraints.NonNeg())
    for one, other in zip(mine, wanted, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "given"), PLAIN)
def test_configs_pass_between_here_and_keras(name, given):
    mine = getattr(optimizers, name)(0.05, **given)
    reference = getattr(keras.optimizers, name)(0.05, name=mine.name, **given)
    assert mine.get_config() == reference.get_config()
    described = optimizers.serialize(mine)
    assert described == keras.optimizers.serialize(reference)
    if name not in UNNAMED_IN_KERAS:
        assert keras.optimizers.deserialize(described).get_config() == mine.get_config()
    again = optimizers.deserialize(keras.optimizers.serialize(reference))
    assert again.get_config() == mine.get_config()


@pytest.mark.parametrize(
    "name", [name for name in (*ROWS, *map(str.lower, ROWS)) if name not in UNNAMED_IN_KERAS]
)
def test_names_are_those_of_keras(name):
    assert type(optimizers.get(name)).__name__ == type(keras.optimizers.get(name)).__name__


@pytest.mark.parametrize("name", ROWS)
def test_auto_names_are_those_of_keras(name):
    mine, reference = getattr(optimizers, name)().name, getattr(keras.optimizers, name)().name
    assert mine.rstrip("_0123456789") == reference.rstrip("_0123456789")


def test_loss_scale_follows_keras():
    mine = optimizers.LossScaleOptimizer(optimizers.SGD(0.1), 8.0, dynamic_growth_steps=2)
    reference = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), 8.0, dynamic_growth_steps=2
    )
    variables, others = made(Variable), made(keras.Variable)
    mine.build(variables)
    reference.build(others)
    state = [one.value for one in reference.variables]
    values = [one.value for one in others]
    step = current().jit(lambda *grads: mine.apply(list(grads)))
    factors = [1, 1, np.inf, 1, 1, 1, np.nan, np.inf, 1]
    for factor, grads in zip(factors, gradients(len(factors)), strict=True):
        grads[1] = grads[1] * np.float32(factor)
        step(*grads)
        values, state = reference.stateless_apply(state, grads, values)
    for one, other in zip(variables, values, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-5)
    assert [one.name for one in mine.variables] == [one.name for one in reference.variables]
    for one, other in zip(mine.variables, state, strict=True):
        np.testing.assert_allclose(one.numpy(), other)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = keras.optimizers.deserialize(optimizers.serialize(mine))
    assert again.get_config().keys() == mine.get_config().keys()
