"""Linear algebra."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backend.linear import is_complete, of_vectors
from lamina.backend.tensorflow.widening import (
    BOOL,
    SMALL,
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


def einsum(subscripts: str, *operands: Tensor) -> Tensor:
    return _einsum(*operands, subscripts=subscripts)


def _contracted(*operands: Tensor, subscripts: str) -> Tensor:
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:  # TensorFlow's idea of an implicit result knows no ellipsis
        letters = [one for one in left if one not in ".,"]
        right = "..." * ("..." in left) + "".join(
            sorted(one for one in set(letters) if letters.count(one) == 1)
        )
    tensors = list(operands)
    if len(terms) == len(tensors):  # else TensorFlow says so
        terms, tensors, right = _spelled_out(terms, tensors, right)
    return tf.einsum(f"{','.join(terms)}->{right}", *tensors)


def _spelled_out(
    terms: list[str], operands: Sequence[Tensor], right: str
) -> tuple[list[str], list[Tensor], str]:
    """Letters for an ellipsis that the operands agree on, and no dimensions that are broadcast.

    By an ellipsis TensorFlow broadcasts, also in the gradient: that of `...x,xy->...y` with respect
    to the second operand keeps a matrix of each row before it adds them up.
    """
    shapes = [x.shape for x in operands]
    if None in [shape.rank for shape in shapes]:
        return terms, list(operands), right
    parts = [term.partition("...") for term in terms]
    batches = {
        tuple(shape[len(before) : shape.rank - len(after)])
        for (before, dots, after), shape in zip(parts, shapes, strict=True)
        if dots
    }
    if len(batches) > 1:
        return terms, list(operands), right
    used = "".join((*terms, right))
    free = [letter for letter in string.ascii_letters if letter not in used]
    letters = "".join(free[: len(batches.pop())]) if batches else ""
    terms = [term.replace("...", letters) for term in terms]
    return *_without_broadcast(terms, operands), right.replace("...", letters)


def _without_broadcast(
    terms: list[str], operands: Sequence[Tensor]
) -> tuple[list[str], list[Tensor]]:
    """The operands without dimensions of size 1 whose letter has another size elsewhere."""
    pairs = [
        (letter, size)
        for term, x in zip(terms, operands, strict=True)
        for letter, size in zip(term, x.shape, strict=True)
    ]
    large = {letter for letter, size in pairs if size != 1}
    kept, squeezed = [], []
    for term, x in zip(terms, operands, strict=True):
        places = [i for i, letter in enumerate(term) if letter in large and x.shape[i] == 1]
        kept.append("".join(letter for i, letter in enumerate(term) if i not in places))
        squeezed.append(tf.squeeze(x, places) if places else x)
    return kept, squeezed


_einsum = widened(_contracted, BOOL, SMALL)


def _symmetric(x: Tensor) -> Tensor:
    """Of both triangles, so that they have the same gradient; TensorFlow looks at the lower one."""
    return (x + tf.linalg.matrix_transpose(x)) / 2


def _regular(x: Tensor, singular: Tensor) -> tuple[Tensor, Tensor]:
    """Singular matrices replaced by ones, and NaN for what becomes of them, else 0.

    TensorFlow has an error for them, which would stop a stack.
    """
    places = singular[..., None, None]
    one = tf.eye(x.shape[-1], dtype=x.dtype)
    gap = tf.where(places, tf.constant(math.nan, x.dtype), tf.zeros((), x.dtype))
    return tf.where(places, one, x), gap


def _is_singular(x: Tensor) -> Tensor:
    return tf.equal(tf.linalg.slogdet(tf.stop_gradient(x)).sign, 0)


def cholesky(x: Tensor, upper: bool) -> Tensor:
    root = tf.linalg.cholesky(_symmetric(x))
    return tf.linalg.matrix_transpose(root) if upper else root


def det(x: Tensor) -> Tensor:
    """Where it is 0, by singular values: TensorFlow's gradient would be an error there.

    A graph computes both: `tf.cond` has no gradient inside of a map.
    """
    singular = tf.equal(tf.linalg.det(tf.stop_gradient(x)), 0)
    if tf.executing_eagerly() and not tf.reduce_any(singular):
        return tf.linalg.det(x)
    places = singular[..., None, None]
    other = tf.linalg.diag(tf.range(1, x.shape[-1] + 1, dtype=x.dtype))
    s, u, v = tf.linalg.svd(tf.where(places, x, other))
    sign = tf.stop_gradient(tf.linalg.det(u) * tf.linalg.det(v))
    regular = tf.linalg.det(tf.where(places, other, x))
    return tf.where(singular, sign * tf.reduce_prod(s, -1), regular)


def inv(x: Tensor) -> Tensor:
    regular, gap = _regular(x, _is_singular(x))
    return tf.linalg.inv(regular) + gap


def solve(a: Tensor, b: Tensor) -> Tensor:
    batch = tf.broadcast_static_shape(a.shape[:-2], b.shape[:-2])
    if a.shape[:-2] != b.shape[:-2]:
        a, b = (tf.broadcast_to(x, [*batch, *x.shape[-2:]]) for x in (a, b))
    regular, gap = _regular(a, _is_singular(a))
    return tf.linalg.solve(regular, b) + gap


def solve_triangular(a: Tensor, b: Tensor, lower: bool) -> Tensor:
    regular, gap = _regular(a, tf.reduce_any(tf.equal(tf.linalg.diag_part(a), 0), -1))
    return tf.linalg.triangular_solve(regular, b, lower) + gap


def qr(x: Tensor, mode: str) -> Any:
    return tf.linalg.qr(x, full_matrices=is_complete(mode))


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
    "tensordot": None,
    "vdot": None,
    # Other results or settings.
    "cholesky": cholesky,  # no `upper`
    "det": det,
    "eig": tf.linalg.eig,
    "eigh": lambda x: tf.linalg.eigh(_symmetric(x)),
    "inv": inv,
    "qr": qr,  # no `mode`
    "slogdet": tf.linalg.slogdet,
    "solve": of_vectors(solve),
    "solve_triangular": of_vectors(solve_triangular),
    "svd": svd,  # the values first, the right vectors not transposed
    "vander": None,  # the op's shared definition: no unsigned integers
}
