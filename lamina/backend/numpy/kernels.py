"""What NumPy lacks, or spells differently from the op of that name."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]


def argsort(x: Array, axis: int | None) -> Array:
    return np.argsort(x, axis=axis, kind="stable")


def get_item(x: Array, key: Any) -> Array:
    return np.asarray(x[key])


_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _erfinv(x: float) -> float:
    if abs(x) >= 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    guess = NormalDist().inv_cdf((1 + x) / 2) / math.sqrt(2)
    # One step of Newton: near 0 the sum 1 + x has lost digits.
    return float(guess - (math.erf(guess) - x) * math.sqrt(math.pi) / 2 * math.exp(guess**2))


def nan_to_num(x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    if x.dtype.kind in "iub":
        return x
    limits: Any = ml_dtypes.finfo(x.dtype)  # type: ignore[no-untyped-call]
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    x = np.where(np.isnan(x), np.asarray(nan, x.dtype), x)
    x = np.where(x == np.inf, np.asarray(high, x.dtype), x)
    return np.where(x == -np.inf, np.asarray(low, x.dtype), x)


def _quiet(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """`kernel` without its warning of slices that are all NaN."""

    def call(x: Array, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return kernel(x, **options)

    return call


def nonzero(x: Array) -> tuple[Array, ...]:
    return tuple(places.astype("int32") for places in np.nonzero(x))


def pad(x: Array, pad_width: Any, mode: str, constant_values: Any) -> Array:
    if constant_values is None:
        return np.pad(x, pad_width, mode=mode)  # type: ignore[call-overload, no-any-return]
    if mode != "constant":
        raise ValueError(f"pad takes constant_values in mode 'constant' only, not {mode!r}.")
    return np.pad(x, pad_width, constant_values=constant_values)


def scatter(indices: Array, values: Array, shape: Sequence[int]) -> Array:
    result = np.zeros(shape, values.dtype)
    np.add.at(result, tuple(np.moveaxis(indices, -1, 0)), values)
    return result


def scatter_update(inputs: Array, indices: Array, updates: Array, reduction: str | None) -> Array:
    result, places = inputs.copy(), tuple(np.moveaxis(indices, -1, 0))
    updates = updates.astype(inputs.dtype)
    combine = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
    if reduction is None:
        result[places] = updates
    elif reduction in combine:
        combine[reduction].at(result, places, updates)
    else:
        raise ValueError(f"reduction is None, 'add', 'mul', 'max' or 'min', not {reduction!r}.")
    return result


def _segment(combine: np.ufunc, start: Callable[[np.dtype[Any]], Any]) -> Callable[..., Array]:
    def kernel(data: Array, segment_ids: Array, num_segments: Any, sorted: bool) -> Array:
        count = int(segment_ids.max()) + 1 if num_segments is None else num_segments
        result = np.full((count, *data.shape[1:]), start(data.dtype), data.dtype)
        inside = (segment_ids >= 0) & (segment_ids < count)
        combine.at(result, segment_ids[inside], data[inside])
        return result

    return kernel


def _lowest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _highest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return True
    return np.iinfo(dtype).max if dtype.kind in "iu" else np.inf


def _block(inputs: Array, start_indices: Any, sizes: Sequence[int]) -> tuple[slice, ...]:
    """The block that begins at a position, moved inside where it would stick out."""
    starts = []
    for start, length, size in zip(start_indices, inputs.shape, sizes, strict=True):
        if size > length:
            raise ValueError(f"a block of {size} does not lie within {length}.")
        start = int(start) + (length if start < 0 else 0)
        starts.append(min(max(start, 0), length - size))
    return tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))


def slice_block(inputs: Array, start_indices: Any, shape: Sequence[int]) -> Array:
    sizes = [
        inputs.shape[i] - int(start_indices[i]) if size == -1 else size
        for i, size in enumerate(shape)
    ]
    return inputs[_block(inputs, start_indices, sizes)]


def slice_update(inputs: Array, start_indices: Any, updates: Array) -> Array:
    result = inputs.copy()
    result[_block(inputs, start_indices, updates.shape)] = updates.astype(inputs.dtype)
    return result


def take(x: Array, indices: Array, axis: int | None) -> Array:
    """As `numpy.take`, but positions out of range give NaN, the smallest or largest number."""
    length = x.size if axis is None else x.shape[axis]
    outside = (indices < -length) | (indices >= length)
    taken = np.take(x, np.where(outside, 0, indices), axis=axis)
    if not outside.any():
        return taken
    if axis is not None:
        places = axis % x.ndim
        outside = outside.reshape(*outside.shape, *(1,) * (x.ndim - places - 1))
    return np.where(outside, _missing(x.dtype), taken).astype(x.dtype)


def _missing(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return True
    if dtype.kind == "u":
        return np.iinfo(dtype).max
    return np.iinfo(dtype).min if dtype.kind == "i" else np.nan


def top_k(x: Array, k: int, sorted: bool) -> tuple[Array, Array]:
    # Reversed, so that the first of equal elements comes first.
    if k > x.shape[-1]:
        raise ValueError(f"top_k: {k} of {x.shape[-1]} elements.")
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    places = order[..., :k]
    return np.take_along_axis(x, places, axis=-1), places


def where(condition: Array, x1: Array | None, x2: Array | None) -> Any:
    return nonzero(condition) if x1 is None or x2 is None else np.where(condition, x1, x2)


def view_as_complex(x: Array) -> Array:
    real, imaginary = np.unstack(x, axis=-1)
    return np.asarray(real + 1j * imaginary)


def unstack(x: Array, num: int | None, axis: int) -> list[Array]:
    return list(np.unstack(x, axis=axis))


OWN: dict[str, Any] = {
    "argsort": argsort,  # stable
    "average": None,  # the op's shared definition: NumPy refuses weights that add up to 0
    "erf": _erf,
    "erfc": _erfc,
    "erfinv": np.vectorize(_erfinv, otypes=[np.float64]),
    "geomspace": None,  # the op's shared definition: integers just missed are cut off
    "get_item": get_item,
    "median": None,  # the ops' shared definitions: of two neighbours equally near, NumPy takes the
    "percentile": None,  # even one
    "quantile": None,
    "nanmedian": None,
    "nanpercentile": None,
    "nanquantile": None,
    "nanargmax": None,  # the op's shared definition: NumPy refuses what is all NaN
    "nanargmin": None,
    **{
        name: _quiet(getattr(np, name))
        for name in ("nanmax", "nanmean", "nanmin", "nanstd", "nanvar")
    },
    "nan_to_num": nan_to_num,  # limits of bfloat16
    "nonzero": nonzero,  # 64-bit positions
    "pad": pad,  # constant_values must be left out in other modes
    "resize": None,  # the op's shared definition: numpy.resize repeats elements
    "scatter": scatter,
    "scatter_update": scatter_update,
    "segment_max": _segment(np.maximum, _lowest),
    "segment_min": _segment(np.minimum, _highest),
    "segment_prod": _segment(np.multiply, lambda dtype: 1),
    "segment_sum": _segment(np.add, lambda dtype: 0),
    "slice": slice_block,
    "slice_update": slice_update,
    "take": take,  # positions out of range
    "top_k": top_k,
    "unravel_index": None,  # the op's shared definition: NumPy refuses what is out of range
    "unstack": unstack,  # no `num`
    "where": where,  # positions of 64 bits
    "view": lambda x, dtype: np.copy(x, order="C").view(dtype),
    "view_as_complex": view_as_complex,
}
