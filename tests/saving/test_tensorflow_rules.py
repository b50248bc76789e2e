"""Models of Keras 2 that call TensorFlow's functions: each is the op that computes the same."""

import pathlib

import numpy as np
import pytest

import lamina
from lamina.saving import LoadError
from tests.saving.golden.functions import inputs

# The rules are the same for each, and the ops have tests of their own.
pytestmark = pytest.mark.every_backend

with np.load(pathlib.Path(__file__).parent / "golden" / "functions.npz") as file:
    GOLDEN = dict(file.items())
NAMES = [name.removesuffix("/model") for name in GOLDEN if name.endswith("/model")]


def model(name, change=lambda text: text):
    return lamina.models.model_from_json(change(GOLDEN[f"{name}/model"].item().decode()))


def assert_gives(found, name):
    output = np.asarray(found.predict(inputs(name.split("/")[0]), verbose=0))
    expected = GOLDEN[f"{name}/output"]
    assert output.dtype == expected.dtype
    np.testing.assert_allclose(output, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_op_computes_what_the_function_did(name, tmp_path):
    loaded = model(name)
    assert_gives(loaded, name)
    loaded.save(tmp_path / "a.keras")
    assert_gives(lamina.models.load_model(tmp_path / "a.keras"), name)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("matrix/norm", "compat.v1.norm", "linalg.eigh", "'linalg.eigh' in 'tf.linalg.eigh'"),
        ("matrix/cumsum", '"axis": 1', '"axis": 1, "exclusive": true', "computes with exclusive"),
        ("matrix/split by sizes", "[1, 3]", "[-1, 3]", "parts of unknown sizes"),
    ],
)
def test_what_no_op_computes_is_refused_by_name(name, old, new, words):
    with pytest.raises(LoadError, match=words):
        model(name, lambda text: text.replace(old, new))


def test_a_tensor_may_be_false():
    loaded = model("matrix/equal", lambda text: text.replace('"y": 0.0', '"y": false'))
    assert_gives(loaded, "matrix/equal")
