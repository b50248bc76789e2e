"""Shapes and orders: the same elements arranged otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import dtypes, shapes, shapes_arrays
from lamina.ops.row import Tensor, TensorLike, op


@op(result=dtypes.own, shape=shapes_arrays.reshape)
def reshape(x: TensorLike, newshape: Any) -> Tensor:
    """The same elements, row by row, in another shape.

    Args:
        x: a tensor of any shape.
        newshape: the dimensions; one of them may be -1: whatever is left.

    Returns:
        A tensor of `x`'s type.

    Raises:
        ShapeError: if the shape does not hold as many elements as `x` has.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.reshape([1, 2, 3, 4], (2, -1))).tolist()
        [[1, 2], [3, 4]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.ravel)
def ravel(x: TensorLike) -> Tensor:
    """All elements, row by row, in one dimension.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.ravel([[1, 2], [3, 4]])).tolist()
        [1, 2, 3, 4]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.transpose)
def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order.

    Args:
        x: a tensor of any shape.
        axes: for each axis of the result, the axis of `x` it is; None reverses them.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.transpose([[1, 2], [3, 4]])).tolist()
        [[1, 3], [2, 4]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.swapaxes)
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged.

    Args:
        x: a tensor of any shape.
        axis1: one axis.
        axis2: the other.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.swapaxes([[1, 2], [3, 4]], 0, 1)).tolist()
        [[1, 3], [2, 4]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.moveaxis)
def moveaxis(x: TensorLike, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places, the others in their order.

    Args:
        x: a tensor of any shape.
        source: the axis, or axes, to move.
        destination: where they stand in the result.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.moveaxis([[1, 2], [3, 4]], 0, -1)).tolist()
        [[1, 3], [2, 4]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.expand_dims)
def expand_dims(x: TensorLike, axis: Any) -> Tensor:
    """New axes of size 1.

    Args:
        x: a tensor of any shape.
        axis: where in the result the new axis stands, or a tuple of places.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.expand_dims([1, 2], 1)).tolist()
        [[1], [2]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.squeeze)
def squeeze(x: TensorLike, axis: Any = None) -> Tensor:
    """Axes of size 1 taken away.

    Args:
        x: a tensor of any shape.
        axis: which, one or several; None for all of size 1.

    Returns:
        A tensor of `x`'s type.

    Raises:
        ShapeError: if one of them has another size.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.squeeze([[[1, 2]]], 0)).tolist()
        [[1, 2]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.broadcast_to)
def broadcast_to(x: TensorLike, shape: Any) -> Tensor:
    """X repeated along new axes and axes of size 1.

    Args:
        x: a tensor of any shape.
        shape: the dimensions, which `x`'s broadcast to.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.broadcast_to([1, 2], (2, 2))).tolist()
        [[1, 2], [1, 2]]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.pad)
def pad(
    x: TensorLike, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> Tensor:
    """X with elements added before and behind along each axis.

    Args:
        x: a tensor of any shape.
        pad_width: a pair (before, behind) for each axis, one pair for all axes, or one number.
        mode: 'constant', 'reflect', 'symmetric', 'edge' and the other modes of `numpy.pad`.
        constant_values: what to add in mode constant; 0 where None.

    Returns:
        A tensor of `x`'s type.

    Raises:
        ValueError: if `constant_values` is given in another mode.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.pad([1, 2], (1, 2))).tolist()
        [0, 1, 2, 0, 0]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.tile)
def tile(x: TensorLike, repeats: Any) -> Tensor:
    """Copies of x laid side by side.

    Args:
        x: a tensor of any shape.
        repeats: how many copies along each axis, or along the last one.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.tile([1, 2], 2)).tolist()
        [1, 2, 1, 2]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.repeat)
def repeat(x: TensorLike, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element several times in a row.

    Args:
        x: a tensor of any shape.
        repeats: how many times: one number, or one for each element.
        axis: the axis; None for the flattened tensor.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.repeat([1, 2], 2)).tolist()
        [1, 1, 2, 2]
    """
    ...


@op(result=dtypes.own, shape=shapes.same)
def flip(x: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements in reverse order along the axes.

    Args:
        x: a tensor of any shape.
        axis: the axis or axes; None for all of them.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.flip([1, 2, 3])).tolist()
        [3, 2, 1]
    """
    ...


@op(result=dtypes.own, shape=shapes.same)
def fliplr(x: TensorLike) -> Tensor:
    """The columns in reverse order: `flip` along axis 1.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.fliplr([[1, 2], [3, 4]])).tolist()
        [[2, 1], [4, 3]]
    """
    return flip(x, 1)


@op(result=dtypes.own, shape=shapes.same)
def flipud(x: TensorLike) -> Tensor:
    """The rows in reverse order: `flip` along axis 0.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.flipud([[1, 2], [3, 4]])).tolist()
        [[3, 4], [1, 2]]
    """
    return flip(x, 0)


@op(result=dtypes.own, shape=shapes.same)
def roll(x: TensorLike, shift: Any, axis: Any = None) -> Tensor:
    """The elements moved along an axis; what leaves at the end enters at the front.

    Args:
        x: a tensor of any shape.
        shift: by how many places; negative to the front.
        axis: the axis or axes; None for the flattened tensor.

    Returns:
        A tensor of `x`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.roll([1, 2, 3], 1)).tolist()
        [3, 1, 2]
    """
    ...


@op(result=dtypes.own, shape=shapes_arrays.rot90)
def rot90(array: TensorLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """X turned by 90 degrees, k times, from the first axis towards the second.

    Args:
        array: a tensor of two or more dimensions.
        k: how many times; negative to turn back.
        axes: the plane.

    Returns:
        A tensor of `array`'s type.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.rot90([[1, 2], [3, 4]])).tolist()
        [[2, 4], [1, 3]]
    """
    ...


@op(result=dtypes.separate, shape=shapes_arrays.meshgrid)
def meshgrid(*x: TensorLike, indexing: str = "xy") -> Tensor:
    """The coordinates of a grid: each vector repeated along the axes of the others.

    Args:
        x: vectors.
        indexing: 'xy' has the second vector run along axis 0, 'ij' the first.

    Returns:
        A list of tensors, each of its vector's type.

    Example:
        >>> from lamina import ops
        >>> columns, rows = ops.meshgrid([1, 2], [3, 4])
        >>> ops.convert_to_numpy(rows).tolist()
        [[3, 3], [4, 4]]
    """
    ...
