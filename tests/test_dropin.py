"""`import keras` and `tensorflow.keras` find Lamina: each case in a Python process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What a program sees where TensorFlow is not installed.
HIDE_TENSORFLOW = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *rest: None if name == "tensorflow" else find(name, *rest)
)
"""


def python(code, folder):
    """Run `code` with the checkout and `folder` first on the path; give what it wrote."""
    program = folder / "program.py"
    program.write_text(f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n{code}")
    done = subprocess.run(
        [sys.executable, "-W", "error", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(code, folder):
    return python(f"import lamina\nfrom lamina import dropin\ndropin.install()\n{code}", folder)


def without_tensorflow(code, folder):
    return installed(f"{HIDE_TENSORFLOW}{code}", folder)


def fake(folder, name, **files):
    """Make a package `name` in `folder` whose modules hold the given source."""
    package = folder / name
    package.mkdir()
    for module, source in files.items():
        (package / f"{module}.py").write_text(source)


def test_every_spelling_of_an_import_gives_the_modules_of_lamina(tmp_path):
    installed(
        """
import keras
import keras.layers as L
from keras import layers, models
from keras.layers import Dense
from keras.datasets import mnist
from keras.utils import to_categorical

assert keras is lamina and layers is L is lamina.layers and models is lamina.models
assert Dense is lamina.layers.Dense and to_categorical is lamina.utils.to_categorical
assert mnist is lamina.datasets.mnist
assert sys.modules["keras.layers"] is lamina.layers
""",
        tmp_path,
    )


@pytest.mark.parametrize(
    "spelling",
    [
        "from keras.layers.core import Dense",
        "from keras.layers.core.dense import Dense",
        "from keras.layers.convolutional import Conv2D as Dense",
        "import keras.layers.recurrent as r; Dense = r.Dense",
        "from keras.layers import recurrent; Dense = recurrent.Dense",
        "from keras.layers.experimental.preprocessing import Dense",
        "from keras.utils.np_utils import to_categorical as Dense",
        "from keras.utils import np_utils; Dense = np_utils.to_categorical",
        "from keras.optimizers.legacy import Adam as Dense",
        "from keras.engine.topology import Layer as Dense",
        "from keras.api.layers import Dense",
        "from keras.src.layers import Dense",
        "from keras.api._v2.keras.layers import Dense",
        "from keras.preprocessing.sequence import pad_sequences as Dense",
        "from keras.preprocessing import sequence; Dense = sequence.pad_sequences",
        "from tensorflow.keras.layers.core import Dense",
    ],
)
def test_older_module_names_are_found(spelling, tmp_path):
    printed = installed(f"{spelling}\nprint(Dense.__module__)", tmp_path)
    assert printed.startswith("lamina.")


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        ("keras.preprocessing.text", "public module 'keras.preprocessing'"),
        ("keras.layers.nonsense", "public module 'keras.layers'"),
        ("keras.src.nonsense", "public module 'keras'"),
    ],
)
def test_a_missing_module_is_named_with_its_place(module, advice, tmp_path):
    code = f"try:\n    import {module}\nexcept ModuleNotFoundError as e:\n    print(e.name, e)"
    printed = installed(code, tmp_path)
    assert printed.startswith(module) and advice in printed and len(printed) < 600


def test_modules_keep_their_own_name_and_spec(tmp_path):
    installed(
        """
import importlib.util, keras.layers
assert lamina.layers.__name__ == lamina.layers.__spec__.name == "lamina.layers"
assert lamina.__spec__.name == "lamina"
assert importlib.util.find_spec("keras.layers").origin == lamina.layers.__file__
""",
        tmp_path,
    )


def test_uninstall_leaves_no_trace(tmp_path):
    installed(
        """
before = sys.modules.copy()
dropin.uninstall()
names, top = set(vars(lamina.utils)), set(vars(lamina))
dropin.install(); dropin.install()
import keras.utils.np_utils, keras.engine, keras.src.layers, tensorflow.keras.layers
assert lamina.utils.np_utils is lamina.utils
dropin.uninstall(); dropin.uninstall()
assert set(vars(lamina.utils)) == names and set(vars(lamina)) == top
assert not [name for name in sys.modules if name.split(".")[0] == "keras"]
assert not [name for name in sys.modules if name.startswith("tensorflow.keras")]
assert lamina.utils is before["lamina.utils"]
""",
        tmp_path,
    )


def test_nothing_shadows_an_installed_keras_unasked(tmp_path):
    fake(tmp_path, "keras", __init__="")
    code = "import lamina, lamina.dropin, keras\nassert keras is not lamina\nprint(keras.__file__)"
    assert python(code, tmp_path).strip() == str(tmp_path / "keras" / "__init__.py")


def test_a_keras_imported_before_is_reported_and_kept(tmp_path):
    fake(tmp_path, "keras", __init__="")
    code = """
import keras, lamina.dropin
path = list(sys.meta_path)
try:
    lamina.dropin.install()
except RuntimeError as error:
    print(error)
assert sys.meta_path == path and sys.modules["keras"] is keras
"""
    printed = python(code, tmp_path)
    assert str(tmp_path / "keras") in printed and "before the first import of keras" in printed


def test_an_installed_tensorflow_stays_itself_but_for_keras(tmp_path):
    source = "keras = 'its own'\nloader = type(__loader__).__name__\n"
    fake(tmp_path, "tensorflow", __init__=source, data="kind = 'real'", keras="")
    installed(
        """
assert "tensorflow" not in sys.modules
import tensorflow as tf
import tensorflow.data
from tensorflow import keras
from tensorflow.keras.layers import Dense

assert tf.data.kind == "real" and tf.loader == "SourceFileLoader"
assert tf.keras is keras is lamina and Dense is lamina.layers.Dense
dropin.uninstall()
assert tf.keras == "its own" and sys.modules["tensorflow"] is tf
""",
        tmp_path,
    )


def test_a_tensorflow_imported_before_is_redirected_too(tmp_path):
    fake(tmp_path, "tensorflow", __init__="keras = 'its own'")
    code = """
import tensorflow, lamina.dropin
lamina.dropin.install()
import tensorflow.keras.layers
assert tensorflow.keras is lamina and tensorflow.keras.layers is lamina.layers
lamina.dropin.uninstall()
assert tensorflow.keras == "its own"
"""
    python(code, tmp_path)


@pytest.mark.parametrize(
    "spelling",
    [
        "import tensorflow as tf; layer = tf.keras.layers.Dense",
        "import tensorflow.keras; layer = tensorflow.keras.layers.Dense",
        "import tensorflow.keras.layers as L; layer = L.Dense",
        "from tensorflow import keras; layer = keras.layers.Dense",
        "from tensorflow.keras.layers import Dense as layer",
    ],
)
def test_tensorflow_keras_needs_no_tensorflow(spelling, tmp_path):
    without_tensorflow(f"{spelling}\nassert layer is lamina.layers.Dense", tmp_path)


@pytest.mark.parametrize(
    "use",
    [
        "import tensorflow as tf; tf.data",
        "import tensorflow.data",
        "from tensorflow import data",
        "from tensorflow.data import Dataset",
    ],
)
def test_the_rest_of_a_missing_tensorflow_says_how_to_get_it(use, tmp_path):
    code = f"try:\n    {use}\nexcept (AttributeError, ImportError) as error:\n    print(error)"
    printed = without_tensorflow(code, tmp_path)
    assert "'tensorflow.data'" in printed and "pip install 'lamina[tensorflow]'" in printed


def test_the_drop_in_imports_no_other_framework(tmp_path):
    code = "import keras.layers\nprint([n for n in ('torch', 'tensorflow') if n in sys.modules])"
    program = f"import os; os.environ['KERAS_BACKEND'] = 'jax'\nfrom lamina import dropin\n{code}"
    installed_first = program.replace("import keras", "dropin.install()\nimport keras")
    assert python(installed_first, tmp_path).strip() == "[]"


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_program_for_tensorflow_has_the_real_one_beside_lamina(backend, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    monkeypatch.setenv("LAMINA_BACKEND", backend)
    code = """
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tensorflow as tf
from tensorflow import keras
from tensorflow.keras.layers import Dense

x = tf.reshape(tf.range(24.0), (8, 3))
batches = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(3)
model = keras.Sequential([Dense(1)])
model.compile(loss="mse")
model.fit(batches, verbose=0)
assert tf.keras is keras is lamina and Dense is lamina.layers.Dense
print(lamina.config.backend(), model.predict(batches, verbose=0).shape)
"""
    assert installed(code, tmp_path).strip() == f"{backend} (8, 1)"
