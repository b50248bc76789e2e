"""Matrix decompositions, and the solutions of linear equations."""

from __future__ import annotations

from lamina.ops import dtypes, shapes, shapes_linear
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.widened, shape=shapes.same)
def cholesky(x: TensorLike, upper: bool = False) -> Tensor:
    """Cholesky factor: the lower triangle L with L Lᵀ = x.

    Args:
        x: symmetric positive definite matrices, of shape (..., n, n).
        upper: whether to return the upper triangle, Lᵀ.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cholesky([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    ...


@op(result=dtypes.widened, shape=shapes.same)
def inv(x: TensorLike) -> Tensor:
    """Inverse of a square matrix.

    Args:
        x: square matrices, of shape (..., n, n).

    Returns:
        A float tensor of `x`'s shape.

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
        b: of shape (..., n, columns), or (n,).

    Returns:
        A float tensor of `b`'s shape.

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
        b: of shape (..., n, columns), or (..., n).
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
        x: symmetric matrices, of shape (..., n, n).

    Returns:
        A list: values of shape (..., n), and vectors as the columns of (..., n, n).

    Example:
        >>> from lamina import ops
        >>> values, vectors = ops.eigh([[2.0, 0.0], [0.0, 1.0]])
        >>> ops.convert_to_numpy(values).round(4)
        array([1., 2.], dtype=float32)
    """
    ...
