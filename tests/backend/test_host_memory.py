"""What JAX's host memory is set to, seen in page faults of steps that ask for the same buffers."""

import os
import subprocess
import sys

import pytest

from lamina.backend.jax import host_memory

FAULTS = """
import resource
import jax
import lamina
lamina.ops.zeros(1)

@jax.jit
def step(x):
    return x + 1

x = jax.numpy.zeros(30_000_000)  # 120 MB
for _ in range(30):
    step(x).block_until_ready()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step(x).block_until_ready()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


LOOP = """
import numpy as np
from lamina import layers, models

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

x = np.ones((1, 16), "float32")
model = models.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1)])
for _ in range(100):
    model(x)
before = resident()
for _ in range(2000):
    model(x)
print(resident() - before)
"""


def printed(program, **environment):
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LAMINA_BACKEND": "jax", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(finished.stdout)


@pytest.mark.skipif(not host_memory.is_glibc(), reason="other C libraries are left alone")
def test_buffers_stay_unless_the_user_says_otherwise():
    assert 10 * printed(FAULTS) < printed(FAULTS, MALLOC_TOP_PAD_="131072")


@pytest.mark.skipif(not host_memory.is_glibc(), reason="other C libraries are left alone")
def test_a_loop_of_calls_holds_no_more_in_the_end():
    assert printed(LOOP) < 5e6
