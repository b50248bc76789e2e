"""Named values that may be frozen; and where symbolic tensors come from."""

import copy
import pickle

import keras
import numpy as np
import pytest

import lamina

OPERATIONS = {
    "repr": repr,
    "length": len,
    "iteration": list,
    "membership": lambda c: ("a" in c, "z" in c),
    "attributes": lambda c: (c.a, hasattr(c, "z"), getattr(c, "z", 3)),
    "items": lambda c: (list(c.items()), list(c.keys()), list(c.values())),
    "get": lambda c: (c.get("a"), c.get("z"), c.get("z", 5)),
    "set": lambda c: (setattr(c, "z", 3), c.__setitem__("_y", [1]), c.as_dict()),
    "delete": lambda c: (c.__delitem__("a"), c.as_dict()),
    "pop": lambda c: (c.pop("a"), c.pop("z", 4), c.as_dict()),
    "update": lambda c: (c.update({"a": 2}, z=3), c.update([("b", 1)]), c.as_dict()),
    "copied": lambda c: (c.as_dict().clear(), c.as_dict()),
    "json": lambda c: c.to_json(),
    "dictionary": lambda c: (dict(c), dict(**c), bool(c)),
    "freezing": lambda c: (c.frozen, c.freeze(), c.frozen, c.unfreeze(), c.frozen, c.a),
    "copies": lambda c: (copy.deepcopy(c).as_dict(), pickle.loads(pickle.dumps(c)).as_dict()),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_config_does_what_that_of_keras_does(name):
    operation = OPERATIONS[name]
    ours, theirs = (k.utils.Config(a=1, b={"x": "y"}) for k in (lamina, keras))
    assert operation(ours) == operation(theirs)


MISTAKES = {
    "attribute": lambda c: c.z,
    "item": lambda c: c["z"],
    "pop": lambda c: c.pop("z"),
    "update": lambda c: c.update({}, {}),
    "json": lambda c: (setattr(c, "z", {1}), c.to_json()),
    "frozen": lambda c: (c.freeze(), setattr(c, "a", 2)),
    "frozen item": lambda c: (c.freeze(), c.__delitem__("a")),
    "frozen pop": lambda c: (c.freeze(), c.pop("a")),
    "frozen update": lambda c: (c.freeze(), c.update(a=2)),
    "own name": lambda c: setattr(c, "frozen", True),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_its_errors_are_of_keras_own_classes(name):
    raised = []
    for k in (lamina, keras):
        config = k.utils.Config(a=1)
        with pytest.raises((AttributeError, KeyError, TypeError, ValueError)) as error:
            MISTAKES[name](config)
        raised.append(error.type)
        assert config["a"] == 1
    assert raised[0] is raised[1]


def test_attributes_may_be_deleted():
    config = lamina.utils.Config(a=1, b=2)
    del config.a
    assert config.as_dict() == {"b": 2}
    with pytest.raises(AttributeError, match="no 'a'"):
        del config.a


def test_source_inputs_are_those_of_keras():
    def program(k):
        x, y = k.Input((3,), name="x"), k.Input((3,), name="y")
        joined = k.layers.Dense(2)(k.layers.Add()([x, y]))
        tensors = (x, joined, k.layers.Dense(2)(y) * 2 + joined, joined + k.ops.sum(x))
        return [[one.name for one in k.utils.get_source_inputs(tensor)] for tensor in tensors]

    assert program(lamina) == program(keras)
    with pytest.raises(TypeError, match="ndarray"):
        lamina.utils.get_source_inputs(np.ones(2))
