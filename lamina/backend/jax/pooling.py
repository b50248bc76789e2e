"""Pooling on JAX."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamina.backend.config import standardize_data_format
from lamina.backend.jax import devices
from lamina.backend.windows import channels_first, pads, spread

Sizes = int | Sequence[int]


def _compiled(kernel: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """`kernel` compiled as one where it is called outside of compiled code."""
    run = jax.jit(kernel, static_argnums=(1, 2, 3, 4), inline=True)

    @functools.wraps(kernel)
    def call(
        inputs: jax.Array,
        pool_size: Sizes,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
    ) -> jax.Array:
        rank = inputs.ndim - 2
        sizes = spread(pool_size, rank)
        steps = sizes if strides is None else spread(strides, rank)
        layout = standardize_data_format(data_format)
        pooled: jax.Array = run(inputs, sizes, steps, padding, layout)
        return pooled

    return call


@_compiled
def max_pool(
    inputs: jax.Array,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> jax.Array:
    windows = _Windows(inputs.shape, pool_size, strides, padding, data_format)
    if windows.apart:
        return _largest(windows.split(inputs), windows.split_axes)
    lowest = -jnp.inf if jnp.issubdtype(inputs.dtype, jnp.floating) else _lowest(inputs.dtype)
    return windows.reduce(inputs, lowest, lax.max)


@_compiled
def average_pool(
    inputs: jax.Array,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> jax.Array:
    windows = _Windows(inputs.shape, pool_size, strides, padding, data_format)
    if windows.apart:
        return windows.split(inputs).mean(windows.split_axes)
    sums = windows.reduce(inputs, 0.0, lax.add)
    if padding.lower() == "valid":
        return sums / math.prod(windows.sizes)
    ones = jnp.ones((1, *inputs.shape[1:]), inputs.dtype)
    return sums / windows.reduce(ones, 0.0, lax.add)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _largest(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """The maximum along short axes.

    The gradient of JAX's own `max` looks for the places that equal the result; where XLA computes
    `x` once more for that, with another rounding, it finds none and divides 0 by 0. Here it goes
    through one comparison after another, each of which has a larger side. The forward pass alone
    is half as fast that way, and so has its own.
    """
    return x.max(axes)


@_largest.defjvp
def _slope_of_largest(
    axes: tuple[int, ...], primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    def compared(x: jax.Array) -> jax.Array:
        for axis in reversed(axes):
            places = [
                lax.index_in_dim(x, each, axis, keepdims=False) for each in range(x.shape[axis])
            ]
            x = functools.reduce(lax.max, places)
        return x

    largest, slope = jax.jvp(compared, primals, tangents)
    return largest, slope


def _lowest(dtype: Any) -> Any:
    return False if dtype == jnp.bool_ else np.iinfo(dtype).min


# Milliseconds of forward and gradient under jit on 2 cores, medians of 9: XLA's `reduce_window`,
# shifted arrays, and these image by image; batch, size and channels, windows of 3x3 by 2:
#                       maximum                  sum
#    32, 16x16x128    20.6   1.2   1.2      2.3   0.5
#    32, 32x32x64     36     1.8   4.4      6.0   1.8
#    16, 56x56x64     55     3.9   6.0      8.5   2.2   2.7    13 MB
#    64, 32x32x64     71    19     7.5     11.3  16.1   3.6    17 MB
#    32, 64x64x64    141    49    20       29    35    15
_WHOLE_BYTES = 14_000_000
# The longest windows tried: 16x16x64, 5x5 by 1, 32 ms and 3.9.
_MOST_SHIFTS = 8


class _Windows:
    """Where the windows lie in an input of that shape.

    Windows that neither overlap nor leave gaps are `apart`: splitting each dimension in two and
    reducing needs no `reduce_window`, whose gradient is very slow in XLA on the CPU.
    """

    def __init__(
        self,
        shape: Sequence[int],
        pool_size: Sizes,
        strides: Sizes | None,
        padding: str,
        data_format: str | None,
    ) -> None:
        rank = len(shape) - 2
        self.first = 2 if channels_first(data_format) else 1
        self.sizes = spread(pool_size, rank)
        self.steps = self.sizes if strides is None else spread(strides, rank)
        self.spatial = shape[self.first : self.first + rank]
        self.pads = pads(self.spatial, self.sizes, self.steps, padding)
        self.apart = self.sizes == self.steps and not any(map(any, self.pads))
        self.split_axes = tuple(self.first + 1 + 2 * i for i in range(rank))

    def split(self, x: jax.Array) -> jax.Array:
        """`x` cropped to whole windows, each spatial dimension as (windows, places in one)."""
        counts = [size // window for size, window in zip(self.spatial, self.sizes, strict=True)]
        before, after = x.shape[: self.first], x.shape[self.first + len(counts) :]
        ends = [count * window for count, window in zip(counts, self.sizes, strict=True)]
        cropped = lax.slice(x, (0,) * x.ndim, (*before, *ends, *after))
        pairs = [n for pair in zip(counts, self.sizes, strict=True) for n in pair]
        return cropped.reshape((*before, *pairs, *after))

    def reduce(self, x: jax.Array, start: Any, reducer: Callable[..., Any]) -> jax.Array:
        cpu = devices.current().platform == "cpu"
        if not cpu or max(self.sizes) > _MOST_SHIFTS:
            return self._by_xla(x, start, reducer)
        if x.nbytes <= _WHOLE_BYTES:
            return self._by_shifts(x, start, reducer)

        @jax.checkpoint
        def image(one: jax.Array) -> jax.Array:
            return self._by_shifts(one[None], start, reducer, more=1)[0]

        images: jax.Array = lax.map(image, x)
        return images

    def _by_shifts(
        self, x: jax.Array, start: Any, reducer: Callable[..., Any], more: int = 0
    ) -> jax.Array:
        """One axis after another, from as many shifted arrays as a window is long there.

        Where the images are widened, by `more` if by nothing else, XLA makes a copy; without, it
        reads each image of a loop from all of them, place by place, in 4 times the time.
        """
        rest = x.ndim - self.first - len(self.sizes)
        around = [(before, after + more) for before, after in self.pads]
        if any(map(any, around)):
            widths = [(0, 0)] * self.first + around + [(0, 0)] * rest
            x = jnp.pad(x, widths, constant_values=start)
        axes = zip(itertools.count(self.first), self.sizes, self.steps, strict=False)
        for axis, size, step in axes:
            span = (x.shape[axis] - more - size) // step * step + 1
            shifted = [lax.slice_in_dim(x, i, i + span, step, axis) for i in range(size)]
            x = functools.reduce(reducer, shifted)
        return x

    def _by_xla(self, x: jax.Array, start: Any, reducer: Callable[..., Any]) -> jax.Array:
        rest = x.ndim - self.first - len(self.sizes)
        head, tail = (1,) * self.first, (1,) * rest
        no_head, no_tail = ((0, 0),) * self.first, ((0, 0),) * rest
        reduced: jax.Array = lax.reduce_window(
            x,
            np.array(start, x.dtype),  # JAX knows the reducer by its start, which must be concrete
            reducer,
            (*head, *self.sizes, *tail),
            (*head, *self.steps, *tail),
            (*no_head, *self.pads, *no_tail),
        )
        return reduced


OWN: dict[str, Callable[..., Any]] = {"max_pool": max_pool, "average_pool": average_pool}
