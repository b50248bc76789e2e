"""Programs run on the code that users run."""

import jax
import pytest


@pytest.fixture(autouse=True)
def optimized():
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
