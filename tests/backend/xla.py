"""How much XLA does to the code that JAX compiles."""

import contextlib

import jax


@contextlib.contextmanager
def optimizations(wanted: bool):
    """A block in which XLA optimizes, as for users, or compiles sooner."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", not wanted)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
