"""Which backend a process runs on: each case in a Python process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lamina.backend.config import FRAMEWORKS, installed

ROOT = Path(__file__).parents[2]
INSTALLED = [name for name in FRAMEWORKS if installed(name)]
SHOW = "import lamina\nprint(lamina.config.backend())\n"


def python(code, home, **variables):
    """Run `code` with the settings of `home` and the environment `variables`."""
    clean = {k: v for k, v in os.environ.items() if k not in ("LAMINA_BACKEND", "KERAS_BACKEND")}
    (home / "program.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "program.py"],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=home,
        env={**clean, "PYTHONPATH": str(ROOT), "KERAS_HOME": str(home), **variables},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def store(home, backend):
    (home / "keras.json").write_text(json.dumps({"backend": backend}))


def test_jax_unless_told_otherwise(tmp_path):
    assert python(SHOW, tmp_path) == "jax"


def test_the_environment_comes_before_the_file_and_ours_before_that_of_keras(tmp_path):
    store(tmp_path, "numpy")
    assert python(SHOW, tmp_path) == "numpy"
    assert python(SHOW, tmp_path, KERAS_BACKEND="jax") == "jax"
    assert python(SHOW, tmp_path, KERAS_BACKEND="jax", LAMINA_BACKEND="numpy") == "numpy"


@pytest.mark.parametrize("stored", ["torch", "openvino", ["jax"], None])
def test_a_file_that_names_what_is_not_there_is_passed_over(stored, tmp_path):
    store(tmp_path, stored)
    assert python("import sys\nsys.modules['torch'] = None\n" + SHOW, tmp_path) == "jax"


def test_a_program_may_set_the_environment_before_first_use(tmp_path):
    code = "import lamina, os\nos.environ['KERAS_BACKEND'] = 'numpy'\nx = lamina.ops.ones(2)\n"
    assert python(f"{code}print(type(x).__name__)", tmp_path, KERAS_BACKEND="jax") == "ndarray"


def test_set_backend_wins_until_the_first_tensor(tmp_path):
    code = """
import lamina
lamina.config.set_backend("numpy")
lamina.ops.ones(2)
lamina.config.set_backend("numpy")
try:
    lamina.config.set_backend("jax")
except RuntimeError as error:
    print(error)
"""
    printed = python(code, tmp_path, KERAS_BACKEND="jax")
    assert "'numpy' is already in use" in printed and "KERAS_BACKEND=jax" in printed


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_an_asked_for_framework_that_is_missing_comes_with_its_command(name, tmp_path):
    code = (
        f"import sys\nsys.modules['{name}'] = None\nimport lamina\ntry:\n    lamina.ops.ones(2)\n"
    )
    code += "except ImportError as error:\n    print(error)"
    printed = python(code, tmp_path, KERAS_BACKEND=name)
    assert repr(name) in printed and f"pip install 'lamina[{name}]'" in printed


def test_an_unknown_backend_is_refused_with_the_known_ones(tmp_path):
    code = (
        "import lamina\ntry:\n    lamina.ops.ones(2)\nexcept ValueError as error:\n    print(error)"
    )
    printed = python(code, tmp_path, KERAS_BACKEND="theano")
    assert "'theano'" in printed and ", ".join(sorted(FRAMEWORKS)) in printed


def test_the_stand_in_for_tensorflow_is_no_tensorflow(tmp_path):
    """`import tensorflow` under the drop-in finds a module that holds Keras only."""
    (tmp_path / "torch").mkdir()  # a folder of the name is no framework either
    code = """
import sys, types
from importlib.machinery import PathFinder
from lamina import dropin
from lamina.backend.config import installed

find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *rest: None if name == "tensorflow" else find(name, *rest)
)
dropin.install()
print(installed("tensorflow"))
import tensorflow.keras
print(installed("tensorflow"), type(sys.modules["tensorflow"]).__name__)
sys.path[:] = [""]
PathFinder.find_spec = find
print(installed("torch"))
"""
    assert python(code, tmp_path).split("\n") == ["False", "False _KerasOnly", "False"]


@pytest.mark.parametrize("name", INSTALLED)
def test_no_other_framework_is_imported(name, tmp_path):
    """TensorFlow imports JAX and Keras by itself, where they are installed: that is not ours."""
    train = "" if name == "numpy" else "model.fit(x, x[:, :1], verbose=0)"
    code = f"""
import sys
import numpy as np
import {FRAMEWORKS[name]}

def frameworks():
    return {{"jax", "jaxlib", "torch", "tensorflow", "keras"}} & set(sys.modules)

before = frameworks()
import lamina
x = np.ones((8, 3), "float32")
model = lamina.Sequential([lamina.layers.Dense(4, activation="relu"), lamina.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
{train}
model.predict(x, verbose=0)
print(lamina.config.backend(), frameworks() - before)
"""
    assert python(code, tmp_path, KERAS_BACKEND=name) == f"{name} set()"


def test_importing_lamina_imports_no_framework(tmp_path):
    code = "import sys, lamina\nprint({'jax', 'torch', 'tensorflow'} & set(sys.modules))"
    assert python(code, tmp_path) == "set()"
