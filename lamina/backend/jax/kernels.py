"""What JAX spells differently from the op of that name, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Array = jax.Array


def argpartition(x: Array, kth: int, axis: int | None = -1) -> Array:
    if axis is None:
        x, axis = x.reshape(-1), 0
    return jnp.argpartition(x.astype(jnp.int8) if x.dtype == jnp.bool_ else x, kth, axis)


def average(x: Array, weights: Array | None, axis: Any) -> Array:
    return jnp.average(x, axis=axis, weights=weights)


def get_item(x: Array, key: Any) -> Array:
    if isinstance(key, list):
        key = jnp.asarray(key)
    for one in key if isinstance(key, tuple) else (key,):
        if type(one) is int:
            _check_numbers(x, key if isinstance(key, tuple) else (key,))
            break
    return x[key]


def _check_numbers(x: Array, key: tuple[Any, ...]) -> None:
    """Refuse numbers out of range, for which JAX takes the first or last element."""
    taken = sum(_width(one) for one in key)
    axis = 0
    for one in key:
        if one is Ellipsis:
            axis += x.ndim - taken
        elif type(one) is int and axis < x.ndim and not -x.shape[axis] <= one < x.shape[axis]:
            raise IndexError(f"index {one} is out of range for a dimension of {x.shape[axis]}.")
        axis += _width(one)


def round_(x: Array, decimals: int) -> Array:
    if decimals >= 0 or jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.round(x, decimals)
    return jnp.round(x.astype(jnp.float32), decimals).astype(x.dtype)


def _width(one: Any) -> int:
    """How many axes a part of a key is for."""
    if one is None or one is Ellipsis:
        return 0
    return int(one.ndim) if getattr(one, "dtype", None) == np.bool_ else 1


def pad(x: Array, pad_width: Any, mode: str, constant_values: Any) -> Array:
    if constant_values is None:
        return jnp.pad(x, pad_width, mode=mode)
    if mode != "constant":
        raise ValueError(f"pad takes constant_values in mode 'constant' only, not {mode!r}.")
    return jnp.pad(x, pad_width, mode=mode, constant_values=constant_values)


def _at_fractions(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """`kernel`, with the fractions 0 and 1 given as integers too."""
    return lambda x, q, **options: kernel(x, q.astype(x.dtype), **options)


def repeat(x: Array, repeats: Any, axis: int | None) -> Array:
    counts = np.asarray(repeats) if isinstance(repeats, (list, tuple)) else repeats
    return jnp.repeat(x, counts, axis=axis)


def slice_block(inputs: Array, start_indices: Any, shape: Sequence[int]) -> Array:
    sizes = [
        inputs.shape[i] - int(start_indices[i]) if size == -1 else size
        for i, size in enumerate(shape)
    ]
    return lax.dynamic_slice(inputs, list(start_indices), sizes)


def slice_update(inputs: Array, start_indices: Any, updates: Array) -> Array:
    return lax.dynamic_update_slice(inputs, updates.astype(inputs.dtype), list(start_indices))


def scatter(indices: Array, values: Array, shape: Sequence[int]) -> Array:
    zeros = jnp.zeros(shape, values.dtype)
    return zeros.at[tuple(jnp.moveaxis(indices, -1, 0))].add(values)


def scatter_update(inputs: Array, indices: Array, updates: Array, reduction: str | None) -> Array:
    place = inputs.at[tuple(jnp.moveaxis(indices, -1, 0))]
    updates = updates.astype(inputs.dtype)
    if reduction is None:
        return place.set(updates)
    combine: dict[str, Callable[..., Any]] = {
        "add": place.add,
        "mul": place.mul,
        "max": place.max,
        "min": place.min,
    }
    if reduction not in combine:
        raise ValueError(f"reduction is None, 'add', 'mul', 'max' or 'min', not {reduction!r}.")
    updated: Array = combine[reduction](updates)
    return updated


def _segment(reduce: Callable[..., Array]) -> Callable[..., Array]:
    def kernel(data: Array, segment_ids: Array, num_segments: Any, sorted: bool) -> Array:
        return reduce(data, segment_ids, num_segments, indices_are_sorted=sorted)

    return kernel


def top_k(x: Array, k: int, sorted: bool) -> tuple[Array, Array]:
    if x.dtype == jnp.bool_:  # XLA ranks numbers only
        values, positions = lax.top_k(x.astype(jnp.int8), k)
        return values.astype(jnp.bool_), positions
    values, positions = lax.top_k(x, k)
    return values, positions


def unstack(x: Array, num: int | None, axis: int) -> list[Array]:
    return list(jnp.unstack(x, axis=axis))


def distinct(x: Array, axis: int | None, size: int | None, fill_value: Any) -> tuple[Array, ...]:
    every = jnp.unique(x, True, True, True, axis, equal_nan=False, size=size, fill_value=fill_value)
    return tuple(every)


OWN: dict[str, Callable[..., Any]] = {
    "argpartition": argpartition,  # no axis of None, no booleans
    "average": average,  # weights after the axis
    "distinct": distinct,  # called unique
    "get_item": get_item,
    "nanquantile": _at_fractions(jnp.nanquantile),
    "pad": pad,  # constant_values must be left out in other modes
    "quantile": _at_fractions(jnp.quantile),
    "repeat": repeat,  # no list of repeats
    "round": round_,  # no decimals of integers
    "scatter": scatter,
    "scatter_update": scatter_update,
    "segment_max": _segment(jax.ops.segment_max),
    "segment_min": _segment(jax.ops.segment_min),
    "segment_prod": _segment(jax.ops.segment_prod),
    "segment_sum": _segment(jax.ops.segment_sum),
    "slice": slice_block,  # lax.slice takes the end, not the size
    "slice_update": slice_update,
    "top_k": top_k,  # no `sorted`, no booleans
    "unstack": unstack,  # no `num`
    "view": lambda x, dtype: x.view(dtype),  # a method
    "view_as_complex": lambda x: lax.complex(*jnp.unstack(x, axis=-1)),
}
