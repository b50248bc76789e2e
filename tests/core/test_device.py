"""Choosing the device that tensors are made on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lamina
from lamina.backend import current

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["cpu", "cpu:0", "CPU:0", "/CPU:0", "/device:CPU:0"])
def test_a_device_is_named_in_many_ways(name):
    with lamina.device(name):
        x = lamina.ops.ones((2, 2))
        layer = lamina.layers.Dense(3)
        assert layer(x).shape == (2, 3)


@pytest.mark.parametrize("name", ["gpu:77", "cuda:77", "cpu:x", "abacus"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(ValueError, match=f"no device '{name}' here. There are: .*cpu:0"):
        lamina.device(name)


def test_a_gpu_has_one_name_however_it_is_spelled(monkeypatch):
    backend = type(current())
    monkeypatch.setattr(backend, "devices", lambda self: ["cpu:0", "gpu:0"])
    monkeypatch.setattr(backend, "device", lambda self, name: name)
    assert {lamina.device(name) for name in ("gpu", "GPU:0", "cuda", "cuda:0")} == {"gpu:0"}


def test_tensors_and_variables_are_made_on_the_second_of_two_devices():
    program = """
import lamina
assert lamina.backend.current().devices() == ["cpu:0", "cpu:1"]
with lamina.device("cpu:1"):
    x = lamina.ops.ones(2)
    layer = lamina.layers.Dense(3)
    layer.build((None, 2))
print([value.device.id for value in (x, layer.kernel.value, lamina.ops.ones(2))])
"""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LAMINA_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[1, 1, 0]\n"
