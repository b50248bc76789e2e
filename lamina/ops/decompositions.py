"""Matrix decompositions, and the solutions of linear equations."""

from __future__ import annotations

import numpy as np

from lamina.ops import dtypes, shapes_linear
from lamina.ops.arithmetic import divide, multiply, subtract
from lamina.ops.comparison import equal, greater, greater_equal, where
from lamina.ops.control import scan
from lamina.ops.creation import eye, zeros
from lamina.ops.elementwise import absolute
from lamina.ops.indexing import take, take_along_axis
from lamina.ops.linear_algebra import matmul
from lamina.ops.logical import logical_and
from lamina.ops.reductions import argmax
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shaping import broadcast_to, expand_dims, moveaxis, swapaxes


@op(result=dtypes.widened, shape=shapes_linear.square)
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """Cholesky factor: the lower triangle L with L Lᵀ = x.

    Args:
        x: symmetric positive definite matrices, of shape (..., n, n); of any other the mean with
            its transpose.
        upper: whether to return the upper triangle, Lᵀ.

    Returns:
        A float tensor of `x`'s shape; NaN where a matrix is not positive definite. Keras raises an
        error there, except while it is compiled.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cholesky([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.square)
def cholesky_inverse(x: TensorLike, upper: bool = False) -> Tensor:
    """Inverse of the matrix whose Cholesky factor is x: (x xᵀ)⁻¹, or (xᵀ x)⁻¹ if it is `upper`.

    Args:
        x: triangular matrices, of shape (..., n, n); the elements beyond the triangle do not count.
        upper: whether they are the upper triangles.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> factor = ops.cholesky([[4.0, 0.0], [0.0, 16.0]])
        >>> ops.convert_to_numpy(ops.cholesky_inverse(factor)).tolist()
        [[0.25, 0.0], [0.0, 0.0625]]
    """
    identity = broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape)
    inverse = solve_triangular(x, identity, lower=not upper)
    other = swapaxes(inverse, -1, -2)
    return matmul(inverse, other) if upper else matmul(other, inverse)


@op(result=dtypes.widened, shape=shapes_linear.square)
def inv(x: TensorLike) -> Tensor:
    """Inverse of a square matrix.

    Args:
        x: square matrices, of shape (..., n, n).

    Returns:
        A float tensor of `x`'s shape, not finite where a matrix is singular.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.inv([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.determinant)
def det(x: TensorLike) -> Tensor:
    """Determinant of a square matrix.

    Args:
        x: square matrices, of shape (..., n, n).

    Returns:
        A float tensor of shape (...).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.det([[2.0, 0.0], [0.0, 4.0]])).tolist()
        8.0
    """
    ...


@op(result=dtypes.widened_pair, shape=shapes_linear.slogdet)
def slogdet(x: TensorLike) -> Tensor:
    """Sign of a determinant, and logarithm of its absolute value.

    Args:
        x: square matrices, of shape (..., n, n).

    Returns:
        A tuple of two float tensors of shape (...).

    Example:
        >>> from lamina import ops
        >>> sign, logarithm = ops.slogdet([[2.0, 0.0], [0.0, -4.0]])
        >>> ops.convert_to_numpy(sign).tolist()
        -1.0
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.determinant)
def logdet(x: TensorLike) -> Tensor:
    """Logarithm of the determinant of a positive definite matrix.

    Args:
        x: square matrices, of shape (..., n, n).

    Returns:
        A float tensor of shape (...).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logdet([[2.0, 0.0], [0.0, 4.0]])).round(4)
        np.float32(2.0794)
    """
    return slogdet(x)[1]


@op(result=dtypes.widened, shape=shapes_linear.solve)
def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """The x with a x = b.

    Args:
        a: square matrices, of shape (..., n, n).
        b: of shape (..., n, columns), or a vector for each matrix, (..., n).

    Returns:
        A float tensor of `b`'s shape, not finite where a matrix is singular.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])).tolist()
        [1.0, 0.5]
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.solve)
def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Tensor:
    """The x with a x = b, where a is a triangle.

    Args:
        a: triangular matrices, of shape (..., n, n).
        b: of shape (..., n, columns), or a vector for each matrix, (..., n).
        lower: whether it is the lower triangle that counts.

    Returns:
        A float tensor of `b`'s shape.

    Example:
        >>> from lamina import ops
        >>> lower = [[2.0, 0.0], [1.0, 4.0]]
        >>> ops.convert_to_numpy(ops.solve_triangular(lower, [2.0, 5.0], lower=True)).tolist()
        [1.0, 1.0]
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.qr)
def qr(x: TensorLike, mode: str = "reduced") -> Tensor:
    """Orthogonal q and upper triangle r with q r = x.

    Args:
        x: of shape (..., rows, columns).
        mode: 'reduced' or 'complete': whether q has min(rows, columns) columns or as many as rows.

    Returns:
        A list of two float tensors.

    Example:
        >>> from lamina import ops
        >>> q, r = ops.qr([[3.0, 1.0], [4.0, 2.0]])
        >>> ops.convert_to_numpy(ops.matmul(q, r)).round(4)
        array([[3., 1.],
               [4., 2.]], dtype=float32)
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.svd)
def svd(x: TensorLike, full_matrices: bool = True, compute_uv: bool = True) -> Tensor:
    """Singular values: x = u diag(s) vᵀ with orthogonal u, v and descending s ≥ 0.

    Args:
        x: of shape (..., rows, columns).
        full_matrices: whether u and v are square.
        compute_uv: whether to compute u and v.

    Returns:
        A list u, s, vᵀ of float tensors; s alone without `compute_uv`.

    Example:
        >>> from lamina import ops
        >>> u, s, vt = ops.svd([[3.0, 0.0], [0.0, 5.0]])
        >>> ops.convert_to_numpy(s).round(4)
        array([5., 3.], dtype=float32)
    """
    ...


@op(result=dtypes.widened, shape=shapes_linear.eigh)
def eigh(x: TensorLike) -> Tensor:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix.

    Args:
        x: symmetric matrices, of shape (..., n, n); of any other the mean with its transpose.

    Returns:
        A list: values of shape (..., n), and vectors as the columns of (..., n, n).

    Example:
        >>> from lamina import ops
        >>> values, vectors = ops.eigh([[2.0, 0.0], [0.0, 1.0]])
        >>> ops.convert_to_numpy(values).round(4)
        array([1., 2.], dtype=float32)
    """
    ...


@op(result=dtypes.widened_complex_pair, shape=shapes_linear.eigh)
def eig(x: TensorLike) -> Tensor:
    """Eigenvalues and eigenvectors of a square matrix: x v = λ v. They are complex.

    Args:
        x: square matrices, of shape (..., n, n).

    Returns:
        A tuple: values of shape (..., n), in no particular order, and vectors of length 1 as the
        columns of (..., n, n).

    Example:
        >>> from lamina import ops
        >>> values, vectors = ops.eig([[0.0, 1.0], [-1.0, 0.0]])
        >>> sorted(ops.convert_to_numpy(values).imag.round(4).tolist())
        [-1.0, 1.0]
    """
    ...


@op(result=dtypes.widened_with_positions, shape=shapes_linear.lu_factor)
def lu_factor(x: TensorLike) -> Tensor:
    """Triangles L and U with P x = L U, where P exchanges rows.

    Args:
        x: of shape (..., rows, columns).

    Returns:
        A tuple: both triangles in one tensor of `x`'s shape, L below the diagonal (its own diagonal
        is 1) and U above; and the pivots, int32 of shape (..., min(rows, columns)): in step i, row
        i was exchanged with row pivots[i] ≥ i.

    Example:
        >>> from lamina import ops
        >>> lu, pivots = ops.lu_factor([[1.0, 4.0], [2.0, 2.0]])
        >>> ops.convert_to_numpy(lu).tolist(), ops.convert_to_numpy(pivots).tolist()
        ([[2.0, 2.0], [0.5, 3.0]], [1, 1])
    """
    count = min(x.shape[-2:])
    if count == 0:
        return x, zeros((*x.shape[:-2], 0), "int32")
    rows, columns = (np.arange(size, dtype="int32") for size in x.shape[-2:])

    def step(lu: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Gauss's elimination of column k, its largest element exchanged into row k."""
        column = take(lu, k, axis=-1)
        pivot = argmax(where(greater_equal(rows, k), absolute(column), -1), axis=-1)
        chosen = expand_dims(pivot, -1)
        order = where(equal(rows, k), chosen, where(equal(rows, chosen), k, rows))
        lu = take_along_axis(lu, broadcast_to(expand_dims(order, -1), lu.shape), axis=-2)
        row, column = take(lu, k, axis=-2), take(lu, k, axis=-1)
        head = take(row, k, axis=-1)
        factors = where(greater(rows, k), column, 0)
        factors = divide(factors, expand_dims(where(equal(head, 0), 1, head), -1))
        rest = multiply(
            expand_dims(factors, -1), expand_dims(where(greater(columns, k), row, 0), -2)
        )
        below = logical_and(expand_dims(greater(rows, k), -1), equal(columns, k))
        return where(below, expand_dims(factors, -1), subtract(lu, rest)), pivot

    lu, pivots = scan(step, x, np.arange(count, dtype="int32"))
    return lu, moveaxis(pivots, 0, -1)
