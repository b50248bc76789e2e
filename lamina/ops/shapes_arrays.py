"""Shape rules of the ops that arrange, pick and create: see `lamina.ops.shapes`.

Dimensions are integers, some of them `Unknown`: they are added, multiplied and divided with `//`,
so that what is not known stays so, and what is known in spite of it comes out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.ops.row import Shape, ShapeError
from lamina.ops.shapes import broadcast, canonical_axes, canonical_axis, size
from lamina.symbolic.dimension import Unknown, other, paired, unknown
from lamina.symbolic.tensor import KerasTensor


def given(shape: Any, *others: Any) -> Shape:
    """The shape asked for."""
    return _dimensions(shape)


def _dimensions(shape: Any) -> Shape:
    """A tuple of dimensions from one, several, or None for unknown ones."""
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    sizes: Any = [one if one is None or isinstance(one, Unknown) else int(one) for one in shape]
    return tuple(sizes)


def first(one: Shape, *others: Any) -> Shape:
    """The first operand's shape."""
    return one


def second(one: Shape, other: Shape, *others: Any) -> Shape:
    """The second operand's shape."""
    return other


def unknowable(*operands: Any) -> Shape:
    """No shape: it depends on the elements."""
    raise ShapeError("the shape of the result is known from the data only, not from shapes.")


# Arranging ----------------------------------------------------------------------------------


def reshape(x: Shape, newshape: Any) -> Shape:
    """The shape asked for, its -1 replaced by what is left."""
    sizes = list(_dimensions(newshape))
    open_at = [i for i, one in enumerate(sizes) if one is None or one == -1]
    if len(open_at) > 1:
        raise ShapeError(f"{tuple(newshape)} leaves more than one dimension open.")
    total = size(x)
    rest = size([one for i, one in enumerate(sizes) if i not in open_at])
    if open_at:
        sizes[open_at[0]] = total // rest if rest else 0
        rest = rest * sizes[open_at[0]]
    if rest != total and not (isinstance(rest, Unknown) or isinstance(total, Unknown)):
        raise ShapeError(f"{total} elements, of shape {tuple(x)}, do not fill {tuple(newshape)}.")
    return tuple(sizes)


def ravel(x: Shape) -> Shape:
    """One dimension."""
    return (size(x),)


def transpose(x: Shape, axes: Sequence[int] | None) -> Shape:
    """The dimensions in the order of `axes`."""
    if axes is None:
        return tuple(reversed(x))
    order = canonical_axes(axes, len(x))
    if sorted(order) != list(range(len(x))):
        raise ShapeError(f"axes {tuple(axes)} do not name each of {len(x)} dimensions once.")
    return tuple(x[axis] for axis in order)


def swapaxes(x: Shape, axis1: int, axis2: int) -> Shape:
    """Two dimensions exchanged."""
    one, two = canonical_axes((axis1, axis2), len(x))
    sizes = list(x)
    sizes[one], sizes[two] = sizes[two], sizes[one]
    return tuple(sizes)


def moveaxis(x: Shape, source: Any, destination: Any) -> Shape:
    """Some dimensions moved."""
    moved, places = canonical_axes(source, len(x)), canonical_axes(destination, len(x))
    if len(moved) != len(places):
        raise ShapeError(f"{len(moved)} axes cannot move to {len(places)} places.")
    order = [axis for axis in range(len(x)) if axis not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        order.insert(place, axis)
    return tuple(x[axis] for axis in order)


def expand_dims(x: Shape, axis: Any) -> Shape:
    """New dimensions of size 1."""
    count = 1 if isinstance(axis, (int, np.integer)) else len(axis)
    places = set(canonical_axes(axis, len(x) + count))
    sizes = iter(x)
    return tuple(1 if place in places else next(sizes) for place in range(len(x) + count))


def squeeze(x: Shape, axis: Any) -> Shape:
    """The dimensions without those of size 1."""
    if axis is None:
        return tuple(one for one in x if one != 1)
    axes = canonical_axes(axis, len(x))
    for one in axes:
        if x[one] != 1 and not isinstance(x[one], Unknown):
            raise ShapeError(f"axis {one} of shape {tuple(x)} has size {x[one]}, not 1.")
    return tuple(one for i, one in enumerate(x) if i not in axes)


def broadcast_to(x: Shape, shape: Any) -> Shape:
    """The shape asked for."""
    wanted = _dimensions(shape)
    known = not any(isinstance(one, Unknown) for one in (*x, *wanted))
    if len(x) > len(wanted) or (known and broadcast(x, wanted) != wanted):
        raise ShapeError(f"shape {tuple(x)} does not broadcast to {wanted}.")
    return wanted


def concatenate(xs: Sequence[Shape], axis: int | None) -> Shape:
    """The dimensions along the axis added up; the others must be the same."""
    if axis is None:
        return (sum((size(x) for x in xs[1:]), size(xs[0])),)
    place = canonical_axis(axis, len(xs[0]))
    others = [x[:place] + x[place + 1 :] for x in xs]
    shape = list(_common(others, xs))
    total = xs[0][place]
    for x in xs[1:]:
        total = total + x[place]
    shape.insert(place, total)
    return tuple(shape)


def stack(x: Sequence[Shape], axis: int) -> Shape:
    """A new dimension; the others must be the same."""
    shape = list(_common(x, x))
    shape.insert(canonical_axis(axis, len(shape) + 1), len(x))
    return tuple(shape)


def _common(parts: Sequence[Shape], shown: Sequence[Shape]) -> Shape:
    """The one shape that all parts have; where one is unknown, the other tells."""
    if len({len(part) for part in parts}) != 1:
        raise ShapeError(f"the shapes {_listed(shown)} differ in their number of dimensions.")
    shape = []
    for sizes in zip(*parts, strict=True):
        known = {one for one in sizes if not isinstance(one, Unknown)}
        if len(known) > 1:
            raise ShapeError(f"the shapes {_listed(shown)} do not fit together.")
        shape.append(next(iter(known), sizes[0]))
    return tuple(shape)


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)


def split(x: Shape, indices_or_sections: Any, axis: int) -> list[Shape]:
    """The parts' shapes."""
    place = canonical_axis(axis, len(x))
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        if x[place] % count != 0 and not isinstance(x[place], Unknown):
            raise ShapeError(f"axis {axis} of shape {tuple(x)} has no {count} equal parts.")
        return [_at(x, place, x[place] // count)] * count
    return _cut(x, place, [int(one) for one in indices_or_sections])


def unstack(x: Shape, num: int | None, axis: int) -> list[Shape]:
    """The shape without the axis, once for each slice."""
    place = canonical_axis(axis, len(x))
    if num is None and isinstance(x[place], Unknown):
        raise ShapeError(f"the size of axis {axis} is not known; give num.")
    count = x[place] if num is None else num
    return [(*x[:place], *x[place + 1 :])] * count


def array_split(x: Shape, indices_or_sections: Any, axis: int) -> list[Shape]:
    """The parts' shapes; the first ones may be longer by one."""
    place = canonical_axis(axis, len(x))
    if not isinstance(indices_or_sections, (int, np.integer)):
        return _cut(x, place, [int(one) for one in indices_or_sections])
    count = int(indices_or_sections)
    return [_at(x, place, (x[place] + count - 1 - i) // count) for i in range(count)]


def _cut(x: Shape, place: int, positions: list[int]) -> list[Shape]:
    edges = [0, *positions, x[place]]
    return [
        _at(x, place, _length(slice(start, stop), x[place]))
        for start, stop in itertools.pairwise(edges)
    ]


def _at(x: Shape, place: int, length: int) -> Shape:
    return (*x[:place], length, *x[place + 1 :])


def pad(x: Shape, pad_width: Any, *others: Any) -> Shape:
    """Each dimension longer by what is added before and behind."""
    widths = np.broadcast_to(np.asarray(pad_width), (len(x), 2)).tolist()
    return tuple(one + before + after for one, (before, after) in zip(x, widths, strict=True))


def tile(x: Shape, repeats: Any) -> Shape:
    """Each dimension times the number of copies."""
    copies = (repeats,) if isinstance(repeats, (int, np.integer)) else tuple(repeats)
    rank = max(len(x), len(copies))
    sizes = (1,) * (rank - len(x)) + tuple(x)
    copies = (1,) * (rank - len(copies)) + copies
    return tuple(one * count for one, count in zip(sizes, copies, strict=True))


def repeat(x: Shape, repeats: Any, axis: int | None) -> Shape:
    """The dimension times the number of repeats."""
    shape, place = ((size(x),), 0) if axis is None else (x, canonical_axis(axis, len(x)))
    if isinstance(repeats, KerasTensor):
        unknowable()
    counts = np.asarray(repeats).reshape(-1)
    total = shape[place] * int(counts[0]) if counts.size == 1 else int(counts.sum())
    return _at(shape, place, total)


def rot90(array: Shape, k: int, axes: tuple[int, int]) -> Shape:
    """The two dimensions exchanged at odd quarters."""
    return swapaxes(array, *axes) if k % 2 else array


def meshgrid(x: Sequence[Shape], indexing: str) -> list[Shape]:
    """The grid's shape, once for each vector."""
    sizes = [size(one) for one in x]
    if indexing == "xy" and len(sizes) > 1:
        sizes[0], sizes[1] = sizes[1], sizes[0]
    return [tuple(sizes)] * len(sizes)


# Picking ------------------------------------------------------------------------------------


def get_item(x: Shape, key: Any) -> Shape:
    """The shape of `x[key]`, by NumPy's rules for basic and integer indexing."""
    keys = list(key) if isinstance(key, tuple) else [key]
    taken = sum(_takes(one) for one in keys)
    if taken > len(x):
        raise ShapeError(f"{taken} indices are too many for the shape {tuple(x)}.")
    if not any(one is Ellipsis for one in keys):
        keys.append(Ellipsis)
    at = next(i for i, one in enumerate(keys) if one is Ellipsis)
    keys[at : at + 1] = [slice(None)] * (len(x) - taken)
    return _indexed(x, keys)


def _takes(key: Any) -> int:
    """How many dimensions of the tensor a part of a key stands for."""
    if key is None or key is Ellipsis:
        return 0
    if getattr(key, "dtype", None) is not None and str(key.dtype).endswith("bool"):
        unknowable()
    return 1


def _indexed(x: Shape, keys: list[Any]) -> Shape:
    dimensions = iter(x)
    shape: list[int] = []
    advanced: list[tuple[int, Shape]] = []  # where in the key, and the index tensor's shape
    place = 0  # where in the result the index tensors' shape goes
    for i, key in enumerate(keys):
        if key is None:
            shape.append(1)
            continue
        length = next(dimensions)
        if isinstance(key, slice):
            shape.append(_length(key, length))
            continue
        found = tuple(np.shape(key)) if isinstance(key, (list, tuple)) else _shape_of(key)
        if isinstance(key, (int, np.integer)) and not isinstance(length, Unknown):
            canonical_index(int(key), length)
        if not advanced:
            place = len(shape)
        advanced.append((i, found))
    arrays = [found for _, found in advanced if found]
    if not arrays:
        return tuple(shape)
    positions = [i for i, _ in advanced]
    if positions[-1] - positions[0] + 1 != len(positions):
        place = 0  # index tensors apart from each other come first, as in NumPy
    return (*shape[:place], *broadcast(*arrays), *shape[place:])


def _shape_of(key: Any) -> Shape:
    return tuple(getattr(key, "shape", ()))


def canonical_index(index: int, length: int) -> int:
    """`index` counted from the front; ShapeError if it is not there."""
    if not -length <= index < length:
        raise ShapeError(f"index {index} is out of range for a dimension of size {length}.")
    return index % length


def _length(key: slice, length: int) -> int:
    """How many elements a slice takes from a dimension, which may be unknown."""

    def count(length: int) -> int:
        return len(range(*key.indices(length)))

    if not isinstance(length, Unknown):
        bounds = (key.start, key.stop, key.step)
        if not any(isinstance(one, Unknown) for one in bounds):
            return count(length)
    return _both(key, length)


def _both(key: slice, length: int) -> int:
    """The same under both fillings of the unknown dimensions."""
    parts = (key.start, key.stop, key.step)
    one = slice(*(None if part is None else int(part) for part in parts))
    two = slice(*(None if part is None else int(other(part)) for part in parts))
    first_count = len(range(*one.indices(int(length))))
    return paired(first_count, len(range(*two.indices(int(other(length))))))


def take(x: Shape, indices: Shape, axis: int | None) -> Shape:
    """The axis replaced by the dimensions of `indices`."""
    if axis is None:
        return indices
    place = canonical_axis(axis, len(x))
    return (*x[:place], *indices, *x[place + 1 :])


def take_along_axis(x: Shape, indices: Shape, axis: int | None) -> Shape:
    """The dimensions of `indices`, but for the axis broadcast with those of `x`."""
    if axis is None:
        return indices
    if len(x) != len(indices):
        raise ShapeError(f"indices of shape {indices} differ in rank from x of shape {tuple(x)}.")
    place = canonical_axis(axis, len(x))
    return _at(broadcast(_at(x, place, 1), _at(indices, place, 1)), place, indices[place])


def slice_(inputs: Shape, start_indices: Any, shape: Any) -> Shape:
    """The shape asked for, its -1 replaced by what is left."""
    sizes: list[int] = []
    asked = _dimensions(shape)
    if len(asked) != len(inputs):
        raise ShapeError(f"{len(asked)} sizes of a block do not fit {len(inputs)} dimensions.")
    for i, one in enumerate(asked):
        if one > inputs[i] and not isinstance(inputs[i], Unknown):
            raise ShapeError(f"a block of {asked} is larger than the tensor of {tuple(inputs)}.")
        if one != -1:
            if one > inputs[i] and not isinstance(inputs[i], Unknown):
                raise ShapeError(f"{one} elements do not lie within {inputs[i]} on axis {i}.")
            sizes.append(one)
        elif isinstance(start_indices, KerasTensor):
            unknowable()
        else:
            sizes.append(inputs[i] - int(start_indices[i]))
    return tuple(sizes)


def scatter(indices: Shape, values: Shape, shape: Any) -> Shape:
    """The shape asked for."""
    return _dimensions(shape)


def segment(data: Shape, segment_ids: Shape, num_segments: int | None, *others: Any) -> Shape:
    """The first dimension replaced by the number of groups, which may be known from data only."""
    if len(segment_ids) != 1:
        raise ShapeError(f"the numbers of the groups are a vector, and not of shape {segment_ids}.")
    if not data or not _fits(data[0], segment_ids[0]):
        raise ShapeError(f"{segment_ids[0]} numbers of groups are not for a tensor of {data}.")
    return (unknown() if num_segments is None else num_segments, *data[1:])


def _fits(one: int, two: int) -> bool:
    return one == two or isinstance(one, Unknown) or isinstance(two, Unknown)


def scatter_update(inputs: Shape, indices: Shape, updates: Shape, reduction: str | None) -> Shape:
    """The same shape."""
    if reduction not in (None, "add", "mul", "max", "min"):
        raise ShapeError(f"reduction is None, 'add', 'mul', 'max' or 'min', not {reduction!r}.")
    return inputs


def argpartition(x: Shape, kth: int, axis: int | None) -> Shape:
    """The same shape, flattened where no axis is given."""
    if axis is None:
        x, axis = (size(x),), 0
    length = x[canonical_axis(axis, len(x))]
    if not isinstance(length, Unknown) and not -length <= kth < length:
        raise ShapeError(f"kth = {kth} is out of range for {length} elements.")
    return x


def unravel_index(indices: Shape, shape: Sequence[int]) -> list[Shape]:
    """The shape of `indices` for each dimension."""
    return [indices] * len(shape)


def top_k(x: Shape, k: int, *others: Any) -> list[Shape]:
    """The last dimension `k`, twice."""
    if not x:
        raise ShapeError("a scalar has no last axis.")
    if k > x[-1]:
        raise ShapeError(f"k = {k} is more than the {x[-1]} elements of the last axis.")
    return [(*x[:-1], k)] * 2


def diff(a: Shape, n: int, axis: int) -> Shape:
    """The axis shorter by `n`."""
    place = canonical_axis(axis, len(a))
    return _at(a, place, a[place] - n if a[place] > n else 0)


# Creating -----------------------------------------------------------------------------------


def rectangle(N: int, M: int | None, *others: Any) -> Shape:
    """`N` rows and `M` columns."""
    return (N, N if M is None else M)


def square(n: int, *others: Any) -> Shape:
    """`n` rows and columns."""
    return (n, n)


def arange(start: Any, stop: Any, step: Any, *others: Any) -> Shape:
    """How many steps there are from start to stop."""
    start, stop, step = (0 if stop is None else start), start if stop is None else stop, step or 1
    if all(isinstance(one, (int, np.integer)) for one in (start, stop, step)):
        count = -((start - stop) // step)
        return (count if isinstance(count, Unknown) or count > 0 else 0,)
    return (max(0, math.ceil((float(stop) - float(start)) / float(step))),)


def linspace(start: Shape, stop: Shape, num: int, *others: Any) -> Any:
    """A new dimension of size `num`; with `retstep`, the distance's shape too."""
    limits = broadcast(start, stop)
    place = canonical_axis(others[-1], len(limits) + 1)
    shape = (*limits[:place], num, *limits[place:])
    return [shape, limits] if others[1] else shape


def logspace(start: Shape, stop: Shape, num: int, *others: Any) -> Shape:
    """A new dimension of size `num`."""
    limits = broadcast(start, stop)
    place = canonical_axis(others[-1], len(limits) + 1)
    return (*limits[:place], num, *limits[place:])
