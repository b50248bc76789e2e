import os

import numpy as np
import pytest

from lamina import constraints, ops
from lamina.core.registry import slots

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

ROWS = {
    "MaxNorm": {"max_value": 1.5, "axis": 1},
    "NonNeg": {},
    "UnitNorm": {"axis": (0, 1)},
    "MinMaxNorm": {"min_value": 1.0, "max_value": 2.0, "rate": 0.7},
}
WEIGHTS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32") * 2


def test_every_class_has_a_row():
    classes = {entry.__name__ for entry in slots["constraints"].values()}
    assert {name for name in classes if hasattr(constraints, name)} - {"Constraint"} == set(ROWS)


@pytest.mark.parametrize("arguments", ["given", "default"])
@pytest.mark.parametrize("name", ROWS)
def test_weights_become_those_of_keras(name, arguments):
    given = ROWS[name] if arguments == "given" else {}
    ours = getattr(constraints, name)(**given)
    theirs = getattr(keras.constraints, name)(**given)
    wanted = theirs(keras.ops.convert_to_tensor(WEIGHTS))
    np.testing.assert_allclose(ours(ops.convert_to_tensor(WEIGHTS)), wanted, rtol=1e-5, atol=1e-6)
    assert ours.get_config() == theirs.get_config()


@pytest.mark.parametrize("name", ROWS)
def test_configs_pass_between_here_and_keras(name):
    ours = getattr(constraints, name)(**ROWS[name])
    theirs = keras.constraints.deserialize(constraints.serialize(ours))
    again = constraints.deserialize(keras.constraints.serialize(theirs))
    assert type(again) is type(ours)


@pytest.mark.parametrize("alias", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_aliases(alias):
    assert type(constraints.get(alias)) is getattr(constraints, alias)


def test_a_bad_weight_is_not_hidden():
    assert np.isnan(ops.convert_to_numpy(constraints.NonNeg()([float("nan")])))[0]


def test_none_is_none_and_an_unknown_name_is_refused():
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match="max_norm"):
        constraints.get("maxnorm")
