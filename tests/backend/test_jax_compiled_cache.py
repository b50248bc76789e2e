"""Compiled programs are kept for the next process, where nobody else can put any."""

import collections
import os
import subprocess
import sys

import jax
import pytest

import lamina
from lamina import layers
from lamina.backend import current
from lamina.backend.jax import compiled_cache

PROGRAM = """
import jax
missed = []
jax.monitoring.register_event_listener(
    lambda event, **_: missed.append(event) if event.endswith("/cache_misses") else None
)
import numpy as np, lamina
from lamina.backend.jax import compiled_cache
compiled_cache._LEAST_SECONDS = 0.0
model = lamina.Sequential([lamina.layers.Dense(8), lamina.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.ones((64, 4), "float32"), np.ones((64, 1), "float32"), verbose=0)
print(len(missed))
"""


def test_a_second_process_compiles_nothing_anew(tmp_path):
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "LAMINA_BACKEND": "jax"}
    counts = [
        int(subprocess.check_output([sys.executable, "-c", PROGRAM], env=environment))
        for _ in range(2)
    ]
    assert counts[0] > 0 and counts[1] == 0


def test_making_and_loading_a_model_compiles_nothing(caplog, tmp_path, monkeypatch):
    # For a shape that comes often a program is compiled, and other tests may have had enough.
    monkeypatch.setattr(current(), "_times", collections.Counter())
    with jax.log_compiles():
        words = lamina.Input((7,), dtype="int32")
        x = layers.LSTM(13)(layers.Embedding(19, 11)(words))
        x = layers.LayerNormalization()(layers.Dense(17, bias_initializer="ones")(x))
        optimizer = lamina.optimizers.Adam()
        model = lamina.Model(words, x)
        optimizer.build(model.trainable_variables)
        model.save(tmp_path / "model.keras")
        lamina.models.load_model(tmp_path / "model.keras")
        assert not [one for one in caplog.messages if "XLA compilation" in one]
        jax.numpy.zeros((5, 23))  # that one would be seen
    assert [one for one in caplog.messages if "XLA compilation" in one]


@pytest.fixture
def home(tmp_path, monkeypatch):
    options = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in options}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)


def folder():
    return jax.config.jax_compilation_cache_dir


def test_the_folder_is_of_the_user_alone(home):
    compiled_cache.keep_compiled_programs()
    assert folder().startswith(str(home))
    assert os.stat(folder()).st_mode & 0o077 == 0


def test_a_folder_that_others_can_write_into_is_not_used(home):
    compiled_cache.keep_compiled_programs()
    os.chmod(folder(), 0o777)
    jax.config.update("jax_compilation_cache_dir", None)
    compiled_cache.keep_compiled_programs()
    assert folder() is None


def test_what_the_user_set_stands(home):
    jax.config.update("jax_compilation_cache_dir", "/elsewhere")
    compiled_cache.keep_compiled_programs()
    assert folder() == "/elsewhere"


def test_the_least_recently_used_programs_go(home, monkeypatch):
    monkeypatch.setattr(compiled_cache, "_LIMIT", 1000)
    compiled_cache.keep_compiled_programs()
    for i in range(5):
        path = os.path.join(folder(), f"{i}-cache")
        with open(path, "wb") as file:
            file.write(bytes(300))
        os.utime(path, (i, i))
    kept = folder()
    jax.config.update("jax_compilation_cache_dir", None)
    compiled_cache.keep_compiled_programs()
    assert sorted(os.listdir(kept)) == ["4-cache"]
