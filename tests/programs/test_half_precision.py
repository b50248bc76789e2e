"""Mixed precision and loss scaling come to about the same numbers on every backend."""

import numpy as np
import pytest

import lamina
from lamina import layers, optimizers
from tests.programs.agreement import X, Y, agree, each_other_backend, falls

pytestmark = pytest.mark.every_backend


def _mixed(policy, optimizer):
    model = lamina.Sequential(
        [
            lamina.Input((4,)),
            layers.Dense(16, activation="relu", dtype=policy),
            layers.BatchNormalization(dtype=policy),
            layers.Dense(1, dtype=policy),
            layers.Activation("linear", dtype="float32"),
        ],
    )
    model.dtype_policy = policy
    model.compile(optimizer, "mse")
    history = model.fit(X, Y, batch_size=8, epochs=5, shuffle=False, verbose=0).history
    falls(history["loss"])
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    return history, model


def mixed_bfloat16():
    return _mixed("mixed_bfloat16", optimizers.Adam(0.02))[0]


def mixed_float16():
    history, model = _mixed("mixed_float16", optimizers.Adam(0.02))
    assert isinstance(model.optimizer, optimizers.LossScaleOptimizer)
    return history, model.optimizer.dynamic_scale.value


def a_step_that_overflows_is_left_out():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.1), initial_scale=1024.0)
    weight = lamina.Variable([1.0, 2.0])
    step = lamina.jit(lambda gradient: optimizer.apply([gradient], [weight]))
    step(np.array([np.inf, 1.0], "float32"))
    assert weight.numpy().tolist() == [1.0, 2.0]
    step(np.array([512.0, 0.0], "float32"))
    np.testing.assert_allclose(weight.numpy(), [0.9, 2.0])
    return weight.value, optimizer.dynamic_scale.value


@each_other_backend
@pytest.mark.parametrize(
    ("program", "tolerance"),
    [(mixed_bfloat16, 5e-2), (mixed_float16, 1e-2), (a_step_that_overflows_is_left_out, 1e-6)],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_half_precision(program, tolerance, backend):
    agree(program, backend, tolerance, tolerance)
