"""Linear algebra."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.widening import (
    BOOL,
    SMALL,
    Kernel,
    flat,
    sizes,
    widened,
)

Tensor = Any


def matmul(x: Tensor, y: Tensor) -> Tensor:
    if x.shape.rank == 1:
        rows = matmul(x[None], y)
        return tf.squeeze(rows, -2 if y.shape.rank > 1 else 0)
    if y.shape.rank == 1:
        return tf.squeeze(matmul(x, y[:, None]), -1)
    if x.shape.rank == 2 or y.shape.rank > 2:
        return tf.matmul(x, y)
    # As one product of matrices: a stack of them would repeat y in the gradient.
    rows = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), y)
    return tf.reshape(rows, [*sizes(x)[:-1], y.shape[-1]])


def dot(x: Tensor, y: Tensor) -> Tensor:
    if x.shape.rank == 0 or y.shape.rank == 0:
        return x * y
    return tf.tensordot(x, y, ([-1 % x.shape.rank], [max(y.shape.rank - 2, 0)]))


def inner(x: Tensor, y: Tensor) -> Tensor:
    if x.shape.rank == 0 or y.shape.rank == 0:
        return x * y
    return tf.tensordot(x, y, ([x.shape.rank - 1], [y.shape.rank - 1]))


def tensordot(x: Tensor, y: Tensor, axes: Any) -> Tensor:
    return tf.tensordot(x, y, axes)


def einsum(subscripts: str, *operands: Tensor) -> Tensor:
    return _einsum(*operands, subscripts=subscripts)


_einsum = widened(lambda *operands, subscripts: tf.einsum(subscripts, *operands), BOOL, SMALL)


def cholesky(x: Tensor, upper: bool) -> Tensor:
    root = tf.linalg.cholesky(x)
    return tf.linalg.matrix_transpose(root) if upper else root


def _of_vectors(solve: Kernel) -> Kernel:
    def kernel(a: Tensor, b: Tensor, **settings: Any) -> Tensor:
        if b.shape.rank == a.shape.rank - 1:
            return solve(a, b[..., None], **settings)[..., 0]
        return solve(a, b, **settings)

    return kernel


def qr(x: Tensor, mode: str) -> Any:
    return tf.linalg.qr(x, full_matrices=mode == "complete")


def svd(x: Tensor, full_matrices: bool, compute_uv: bool) -> Any:
    if not compute_uv:
        return tf.linalg.svd(x, compute_uv=False)
    values, left, right = tf.linalg.svd(x, full_matrices)
    return left, values, tf.linalg.matrix_transpose(right)


OWN: dict[str, Any] = {
    # No vectors, and no kernels for small integers.
    "matmul": widened(matmul, BOOL, SMALL),
    "dot": widened(dot, BOOL, SMALL),
    "einsum": einsum,
    "inner": widened(inner, BOOL, SMALL),
    "tensordot": widened(tensordot, BOOL, SMALL),
    "vdot": widened(lambda x, y: tf.reduce_sum(flat(x) * flat(y)), BOOL),
    # Other results or settings.
    "cholesky": cholesky,  # no `upper`
    "det": tf.linalg.det,
    "eigh": tf.linalg.eigh,
    "inv": tf.linalg.inv,
    "qr": qr,  # no `mode`
    "slogdet": tf.linalg.slogdet,
    "solve": _of_vectors(tf.linalg.solve),
    "solve_triangular": _of_vectors(tf.linalg.triangular_solve),
    "svd": svd,  # the values first, the right vectors not transposed
}
