"""Rounding and limiting of each element."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.floating, shape=shapes.same)
def floor(x: TensorLike) -> Tensor:
    """The largest integer ≤ x, as a float.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.floor([1.5, -1.5])).tolist()
        [1.0, -2.0]
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def ceil(x: TensorLike) -> Tensor:
    """The smallest integer ≥ x, as a float.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.ceil([1.5, -1.5])).tolist()
        [2.0, -1.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def trunc(x: TensorLike) -> Tensor:
    """The integer next to x towards zero.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.trunc([1.5, -1.5])).tolist()
        [1.0, -1.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """X rounded to `decimals` places; a half goes to the even neighbour.

    Args:
        x: a tensor of any shape.
        decimals: how many decimal places are kept.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.round([0.5, 1.5, 2.4])).tolist()
        [0.0, 2.0, 2.0]
    """
    ...


@op(result=dtypes.limited, shape=shapes.broadcast)
def clip(x: TensorLike, x_min: TensorLike, x_max: TensorLike) -> Tensor:
    """X kept within limits: min(max(x, x_min), x_max).

    Args:
        x: a tensor of any shape.
        x_min: the lower limit, of a shape that broadcasts with `x`'s.
        x_max: the upper limit, of a shape that broadcasts with `x`'s.

    Returns:
        A tensor of the broadcast shape and the common type of the three.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.clip([-2, 0, 5], -1, 1)).tolist()
        [-1, 0, 1]
    """
    ...
