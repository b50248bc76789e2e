"""How alike two sequences are."""

from __future__ import annotations

from lamina.ops import dtypes, shapes_counting
from lamina.ops.arithmetic import multiply, subtract, true_divide
from lamina.ops.convolution import conv
from lamina.ops.elementwise import sqrt
from lamina.ops.linear_algebra import diagonal, matmul
from lamina.ops.reductions import mean
from lamina.ops.rounding import clip
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.shaping import expand_dims, flip, pad, reshape, transpose


@op(result=dtypes.floating, shape=shapes_counting.correlate)
def correlate(x1: TensorLike, x2: TensorLike, mode: str = "valid") -> Tensor:
    """Cross-correlation of two vectors: y[k] = Σ x1[n + k] x2[n] over n.

    Args:
        x1: a vector.
        x2: a vector.
        mode: for which k: 'full' where the two meet at all, 'valid' where the shorter one lies
            inside the longer, 'same' for as many as the longer has elements, in the middle of
            'full'.

    Returns:
        A float vector.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])).tolist()
        [3.5]
    """
    shapes_counting.correlate(x1.shape, x2.shape, mode)
    if x1.shape[0] < x2.shape[0]:
        return flip(correlate(x2, x1, mode))
    around = x2.shape[0] - 1
    before, after = {
        "full": (around, around),
        "same": (around - around // 2, around // 2),
        "valid": (0, 0),
    }[mode]
    signal = reshape(pad(x1, ((before, after),)), (1, -1, 1))
    found = conv(signal, reshape(x2, (-1, 1, 1)), data_format="channels_last")
    return reshape(found, (-1,))


@op(result=dtypes.floating, shape=shapes_counting.corrcoef)
def corrcoef(x: TensorLike) -> Tensor:
    """Pearson's correlation of each pair of rows: cov(a, b) / √(cov(a, a) cov(b, b)).

    Args:
        x: a matrix, whose rows are variables and whose columns are observations, or a vector, one
            variable.

    Returns:
        A float tensor, of shape (rows, rows), or () for a vector.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.corrcoef([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]])).round(3)
        array([[ 1., -1.],
               [-1.,  1.]], dtype=float32)
    """
    shapes_counting.corrcoef(x.shape)
    rows = x if len(x.shape) == 2 else reshape(x, (1, -1))
    deviation = subtract(rows, mean(rows, axis=1, keepdims=True))
    products = matmul(deviation, transpose(deviation))
    scale = sqrt(diagonal(products))
    found = true_divide(products, multiply(expand_dims(scale, 1), scale))
    return reshape(clip(found, -1, 1), () if len(x.shape) < 2 else products.shape)
