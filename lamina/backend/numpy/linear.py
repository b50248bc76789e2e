"""Linear algebra and Fourier transforms, where NumPy spells them differently."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backend.linear import is_complete, of_vectors

Array = np.ndarray[Any, Any]


def cross(x1: Array, x2: Array, **axes: Any) -> Array:
    """As NumPy before its second version: vectors of two have a third element 0."""
    axis = axes["axis"]
    one = np.moveaxis(x1, axes["axisa"] if axis is None else axis, -1)
    two = np.moveaxis(x2, axes["axisb"] if axis is None else axis, -1)
    flat = one.shape[-1] == two.shape[-1] == 2
    one, two = (_three(vectors) for vectors in (one, two))
    if flat:
        return np.asarray(np.cross(one, two)[..., 2])
    return np.moveaxis(np.cross(one, two), -1, axes["axisc"] if axis is None else axis)


def _three(vectors: Array) -> Array:
    if vectors.shape[-1] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros_like(vectors[..., :1])], axis=-1)


def _symmetric(x: Array) -> Array:
    """Of both triangles, so that they have the same gradient; NumPy looks at one of them."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def cholesky(x: Array, upper: bool) -> Array:
    def root(matrix: Array) -> Array:
        try:
            return np.linalg.cholesky(matrix, upper=upper)
        except np.linalg.LinAlgError:  # an error would stop a stack
            return np.full_like(matrix, np.nan)

    each = np.vectorize(root, signature="(n,n)->(n,n)", otypes=[x.dtype])
    return np.asarray(each(_symmetric(x)))


def _regular(a: Array) -> tuple[Array, Array]:
    """Singular matrices replaced by ones, and NaN for what becomes of them, else 0."""
    singular = (np.linalg.slogdet(a)[0] == 0)[..., None, None]
    return np.where(singular, np.ones(1, a.dtype) * np.eye(a.shape[-1], dtype=a.dtype), a), (
        np.where(singular, np.nan, 0).astype(a.dtype)
    )


def inv(x: Array) -> Array:
    regular, gap = _regular(x)
    return np.linalg.inv(regular) + gap


def solve(a: Array, b: Array) -> Array:
    regular, gap = _regular(a)
    return np.linalg.solve(regular, b) + gap


def solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    return solve(np.tril(a) if lower else np.triu(a), b)


def einsum(subscripts: str, *operands: Array) -> Array:
    """Sums over an ellipsis that the result lacks, too."""
    left, arrow, right = subscripts.partition("->")
    if "..." not in left or "..." in right or not arrow:
        return np.asarray(np.einsum(subscripts, *operands))
    whole = np.einsum(f"{left}->...{right}", *operands)
    return np.asarray(np.sum(whole, tuple(range(whole.ndim - len(right.strip())))))


def pinv(x: Array, rcond: Array | None) -> Array:
    if rcond is None:
        rcond = np.asarray(10 * max(x.shape[-2:]) * np.finfo(x.dtype).eps)
    return np.asarray(np.linalg.pinv(x, rcond))


def _complex(x: list[Array]) -> Array:
    real, imaginary = x
    number = np.result_type(real, np.complex64)
    return np.asarray(real.astype(number) + imaginary * number.type(1j))


def _parts(x: Array) -> tuple[Array, Array]:
    return x.real, x.imag


OWN: dict[str, Any] = {
    "cross": cross,
    "einsum": einsum,
    "qr": lambda x, mode: np.linalg.qr(x, "complete" if is_complete(mode) else "reduced"),
    "pinv": pinv,  # another default of rcond
    # NaN, not an error, where there is no result.
    "cholesky": cholesky,
    "inv": inv,
    "solve": of_vectors(solve),
    "solve_triangular": of_vectors(solve_triangular),
    "eigh": lambda x: np.linalg.eigh(_symmetric(x)),
    # Complex numbers as pairs.
    "fft": lambda x: _parts(np.fft.fft(_complex(x))),
    "fft2": lambda x: _parts(np.fft.fft2(_complex(x))),
    "ifft2": lambda x: _parts(np.fft.ifft2(_complex(x))),
    "rfft": lambda x, fft_length: _parts(np.fft.rfft(x, fft_length)),
    "irfft": lambda x, fft_length: np.fft.irfft(_complex(x), fft_length),
    # The ops' shared definitions: more than two axes, other results or arguments, no stacks.
    "norm": None,
    "lstsq": None,
    "matrix_rank": None,
    "tensordot": None,
}
