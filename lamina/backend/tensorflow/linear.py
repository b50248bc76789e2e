"""Linear algebra."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backend.tensorflow.widening import (
    BOOL,
    SMALL,
    Kernel,
    sizes,
    widened,
)

Tensor = Any
raw = tf.raw_ops


def matmul(x: Tensor, y: Tensor) -> Tensor:
    if x.shape.rank == 1:
        rows = matmul(x[None], y)
        return tf.squeeze(rows, -2 if y.shape.rank > 1 else 0)
    if y.shape.rank == 1:
        return tf.squeeze(matmul(x, y[:, None]), -1)
    if y.shape.rank > 2:
        return tf.matmul(x, y)
    # As one product of matrices: a stack of them would repeat y in the gradient.
    return affine_map(x, y, None)


def affine_map(x: Tensor, kernel: Tensor, bias: Tensor | None, axes: int = 1) -> Tensor:
    """Affine map x · kernel + bias along the last `axes` axes, as one product of matrices."""
    new = kernel.shape[axes:]
    units = math.prod(new)
    flat = x.shape.rank == 2 and axes == 1
    rows = x if flat else tf.reshape(x, (-1, math.prod(x.shape[-axes:])))
    y = raw.MatMul(a=rows, b=kernel if kernel.shape.rank == 2 else tf.reshape(kernel, (-1, units)))
    if bias is not None:
        y = raw.AddV2(x=y, y=tf.reshape(bias, (units,)) if bias.shape.rank > 1 else bias)
    return y if flat and len(new) == 1 else tf.reshape(y, [*sizes(x)[:-axes], *new])


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
    return _einsum(*operands, subscripts=_with_letters(subscripts, operands))


def _with_letters(subscripts: str, operands: Sequence[Tensor]) -> str:
    """`subscripts` with letters for an ellipsis that the operands agree on.

    By an ellipsis TensorFlow broadcasts, also in the gradient: that of `...x,xy->...y` with respect
    to the second operand keeps a matrix of each row before it adds them up.
    """
    terms = subscripts.partition("->")[0].replace(" ", "").split(",")
    ranks = [x.shape.rank for x in operands]
    if "..." not in subscripts or len(terms) != len(operands) or None in ranks:
        return subscripts
    shapes = set()
    for term, rank, x in zip(terms, ranks, operands, strict=True):
        before, dots, after = term.partition("...")
        if dots:
            shapes.add(tuple(x.shape[len(before) : rank - len(after)]))
    if len(shapes) > 1:
        return subscripts
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    return subscripts.replace("...", "".join(free[: len(shapes.pop())]))


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
    "affine_map": widened(affine_map, BOOL, SMALL),
    # No vectors, and no kernels for small integers.
    "matmul": widened(matmul, BOOL, SMALL),
    "dot": widened(dot, BOOL, SMALL),
    "einsum": einsum,
    "inner": widened(inner, BOOL, SMALL),
    "tensordot": widened(tensordot, BOOL, SMALL),
    "vdot": None,
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
    "vander": None,  # the op's shared definition: no unsigned integers
}
