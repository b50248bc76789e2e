"""Logic on truth values, and on the bits of integers."""

from __future__ import annotations

from lamina.ops import dtypes, shapes
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.logical, shape=shapes.broadcast)
def logical_and(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether both hold, elementwise; a number holds where it is not 0.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logical_and([True, True], [True, False])).tolist()
        [True, False]
    """
    ...


@op(result=dtypes.logical, shape=shapes.broadcast)
def logical_or(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether one of two holds, or both, elementwise; a number holds where it is not 0.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logical_or([True, True], [True, False])).tolist()
        [True, True]
    """
    ...


@op(result=dtypes.logical, shape=shapes.broadcast)
def logical_xor(x1: TensorLike, x2: TensorLike) -> Tensor:
    """Whether exactly one of two holds, elementwise; a number holds where it is not 0.

    Args:
        x1: a tensor of any shape.
        x2: a tensor whose shape broadcasts with `x1`'s.

    Returns:
        A boolean tensor of the broadcast shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logical_xor([True, True], [True, False])).tolist()
        [False, True]
    """
    ...


@op(result=dtypes.logical, shape=shapes.same)
def logical_not(x: TensorLike) -> Tensor:
    """Whether an element does not hold; a number holds where it is not 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of `x`'s shape.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.logical_not([True, False])).tolist()
        [False, True]
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def bitwise_and(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits set in both, elementwise.

    Args:
        x: integers or booleans.
        y: integers or booleans, of a shape that broadcasts with `x`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.bitwise_and(6, 3)).tolist()
        2
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def bitwise_or(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits set in one of two or both, elementwise.

    Args:
        x: integers or booleans.
        y: integers or booleans, of a shape that broadcasts with `x`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.bitwise_or(6, 3)).tolist()
        7
    """
    ...


@op(result=dtypes.promoted, shape=shapes.broadcast)
def bitwise_xor(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits set in exactly one of two, elementwise.

    Args:
        x: integers or booleans.
        y: integers or booleans, of a shape that broadcasts with `x`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.bitwise_xor(6, 3)).tolist()
        5
    """
    ...


@op(result=dtypes.promoted, shape=shapes.same)
def bitwise_not(x: TensorLike) -> Tensor:
    """Each bit reversed, elementwise; truth values are negated.

    Args:
        x: integers or booleans.

    Returns:
        A tensor of `x`'s shape and type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.bitwise_not([0, 5])).tolist()
        [-1, -6]
    """
    ...


bitwise_invert = bitwise_not


@op(result=dtypes.numeric, shape=shapes.broadcast)
def left_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits moved towards the higher ones: x 2^y.

    Args:
        x: integers or booleans.
        y: integers or booleans, of a shape that broadcasts with `x`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.left_shift([1, 3], 2)).tolist()
        [4, 12]
    """
    ...


bitwise_left_shift = left_shift


@op(result=dtypes.numeric, shape=shapes.broadcast)
def right_shift(x: TensorLike, y: TensorLike) -> Tensor:
    """Bits moved towards the lower ones: ⌊x / 2^y⌋.

    Args:
        x: integers or booleans.
        y: integers or booleans, of a shape that broadcasts with `x`'s.

    Returns:
        A tensor of the broadcast shape and the operands' common type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.right_shift([4, -8], 2)).tolist()
        [1, -2]
    """
    ...


bitwise_right_shift = right_shift
