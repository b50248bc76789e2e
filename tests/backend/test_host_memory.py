"""What JAX's host memory is set to, seen in page faults of steps that ask for the same buffers."""

import os
import subprocess
import sys

import pytest

from lamina.backend.jax import host_memory

PROGRAM = """
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


def faults(**environment):
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "LAMINA_BACKEND": "jax", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(finished.stdout)


@pytest.mark.skipif(not host_memory.is_glibc(), reason="other C libraries are left alone")
def test_buffers_stay_unless_the_user_says_otherwise():
    assert 10 * faults() < faults(MALLOC_TOP_PAD_="131072")
