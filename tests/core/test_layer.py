"""Layers: building, state, arguments, names, losses, errors."""

import copy

import numpy as np
import pytest

import lamina
from lamina import layers, ops


class Scale(lamina.Layer):
    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.scale = self.add_weight(
            shape=input_shape[-1:],
            initializer=lamina.initializers.Constant(self.start),
            name="scale",
        )
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, x, training=None):
        if training:
            self.seen.assign_add(1.0)
        return x * self.scale


class Nest(lamina.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [Scale(name="first"), {"inner": Scale(name="second")}]

    def call(self, x):
        return self.blocks[1]["inner"](self.blocks[0](x))


def test_builds_on_first_call_and_knows_its_weights():
    layer = Nest(name="nest")
    assert layer.weights == [] and not layer.built
    assert layer(np.ones((2, 3))).shape == (2, 3)
    paths = ["nest/first/scale", "nest/first/seen", "nest/second/scale", "nest/second/seen"]
    assert [v.path for v in layer.weights] == paths
    assert layer.count_params() == 8
    assert [v.path for v in layer.trainable_weights] == [paths[0], paths[2]]


def test_symbolic_call_builds_the_layers_inside_with_unknown_dimensions():
    layer = Nest()
    assert layer(lamina.KerasTensor((None, 5))).shape == (None, 5)
    assert [v.shape for v in layer.trainable_weights] == [(5,), (5,)]


def test_training_reaches_inner_layers():
    layer = Nest()

    outer = lamina.Sequential([layer])
    outer(np.ones((1, 2)), training=True)
    outer(np.ones((1, 2)))
    assert [float(v) for v in layer.non_trainable_weights] == [1.0, 1.0]


def test_trainable_freezes_and_thaws_what_was_declared_trainable():
    layer = Nest()
    layer.build(None)
    layer(np.ones((1, 2)))
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 4
    order = [v.path for v in layer.weights]
    layer.trainable = True
    assert len(layer.trainable_weights) == 2
    assert [v.path for v in layer.weights] == order


def test_set_weights_is_all_or_nothing():
    layer = Scale()
    layer(np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"shape .., .*given .3,.*Nothing was changed"):
        layer.set_weights([np.zeros(2), np.zeros(3)])
    assert layer.get_weights()[0].tolist() == [1.0, 1.0]


def test_config_comes_from_the_constructor():
    layer = Scale(start=2.0, name="mine")
    again = Scale.from_config(layer.get_config())
    assert (again.start, again.name) == (2.0, "mine")
    assert repr(layer) == "Scale(start=2.0, name='mine')"


def test_names_count_up_and_start_anew():
    lamina.utils.clear_session()
    assert [layers.Dense(1).name, layers.Dense(1).name] == ["dense", "dense_1"]
    lamina.utils.clear_session()
    assert layers.Dense(1).name == "dense"


def test_unknown_argument_is_refused_by_name():
    with pytest.raises(TypeError, match=r"Scale has no argument 'stat'.*start"):
        Scale(stat=1)


def test_shapes_that_do_not_fit_name_layer_shapes_and_cure():
    x = lamina.Input((4,), name="x")
    with pytest.raises(ValueError, match=r"'add'.*\(None, 4\).*") as caught:
        layers.Add(name="add")([x, layers.Dense(3)(x)])
    assert len(str(caught.value)) <= 600
    dense = layers.Dense(2, name="head")
    dense(np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"head.*expected axis -1 to have size 4, found 5.*"):
        dense(np.ones((1, 5)))
    with pytest.raises(ValueError, match=r"expected 4 dimensions, found 3.*batch or channel axis"):
        layers.Conv2D(2, 3, name="conv")(np.ones((8, 8, 1)))


def test_losses_are_those_of_the_last_call():
    class Penalised(lamina.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    model = lamina.Sequential([Penalised(), layers.Dense(1, kernel_regularizer="l2")])
    x = lamina.Input((2,))
    outer = lamina.Model(x, model(x))
    outer(np.ones((1, 2), "float32"))
    kernel = outer.trainable_weights[0].numpy()
    expected = [2.0, 0.01 * float((kernel**2).sum())]
    assert np.allclose([float(loss) for loss in outer.losses], expected)


def test_mixed_precision_computes_in_half_and_keeps_weights_in_full():
    layer = layers.Dense(2, dtype="mixed_bfloat16")
    assert ops.dtype(layer(np.ones((1, 3)))) == "bfloat16"
    assert layer.kernel.dtype == "float32"


def test_stateless_call_changes_nothing():
    layer = Scale()
    layer(np.ones((1, 2)))
    outputs, (seen,) = layer.stateless_call(
        [np.full(2, 3.0, "float32")], [0.0], np.ones((1, 2)), training=True
    )
    assert np.asarray(outputs).tolist() == [[3.0, 3.0]] and float(seen) == 1.0
    assert float(layer.seen) == 0.0 and layer.scale.numpy().tolist() == [1.0, 1.0]


def test_stateless_call_returns_losses():
    layer = layers.Dense(1, kernel_regularizer="l2", activity_regularizer="l2")
    x = np.ones((2, 3), "float32")
    layer(x)
    *_, losses = layer.stateless_call(
        layer.trainable_variables, layer.non_trainable_variables, x, return_losses=True
    )
    assert len(losses) == 2


def test_a_copy_that_is_frozen_with_its_original_makes_a_new_trace():
    layer = layers.Dense(1)
    layer.build((None, 2))
    other = copy.deepcopy(layer)
    traced = []

    @lamina.jit
    def flags():
        traced.append((layer.trainable, other.trainable))
        return ops.convert_to_tensor(0.0)

    flags()
    layer.trainable = other.trainable = False
    flags()
    assert (False, False) in traced
