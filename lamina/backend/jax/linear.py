"""Linear algebra and Fourier transforms, where JAX spells them differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamina.backend.linear import is_complete, of_vectors, transform_length

Array = jax.Array


def qr(x: Array, mode: str) -> tuple[Array, Array]:
    """Of a wide matrix, the first columns decide; JAX has no gradient but for these."""
    rows, columns = x.shape[-2:]
    complete = is_complete(mode) and rows > columns
    q, r = lax.linalg.qr(x[..., :rows], full_matrices=complete)
    if rows >= columns:
        return q, r
    rest = jnp.matmul(jnp.swapaxes(q, -1, -2), x[..., rows:])
    return q, jnp.concatenate([r, rest], axis=-1)


def eig(x: Array) -> Any:
    """With derivatives of the vectors, which hold for what does not depend on their phases."""
    return lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)


def _parts(x: Array) -> tuple[Array, Array]:
    return lax.real(x), lax.imag(x)


def irfft(x: list[Array], fft_length: int | None) -> Array:
    length = 2 * (x[0].shape[-1] - 1) if fft_length is None else fft_length
    return jnp.fft.irfft(lax.complex(*x), transform_length(length))


OWN: dict[str, Callable[..., Any] | None] = {
    "eig": eig,
    "lu_factor": jax.scipy.linalg.lu_factor,
    "pinv": lambda x, rcond: jnp.linalg.pinv(x, rtol=rcond),
    "qr": qr,  # gradients of wide matrices
    # Vectors in a stack.
    "solve": of_vectors(jnp.linalg.solve),
    "solve_triangular": of_vectors(jax.scipy.linalg.solve_triangular),
    # Complex numbers as pairs.
    "fft": lambda x: _parts(jnp.fft.fft(lax.complex(*x))),
    "fft2": lambda x: _parts(jnp.fft.fft2(lax.complex(*x))),
    "ifft2": lambda x: _parts(jnp.fft.ifft2(lax.complex(*x))),
    "rfft": lambda x, fft_length: _parts(jnp.fft.rfft(x, fft_length)),
    "irfft": irfft,
    # The ops' shared definitions: the gradient at 0, other results or arguments, no stacks.
    "norm": None,
    "lstsq": None,
    "matrix_rank": None,
    "tensordot": None,  # refuses a negative number of axes
}
