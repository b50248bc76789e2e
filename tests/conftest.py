"""Every test: Lamina on `LAMINA_TEST_BACKEND`, Keras on JAX, and a home folder of its own."""

import gc
import importlib
import importlib.util
import os
import pathlib
import sys
import tempfile
import zlib

BACKEND = os.environ.get("LAMINA_TEST_BACKEND", "jax")
HOME = pathlib.Path(tempfile.mkdtemp(prefix="lamina-tests-"))
os.environ["KERAS_HOME"] = str(HOME)
os.environ["KERAS_BACKEND"] = "jax"
os.environ["LAMINA_BACKEND"] = BACKEND
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# In one process PyTorch must be imported before the others, whichever test comes first.
for framework in ("torch", "tensorflow"):
    if importlib.util.find_spec(framework):
        importlib.import_module(framework)

import jax  # noqa: E402
import pytest  # noqa: E402
from hypothesis.internal.conjecture import providers  # noqa: E402

import lamina  # noqa: E402
from lamina.backend.jax import compiled_cache  # noqa: E402

# Most tests compile more than they compute. XLA does so in two thirds of the time, and what it has
# compiled serves the other worker, Keras on JAX beside the other backends, and the next run;
# `make test-all` runs the tests on the code that users run.
jax.config.update("jax_disable_most_optimizations", "LAMINA_TEST_OPTIMIZED" not in os.environ)
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("KERAS_HOME", str(pathlib.Path(__file__).parents[1] / ".pytest_cache"))
    patch.setattr(compiled_cache, "_LEAST_SECONDS", 0.0)
    compiled_cache.keep_compiled_programs()


# Hypothesis also draws numbers that stand in the modules imported so far: others in another run, or
# after a change anywhere.
providers.HypothesisProvider._local_constants = providers.Constants()


@pytest.fixture(autouse=True)
def seeded(request):
    """Every test draws the same numbers each time, in whatever order and beside whatever others."""
    seed = zlib.crc32(request.node.nodeid.encode())
    for library in (lamina, sys.modules.get("keras")):
        if library is not None:
            library.utils.set_random_seed(seed)


def pytest_collection_modifyitems(config, items):
    """Leave what tries every backend by itself to the run on JAX, and in the quick form what
    tells less of a backend than of Keras.
    """
    if BACKEND == "jax":
        return
    quick = "LAMINA_TEST_OPTIMIZED" not in os.environ
    marks = ["every_backend", *(["of_keras", "above_backends"] if quick else [])]
    left_out = [item for item in items if any(map(item.get_closest_marker, marks))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish():
    """Leave what was imported out of every later look for garbage: `clear_session` asks for one,
    and they took 40 % of the time of the tests of models.
    """
    gc.collect()
    gc.freeze()
