import copy
import os
import pickle

import numpy as np
import pytest

import lamina
from lamina import ops, optimizers
from lamina.backend import current
from lamina.core.registry import CustomObjectScope
from lamina.core.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

ONE = np.ones(2, "float32")


def weight(name="w", value=(1.0, 1.0)):
    return Variable(list(value), name=name)


def values(*variables):
    return [one.numpy().tolist() for one in variables]


class KerasWay(optimizers.Optimizer):
    """Momentum, written as a subclass of Keras's optimizer is."""

    def __init__(self, learning_rate=0.1, momentum=0.5, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, self.momentum * velocity.value - learning_rate * gradient)
        self.assign_add(variable, velocity.value)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_subclass_in_the_keras_way(compiled):
    mine, reference = KerasWay(), optimizers.SGD(0.1, momentum=0.5)
    one, other = weight(), weight()
    for optimizer, variable in ((mine, one), (reference, other)):
        optimizer.build([variable])
        step = current().jit(optimizer.apply) if compiled else optimizer.apply
        for _ in range(3):
            step([ONE])
    np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6)
    assert [v.name for v in mine.variables] == ["iteration", "learning_rate", "w_velocity"]
    with CustomObjectScope({"KerasWay": KerasWay}):
        again = optimizers.deserialize(optimizers.serialize(mine))
    assert again.get_config() == mine.get_config()


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, "fast", None, [1.0, 2.0]])
def test_a_learning_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        optimizers.SGD(rate)
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = rate
    assert float(optimizer.learning_rate) == 0.5


@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 1.0, "clipvalue": 1.0},
        {"clipnorm": -1.0},
        {"weight_decay": float("nan")},
        {"ema_momentum": 1.5},
        {"ema_overwrite_frequency": 0},
        {"gradient_accumulation_steps": 1},
        {"momentum": 2.0},
        {"no_such_option": 1},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError) as error:
        optimizers.SGD(0.1, **options)
    assert len(str(error.value)) <= 600 and next(iter(options)) in str(error.value)


def test_old_spellings():
    assert float(optimizers.SGD(lr=0.5).learning_rate) == 0.5
    assert "lr" not in optimizers.Adam(lr=0.5).get_config()
    with pytest.warns(UserWarning, match="decay"):
        optimizers.SGD(0.1, decay=0.1)


def test_compiled_steps_see_a_new_learning_rate():
    optimizer, variable = optimizers.SGD(1.0), weight()
    step = current().jit(lambda: optimizer.apply([ONE], [variable]))
    step()
    optimizer.learning_rate = 0.25
    step()
    assert values(variable) == [[-0.25, -0.25]]
    assert int(optimizer.iterations) == 2


def test_variables_without_a_gradient_are_left_alone_with_one_warning():
    optimizer, one, other = optimizers.SGD(1.0), weight("a"), weight("b")
    with pytest.warns(UserWarning) as caught:
        optimizer.apply([ONE, None], [one, other])
    assert len(caught) == 1 and "b" in str(caught[0].message)
    assert values(one, other) == [[0.0, 0.0], [1.0, 1.0]]


def test_no_gradient_at_all_is_refused():
    optimizer, one = optimizers.SGD(1.0), weight("lonely")
    with pytest.raises(ValueError, match="lonely"):
        optimizer.apply([None], [one])
    assert int(optimizer.iterations) == 0


def test_numbers_of_gradients_and_variables_must_fit():
    optimizer, one = optimizers.SGD(1.0), weight()
    with pytest.raises(ValueError, match="2 gradients for 1"):
        optimizer.apply([ONE, ONE], [one])
    with pytest.raises(ValueError, match="build"):
        optimizers.SGD(1.0).apply([ONE])
    assert values(one) == [[1.0, 1.0]]


@pytest.mark.parametrize("compiled", [False, True])
def test_freezing_and_unfreezing_between_steps(compiled):
    optimizer = optimizers.SGD(1.0, weight_decay=0.5, momentum=0.5)
    one, other = weight("a"), weight("b")
    optimizer.build([one, other])
    step = current().jit(optimizer.apply) if compiled else optimizer.apply
    other.trainable = False
    step([ONE, ONE])
    assert values(one, other) == [[-0.5, -0.5], [1.0, 1.0]]
    other.trainable = True
    step([ONE, ONE])
    assert values(other) == [[-0.5, -0.5]]


@pytest.mark.parametrize("compiled", [False, True])
def test_variables_that_come_later_get_slots(compiled):
    optimizer, one, other = optimizers.Adam(0.5, use_ema=True), weight("a"), weight("b")
    optimizer.apply([ONE], [one])

    def apply(first, second):
        optimizer.apply([first, second], [one, other])

    step = current().jit(apply) if compiled else apply
    step(ONE, ONE)
    step(ONE, ONE)
    names = [variable.name for variable in optimizer.variables]
    assert names[-3:] == ["b_average", "b_momentum", "b_velocity"]
    assert values(other) != [[1.0, 1.0]]
    with pytest.raises(ValueError, match="new optimizer"):
        mine = KerasWay()
        mine.build([one])
        mine.apply([ONE], [other])


def test_exclusion_from_weight_decay():
    optimizer = optimizers.SGD(1.0, weight_decay=0.5)
    one, other, third = weight("kernel"), weight("bias"), weight("scale")
    optimizer.exclude_from_weight_decay(var_list=[third], var_names=["bias"])
    optimizer.apply([0 * ONE] * 3, [one, other, third])
    assert values(one, other, third) == [[0.5, 0.5], [1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize("names", [["ker"], ["scope"], ["a.b"], ["^k", "b$"], ["k.*l"], []])
def test_names_that_are_excluded_are_those_of_keras(names):
    def decayed(library):
        with library.name_scope("scope"):
            made = [library.Variable(ONE, name=name) for name in ("kernel", "bias", "a.b", "Ker")]
        optimizer = library.optimizers.SGD(1.0, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_list=made[:1], var_names=["bias"])
        optimizer.exclude_from_weight_decay(var_names=names)
        optimizer.apply([0 * ONE] * len(made), made)
        return [float(np.asarray(one.numpy())[0]) for one in made]

    assert decayed(lamina) == decayed(keras)


def test_exclusions_that_cannot_be_are_refused():
    optimizer = optimizers.SGD(weight_decay=0.5)
    with pytest.raises(ValueError, match="var_names"):
        optimizer.exclude_from_weight_decay(var_names=["("])
    with pytest.raises(ValueError, match="var_list"):
        optimizer.exclude_from_weight_decay(var_list=["kernel"])


def by_rank():
    """One optimizer for each rank, with slots of every kind."""
    chosen = {"w": optimizers.Adam(0.1, use_ema=True, weight_decay=0.1)}
    return optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.Muon(0.1), chosen))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.Nadam, by_rank])
def test_a_copy_goes_on_by_itself(make, copied):
    optimizer, made = make(), [weight(), Variable([[1.0, 2.0]], name="matrix")]
    gradients = [ONE, np.ones((1, 2), "float32")]
    optimizer.apply(gradients, made)
    before = values(*made)
    again, others = copied((optimizer, made))
    again.apply(gradients)
    assert values(*made) == before != values(*others)
    optimizer.apply(gradients)
    assert values(*made, *optimizer.variables) == values(*others, *again.variables)


def test_a_gradient_may_be_the_new_value():
    optimizer, one = optimizers.Adam(clipnorm=0.1, weight_decay=0.5), weight()
    one.overwrite_with_gradient = True
    optimizer.apply([7 * ONE], [one])
    assert values(one) == [[7.0, 7.0]] and len(optimizer.variables) == 2


def test_averages_replace_the_values_at_the_end():
    optimizer, one = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), weight()
    for _ in range(2):
        optimizer.apply([ONE], [one])
    optimizer.finalize_variable_values([one])
    assert values(one) == [[-0.5, -0.5]]


@pytest.mark.parametrize("options", [{"clipnorm": 1.0}, {"global_clipnorm": 1.0}])
def test_clipping_does_not_hide_a_gradient_that_is_not_finite(options):
    optimizer, one, other = optimizers.SGD(1.0, **options), weight("a"), weight("b")
    optimizer.apply([ONE * np.float32([np.inf, 1.0]), ONE], [one, other])
    assert np.isnan(one.numpy()).all()


def test_stateless_apply_changes_nothing():
    optimizer, one = optimizers.Adam(0.5), weight()
    optimizer.build([one])
    state = [variable.value for variable in optimizer.variables]
    after, new = optimizer.stateless_apply(state, [ops.ones(2)], [one.value])
    assert values(one) == [[1.0, 1.0]] and int(optimizer.iterations) == 0
    optimizer.apply([ops.ones(2)])
    # TensorFlow's kernel for Adam takes 1 - beta_2 of what 32 bits hold of beta_2.
    most = 2e-5 if current().name == "tensorflow" else 1e-7
    np.testing.assert_allclose(ops.convert_to_numpy(after[0]), one.numpy(), most)
    for value, variable in zip(new, optimizer.variables, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(value), variable.numpy(), most)
    with pytest.raises(ValueError, match="stateless_apply"):
        optimizer.stateless_apply(state[1:], [ops.ones(2)], [one.value])


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.SGD, optimizers.Lamb])
def test_variables_of_several_types_have_one_rate(make):
    kinds = ("float32", "float64", "bfloat16", "float32")
    made = [Variable(np.ones(2), dtype=kind) for kind in kinds]
    optimizer = make(0.5, weight_decay=0.1)
    optimizer.apply([np.ones(2) for _ in made], made)
    found = [one.numpy().astype("float32") for one in made]
    np.testing.assert_allclose(found, [found[0]] * 4, 1e-2)
    assert (found[0] < 0.9).all()


def test_the_state_is_saved_by_number_and_loaded_whole_or_not_at_all():
    optimizer, one = optimizers.Adam(0.5), weight()
    optimizer.apply([ONE], [one])
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"]
    again = optimizers.Adam(0.1)
    again.build([one])
    again.load_own_variables(store)
    assert values(*again.variables) == values(*optimizer.variables)
    other = optimizers.SGD(0.25)
    other.build([one])
    with pytest.raises(ValueError, match="another optimizer"):
        other.load_own_variables(store)
    assert float(other.learning_rate) == 0.25


def test_half_precision_weights_keep_their_type_and_count_their_steps_exactly():
    optimizer = optimizers.Adam(0.01, weight_decay=0.1)
    one = Variable([1.0, 1.0], dtype="bfloat16", name="w")
    optimizer.build([one])
    optimizer.variables[0].assign(1000)
    optimizer.apply([ops.cast(ONE, "bfloat16")])
    assert (
        ops.dtype(one.value) == "bfloat16" and np.isfinite(np.asarray(one.numpy(), "float32")).all()
    )


def test_a_constraint_holds_after_the_update():
    optimizer, one = optimizers.SGD(5.0), weight()
    one.constraint = ops.relu
    optimizer.apply_gradients([(ONE, one)])
    assert values(one) == [[0.0, 0.0]]


def test_the_state_is_found_by_walking():
    optimizer, one = optimizers.Adam(), weight()
    optimizer.build([one])
    assert [id(found) for found in optimizer.held()] == [id(own) for own in optimizer.variables]


def test_loss_scale_leaves_out_a_bad_step():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0, clipnorm=1.0), initial_scale=4.0)
    one = weight()
    optimizer.build([one])
    assert float(optimizer.scale_loss(ops.convert_to_tensor(2.0))) == 8.0
    optimizer.apply([ONE * np.float32("inf")])
    assert values(one) == [[1.0, 1.0]] and float(optimizer.dynamic_scale) == 2.0
    optimizer.learning_rate = 0.5
    assert float(optimizer.inner_optimizer.learning_rate) == 0.5
    with pytest.raises(ValueError, match="inner optimizer"):
        optimizers.LossScaleOptimizer("sgd", clipnorm=1.0)


def test_a_loss_scale_optimizer_is_made_again_from_its_config():
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.5), 8.0, name="scaled")
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
