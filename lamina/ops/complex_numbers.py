"""Complex numbers: their parts, and how they are made of two real ones."""

from __future__ import annotations

from lamina.ops import dtypes, shapes, shapes_counting
from lamina.ops.arithmetic import arctan2, multiply
from lamina.ops.comparison import equal
from lamina.ops.joining import stack
from lamina.ops.row import Tensor, TensorLike, op
from lamina.ops.trigonometric import cos, sin


@op(result=dtypes.real_part, shape=shapes.same)
def real(x: TensorLike) -> Tensor:
    """The real part: a of a + b i.

    Args:
        x: a tensor of any shape; numbers that are not complex are their own real parts.

    Returns:
        A tensor of `x`'s shape: `float32` for `complex64`, `float64` for `complex128`, else of
        `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.real([1 + 2j, 3 - 4j])).tolist()
        [1.0, 3.0]
    """
    ...


@op(result=dtypes.real_part, shape=shapes.same)
def imag(x: TensorLike) -> Tensor:
    """The imaginary part: b of a + b i.

    Args:
        x: a tensor of any shape; numbers that are not complex have the imaginary part 0.

    Returns:
        A tensor of `x`'s shape: `float32` for `complex64`, `float64` for `complex128`, else of
        `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.imag([1 + 2j, 3 - 4j])).tolist()
        [2.0, -4.0]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def conj(x: TensorLike) -> Tensor:
    """The complex conjugate: a - b i of a + b i.

    Args:
        x: a tensor of any shape; numbers that are not complex are their own conjugates.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.conj([1 + 2j, 3 - 4j])).tolist()
        [(1-2j), (3+4j)]
    """
    ...


conjugate = conj


@op(result=dtypes.logical_of_own, shape=shapes.same)
def isreal(x: TensorLike) -> Tensor:
    """Whether the imaginary part is 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.isreal([1 + 0j, 3 - 4j])).tolist()
        [True, False]
    """
    return equal(imag(x), 0)


@op(result=dtypes.real_floating, shape=shapes.same)
def angle(x: TensorLike) -> Tensor:
    """The angle of a complex number with the real axis, in radians, in (-π, π].

    Args:
        x: a tensor of any shape.

    Returns:
        A float tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.angle([1j, -1j])).round(4)
        array([ 1.5708, -1.5708], dtype=float32)
    """
    return arctan2(imag(x), real(x))


@op(result=dtypes.complex_of, shape=shapes_counting.view_as_complex)
def view_as_complex(x: TensorLike) -> Tensor:
    """Complex numbers from pairs of their real and imaginary parts.

    Args:
        x: real numbers of shape (..., 2).

    Returns:
        A tensor of shape (...): `complex128` for `float64`, else `complex64`.

    Raises:
        ShapeError: if the last axis is not of size 2.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.view_as_complex([[1.0, 2.0], [3.0, -4.0]])).tolist()
        [(1+2j), (3-4j)]
    """
    ...


@op(result=dtypes.real_part, shape=shapes_counting.view_as_real)
def view_as_real(x: TensorLike) -> Tensor:
    """Complex numbers as pairs of their real and imaginary parts.

    Args:
        x: a tensor of any shape (...).

    Returns:
        A tensor of shape (..., 2): `float32` for `complex64`, `float64` for `complex128`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.view_as_real([1 + 2j, 3 - 4j])).tolist()
        [[1.0, 2.0], [3.0, -4.0]]
    """
    return stack([real(x), imag(x)], axis=-1)


@op(result=dtypes.complex_of, shape=shapes.broadcast)
def polar(abs_: TensorLike, angle: TensorLike) -> Tensor:
    """Complex numbers from polar coordinates: r cos φ + r sin φ i.

    Args:
        abs_: r, the absolute values, of any shape.
        angle: φ, the angles in radians, of a shape that broadcasts with `abs_`'s.

    Returns:
        A tensor of the broadcast shape: `complex128` for `float64`, else `complex64`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.polar([1.0, 2.0], 0.0)).tolist()
        [(1+0j), (2+0j)]
    """
    parts = [multiply(abs_, cos(angle)), multiply(abs_, sin(angle))]
    return view_as_complex(stack(parts, axis=-1))
