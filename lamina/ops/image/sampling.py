"""What an array holds between its places and outside of them."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

from lamina.backend.dtypes import is_float, is_integer, standardize_dtype
from lamina.ops import (
    arithmetic,
    comparison,
    conversion,
    dtypes,
    elementwise,
    indexing,
    logical,
    rounding,
    shaping,
)
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _mapped(
    inputs: Shape, coordinates: Shape, order: int, fill_mode: str = "constant", fill_value: Any = 0
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    if not coordinates or coordinates[0] != len(inputs):
        raise ShapeError(
            f"coordinates have a row for each of the {len(inputs)} dimensions of the inputs; their "
            f"shape is {coordinates}."
        )
    if order not in (0, 1):
        raise ShapeError(f"order is 0 (the nearest place) or 1 (linear), not {order!r}.")
    check_fill_mode(fill_mode)
    return tuple(coordinates[1:])


def check_fill_mode(fill_mode: str) -> None:
    """Refuse what is no fill mode."""
    if fill_mode not in FILL_MODES:
        raise ShapeError(f"fill_mode is one of {FILL_MODES}, not {fill_mode!r}.")


@op(result=dtypes.own, shape=_mapped)
def map_coordinates(
    inputs: TensorLike,
    coordinates: TensorLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: Any = 0,
) -> Tensor:
    """The values of an array at places between its own: y[p] = x(c[0, p], c[1, p], …).

    Between places x is linear along each axis (`order=1`), or what the nearest place holds
    (`order=0`; in the middle between two, the one farther from zero).

    Args:
        inputs: an array of n dimensions.
        coordinates: of shape `(n, *places)`, in places of the inputs from 0.
        order: 0 or 1.
        fill_mode: what lies outside of `a b c d`: `"constant"` (`k k a b c d k k`), `"nearest"`
            (`a a a b c d d d`), `"wrap"` (`c d a b c d a b`), `"mirror"` (`c b a b c d c b`) or
            `"reflect"` (`b a a b c d d c`).
        fill_value: the k of `"constant"`.

    Returns:
        An array of shape `places` and the type of `inputs`; integers are rounded, a half away
        from zero.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> x = ops.convert_to_tensor([0.0, 10.0, 20.0])
        >>> places = ops.convert_to_tensor([[0.5, 1.25, 9.0]])
        >>> ops.convert_to_numpy(ops.image.map_coordinates(x, places, 1, "nearest")).tolist()
        [5.0, 12.5, 20.0]
    """
    _mapped(inputs.shape, coordinates.shape, order, fill_mode, fill_value)
    values = shaping.reshape(inputs, (-1,))
    places = [indexing.get_item(coordinates, axis) for axis in range(len(inputs.shape))]
    return interpolated(values, inputs.shape, places, order, fill_mode, fill_value)


def interpolated(
    values: Tensor,
    sizes: Sequence[int],
    coordinates: Sequence[Tensor],
    order: int,
    fill_mode: str,
    fill_value: Any,
    starts: Any = 0,
) -> Tensor:
    """The values at places of an array whose space is flattened.

    Args:
        values: of shape `(places,)` or `(places, channels)`.
        sizes: the space that was flattened.
        coordinates: for each of its dimensions, a float tensor; all of one shape.
        order, fill_mode, fill_value: as for `map_coordinates`.
        starts: where in `values` the array begins, for each of the coordinates.

    Returns:
        Of the shape of the coordinates, then the channels, in the type of `values`.
    """
    dtype = standardize_dtype(values.dtype)
    wide = values if dtype == "float64" else conversion.cast(values, "float32")
    steps = [functools.reduce(operator.mul, sizes[i + 1 :], 1) for i in range(len(sizes))]
    axes = [
        _neighbours(_floating(one), size, step, order, fill_mode)
        for one, size, step in zip(coordinates, sizes, steps, strict=True)
    ]
    channels = len(values.shape) - 1
    result: Any = None
    for corner in itertools.product(*axes):
        places, weights, inside = zip(*corner, strict=True)
        part = indexing.take(wide, sum(places[1:], places[0]) + starts, axis=0)
        if fill_mode == "constant":
            known = _beside(functools.reduce(logical.logical_and, inside), channels)
            part = comparison.where(known, part, fill_value)
        if order == 1:
            weight = functools.reduce(arithmetic.multiply, weights)
            part = arithmetic.multiply(part, _beside(weight, channels))
        result = part if result is None else arithmetic.add(result, part)
    return as_type(_rounded(result) if is_integer(dtype) else result, dtype)


def as_type(wide: Tensor, dtype: str) -> Tensor:
    """Floats in the type of an image: integers stay within their type, booleans are what is > 0."""
    if is_float(dtype):
        return conversion.cast(wide, dtype)
    return conversion.saturate_cast(wide, dtype) if is_integer(dtype) else wide > 0


def _rounded(x: Tensor) -> Tensor:
    """The nearest integers, a half away from zero."""
    whole = rounding.trunc(x)
    far = comparison.greater_equal(elementwise.absolute(x - whole), 0.5)
    return whole + elementwise.sign(x) * conversion.cast(far, x.dtype)


def _floating(coordinates: Tensor) -> Tensor:
    dtype = standardize_dtype(coordinates.dtype)
    return coordinates if dtype == "float64" else conversion.cast(coordinates, "float32")


def _beside(x: Tensor, channels: int) -> Tensor:
    return shaping.expand_dims(x, -1) if channels else x


def _neighbours(
    coordinates: Tensor, size: int, step: int, order: int, fill_mode: str
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The neighbours along an axis: how far from the start, their weights, whether inside."""
    if order == 0:
        pairs = [(conversion.cast(_rounded(coordinates), "int32"), None)]
    else:
        lower = rounding.floor(coordinates)
        place, beyond = conversion.cast(lower, "int32"), coordinates - lower
        pairs = [(place, 1 - beyond), (place + 1, beyond)]
    bounded = fill_mode == "constant"
    return [
        (
            _folded(place, size, fill_mode) * step,
            weight,
            logical.logical_and(place >= 0, place < size) if bounded else None,
        )
        for place, weight in pairs
    ]


def _folded(place: Tensor, size: int, fill_mode: str) -> Tensor:
    """The place inside that is seen at a place, wherever that is."""
    if fill_mode == "wrap":
        return arithmetic.mod(place, size)
    if fill_mode == "mirror":
        last = size - 1
        around = arithmetic.mod(place, max(2 * last, 1))
        return arithmetic.minimum(around, 2 * last - around)
    if fill_mode == "reflect":
        around = arithmetic.mod(place, 2 * size)
        return arithmetic.minimum(around, 2 * size - 1 - around)
    return rounding.clip(place, 0, size - 1)
