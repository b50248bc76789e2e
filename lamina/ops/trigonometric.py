"""Trigonometric and hyperbolic functions, elementwise."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.floating, shape=shapes.same)
def sin(x: TensorLike) -> Tensor:
    """Sine of an angle in radians, elementwise.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sin([0.0, 1.5])).round(4)
        array([0.    , 0.9975], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def cos(x: TensorLike) -> Tensor:
    """Cosine of an angle in radians, elementwise.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cos([0.0, 1.5])).round(4)
        array([1.    , 0.0707], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def tan(x: TensorLike) -> Tensor:
    """Tangent of an angle in radians: sin(x) / cos(x).

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.tan([0.0, 1.5])).round(4)
        array([ 0.    , 14.1014], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def arcsin(x: TensorLike) -> Tensor:
    """Angle in [-π/2, π/2] whose sine is x; NaN outside of [-1, 1].

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arcsin([0.0, 1.0])).round(4)
        array([0.    , 1.5708], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def arccos(x: TensorLike) -> Tensor:
    """Angle in [0, π] whose cosine is x; NaN outside of [-1, 1].

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arccos([0.0, 1.0])).round(4)
        array([1.5708, 0.    ], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def arctan(x: TensorLike) -> Tensor:
    """Angle in (-π/2, π/2) whose tangent is x.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arctan([0.0, 1.0])).round(4)
        array([0.    , 0.7854], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def sinh(x: TensorLike) -> Tensor:
    """Hyperbolic sine: (e^x - e^-x) / 2.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sinh([0.0, 1.0])).round(4)
        array([0.    , 1.1752], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def cosh(x: TensorLike) -> Tensor:
    """Hyperbolic cosine: (e^x + e^-x) / 2.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.cosh([0.0, 1.0])).round(4)
        array([1.    , 1.5431], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent: (e^x - e^-x) / (e^x + e^-x).

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.tanh([0.0, 1.0])).round(4)
        array([0.    , 0.7616], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def arcsinh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic sine: log(x + √(x² + 1)).

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arcsinh([0.0, 1.0])).round(4)
        array([0.    , 0.8814], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def arccosh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic cosine: log(x + √(x² - 1)); NaN below 1.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arccosh([1.0, 2.0])).round(4)
        array([0.   , 1.317], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def arctanh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic tangent: log((1 + x) / (1 - x)) / 2; NaN outside of [-1, 1].

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.arctanh([0.0, 0.5])).round(4)
        array([0.    , 0.5493], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def deg2rad(x: TensorLike) -> Tensor:
    """Degrees as radians: π x / 180.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.deg2rad([90.0, 180.0])).round(4)
        array([1.5708, 3.1416], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def rad2deg(x: TensorLike) -> Tensor:
    """Radians as degrees: 180 x / π.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.rad2deg([1.0, 2.0])).round(4)
        array([ 57.2958, 114.5916], dtype=float32)
    """
    ...


@op(result=dtypes.floating, shape=shapes.same)
def sinc(x: TensorLike) -> Tensor:
    """Normalized sine cardinal: sin(π x) / (π x), 1 at 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.sinc([0.0, 0.5])).round(4)
        array([1.    , 0.6366], dtype=float32)
    """
    ...
