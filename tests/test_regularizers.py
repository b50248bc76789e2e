import os

import numpy as np
import pytest

from lamina import ops, regularizers
from lamina.core.registry import slots

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

ROWS = {
    "L1": {"l1": 0.3},
    "L2": {"l2": 0.2},
    "L1L2": {"l1": 0.1, "l2": 0.4},
    "OrthogonalRegularizer": {"factor": 0.5, "mode": "columns"},
}
X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


def test_every_class_has_a_row():
    classes = {entry.__name__ for entry in slots["regularizers"].values()}
    assert {name for name in classes if hasattr(regularizers, name)} - {"Regularizer"} == set(ROWS)


@pytest.mark.parametrize("arguments", ["given", "default"])
@pytest.mark.parametrize("name", ROWS)
def test_penalties_are_those_of_keras(name, arguments):
    given = ROWS[name] if arguments == "given" else {}
    ours = getattr(regularizers, name)(**given)
    theirs = getattr(keras.regularizers, name)(**given)
    penalty = ours(ops.convert_to_tensor(X))
    assert ops.shape(penalty) == () and ops.dtype(penalty) == "float32"
    wanted = theirs(keras.ops.convert_to_tensor(X))
    assert float(penalty) == pytest.approx(float(wanted), rel=1e-5)
    config = theirs.get_config()
    assert ours.get_config().pop("mode", None) == config.pop("mode", None)
    assert {key: ours.get_config()[key] for key in config} == pytest.approx(config, rel=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_configs_pass_between_here_and_keras(name):
    ours = getattr(regularizers, name)(**ROWS[name])
    again = keras.regularizers.deserialize(regularizers.serialize(ours))
    assert regularizers.deserialize(keras.regularizers.serialize(again)).get_config().keys() == (
        ours.get_config().keys()
    )


@pytest.mark.parametrize("alias", ["l1", "l2", "l1_l2", "L1L2", "orthogonal_regularizer"])
def test_aliases(alias):
    wanted = getattr(regularizers, alias)
    assert type(regularizers.get(alias)) is wanted
    assert wanted.__name__ == getattr(keras.regularizers, alias).__name__


def test_the_gradient_of_l2_is_linear():
    from lamina.backend import current

    penalty = regularizers.L2(0.5)
    gradient = current().value_and_grad(penalty, None, 0, False)(ops.convert_to_tensor(X))[1]
    np.testing.assert_allclose(gradient, X, rtol=1e-6)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "a"])
def test_mistakes_are_refused(value):
    with pytest.raises(ValueError, match="at least 0"):
        regularizers.L1(value)


def test_orthogonal_regularizer_wants_a_matrix_and_a_mode():
    with pytest.raises(ValueError, match="matrix"):
        regularizers.OrthogonalRegularizer()(np.ones((2, 2, 2), "float32"))
    with pytest.raises(ValueError, match="mode"):
        regularizers.OrthogonalRegularizer(mode="diagonals")
