"""Special functions of each element alone."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.floating, shape=shapes.same)
def erf(x: TensorLike) -> Tensor:
    """Error function: 2/√π ∫ e^-t² dt from 0 to x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.erf([0.0, 1.0])).round(4)
        array([0.    , 0.8427], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def erfc(x: TensorLike) -> Tensor:
    """Complementary error function: 1 - erf(x), exact for large x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.erfc([0.0, 1.0])).round(4)
        array([1.    , 0.1573], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def erfinv(x: TensorLike) -> Tensor:
    """Inverse error function: the y with erf(y) = x; ±∞ at ±1.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.erfinv([0.0, 0.5])).round(4)
        array([0.    , 0.4769], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def i0(x: TensorLike) -> Tensor:
    """Modified Bessel function of the first kind and order zero.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.i0([0.0, 1.0])).round(4)
        array([1.    , 1.2661], dtype=float32)
    """
    ...
