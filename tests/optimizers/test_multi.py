"""Several optimizers in one, against Keras's."""

import os

import jax
import numpy as np
import pytest

import lamina
from lamina import layers, ops, optimizers
from lamina.backend import current
from lamina.core.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

SHAPES = {"ka": (3, 2), "kb": (2,), "c": (2,), "d": ()}
GRADIENTS = [
    [np.random.default_rng(step).normal(size=s).astype("float32") for s in SHAPES.values()]
    for step in range(6)
]


def by_pattern(library):
    return library.OptimizerMap(
        library.SGD(0.1, momentum=0.5),
        {
            "k.*": library.Adam(0.1, weight_decay=0.1, clipnorm=0.5),
            "c": library.SGD(0.5, gradient_accumulation_steps=2),
            "unused": library.Lion(),
        },
    )


def by_function(library):
    shared = library.Adam(0.1, use_ema=True, ema_momentum=0.5)
    return lambda variable: shared if len(variable.shape) == 2 else library.SGD(0.25)


def variables(make):
    return [make(np.ones(shape, "float32"), name=name) for name, shape in SHAPES.items()]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("chosen", [by_pattern, by_function])
def test_each_variable_is_updated_by_its_own(chosen, compiled):
    mine = optimizers.MultiOptimizer(chosen(optimizers), loss_scale_factor=4.0)
    reference = keras.optimizers.MultiOptimizer(chosen(keras.optimizers), loss_scale_factor=4.0)
    found, wanted = variables(Variable), variables(keras.Variable)
    mine.build(found)
    reference.build(wanted)
    step = current().jit(lambda *grads: mine.apply(list(grads))) if compiled else None
    theirs = jax.jit(reference.stateless_apply)
    values = [one.value for one in wanted]
    state = [one.value for one in reference.variables]
    for grads in GRADIENTS:
        step(*grads) if compiled else mine.apply(grads)
        values, state = theirs(state, grads, values)
    assert [one.name for one in mine.variables] == [one.name for one in reference.variables]
    for one, other in zip((*found, *mine.variables), (*values, *state), strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-4, atol=1e-5)
    assert int(mine.iterations) == 6 and float(mine.scale_loss(ops.ones(()))) == 4.0
    for one, value in zip(wanted, values, strict=True):
        one.assign(value)
    for one, value in zip(reference.variables, state, strict=True):
        one.assign(value)
    mine.finalize_variable_values(found)
    reference.finalize_variable_values(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-5)


def test_configs_pass_between_here_and_keras():
    described = optimizers.serialize(optimizers.MultiOptimizer(by_pattern(optimizers), name="m"))
    reference = keras.optimizers.MultiOptimizer(by_pattern(keras.optimizers), name="m")
    wanted = keras.optimizers.serialize(reference)

    def without_names(config):
        if isinstance(config, dict):
            return {k: without_names(v) for k, v in config.items() if k != "name"}
        return config

    assert without_names(described) == without_names(wanted)
    again = optimizers.deserialize(wanted)
    assert optimizers.serialize(again) == wanted
    keras.optimizers.deserialize(described)
    chosen = optimizers.OptimizerMap.from_config(by_pattern(optimizers).get_config())
    assert list(chosen) == ["k.*", "c", "unused"] and len(chosen) == 3
    with lamina.saving.custom_object_scope({"_by_rank": _by_rank}):
        mine = optimizers.MultiOptimizer(_by_rank)
        assert optimizers.deserialize(optimizers.serialize(mine)).optimizer_map is _by_rank


def _by_rank(variable):
    return optimizers.Adam() if len(variable.shape) == 2 else optimizers.SGD()


def test_patterns_match_whole_paths():
    adam = optimizers.Adam()
    for pattern, matches in (("a/ker.*", True), (".*kernel", True), ("a/", False), ("nel$", False)):
        chosen = optimizers.OptimizerMap(optimizers.SGD(), {pattern: adam})
        assert (chosen["a/kernel"] is adam) == matches
        theirs = keras.optimizers.Adam()
        reference = keras.optimizers.OptimizerMap(keras.optimizers.SGD(), {pattern: theirs})
        assert (reference["a/kernel"] is theirs) == matches
    chosen = optimizers.OptimizerMap(optimizers.SGD(), {"k.*": adam, "ke.*": optimizers.Lion()})
    with pytest.raises(ValueError, match="Several patterns"):
        chosen["kernel"]
    chosen["kernel"] = adam
    assert chosen["kernel"] is adam
    del chosen["ke.*"]
    assert list(chosen) == ["k.*", "kernel"]


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda: optimizers.OptimizerMap("sgd"), TypeError, "default_optimizer"),
        (lambda: _map({"a": "adam"}), ValueError, "adam"),
        (lambda: _map({"(": optimizers.Adam()}), ValueError, "regular expression"),
        (lambda: _map({3: optimizers.Adam()}), ValueError, "string"),
        (lambda: _twice(), ValueError, "already"),
        (lambda: optimizers.MultiOptimizer("sgd"), TypeError, "OptimizerMap"),
        (lambda: optimizers.MultiOptimizer(optimizers.SGD()), TypeError, "OptimizerMap"),
        (lambda: optimizers.MultiOptimizer({"a": 1}), TypeError, "OptimizerMap"),
        (lambda: _built(lambda variable: "sgd"), ValueError, "'w'"),
        (lambda: _built(_map({"w": optimizers.SGD(loss_scale_factor=2)})), ValueError, "loss"),
        (lambda: _built(_map({"w": optimizers.LossScaleOptimizer("sgd")})), ValueError, "loss"),
        (lambda: _built(_by_rank).learning_rate, AttributeError, "optimizers"),
        (lambda: setattr(_built(_by_rank), "learning_rate", 1.0), AttributeError, "optimizers"),
        (lambda: optimizers.MultiOptimizer(_by_rank).exclude_from_weight_decay(), ValueError, "bu"),
    ],
)
def test_what_cannot_be_is_refused(wrong, error, text):
    with pytest.raises(error, match=text) as caught:
        wrong()
    assert len(str(caught.value)) <= 600


def _map(given):
    return optimizers.OptimizerMap(optimizers.SGD(), given)


def _twice():
    _map({"a": optimizers.Adam()})["a"] = optimizers.Adam()


def _built(chosen):
    optimizer = optimizers.MultiOptimizer(chosen)
    optimizer.build([Variable([1.0], name="w")])
    return optimizer


def test_gradients_may_be_missing_and_decay_excluded():
    chosen = optimizers.OptimizerMap(
        optimizers.SGD(1.0, weight_decay=0.5), {"a.*": optimizers.SGD(0.5, weight_decay=0.5)}
    )
    mine = optimizers.MultiOptimizer(chosen)
    first, second, third = (Variable([1.0], name=name) for name in ("a", "ab", "c"))
    mine.exclude_from_weight_decay(var_names=["ab"])
    mine.build([first, second, third])
    with pytest.warns(UserWarning, match="c"):
        mine.apply([ops.zeros(1), ops.zeros(1), None])
    assert [one.numpy().tolist() for one in (first, second, third)] == [[0.75], [1.0], [1.0]]
    first.overwrite_with_gradient = True
    later = Variable([1.0], name="later")
    mine.apply([ops.full((1,), 7.0), ops.ones(1)], [first, later])
    assert first.numpy().tolist() == [7.0] and later.numpy().tolist() == [-0.5]


@pytest.mark.parametrize("half", [False, True])
def test_a_model_is_trained_by_two(half):
    lamina.utils.set_random_seed(1)
    policy = "mixed_float16" if half else None
    model = lamina.Sequential(
        [layers.Dense(8, activation="relu", dtype=policy), layers.Dense(1, dtype="float32")]
    )
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    chosen = _map({".*kernel": optimizers.Muon(0.02)})
    optimizer = optimizers.MultiOptimizer(chosen)
    optimizer = optimizers.LossScaleOptimizer(optimizer, 64.0) if half else optimizer
    model.compile(optimizer, "mse")
    losses = model.fit(x, x[:, :1], epochs=8, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    assert int(optimizer.iterations) == 32
