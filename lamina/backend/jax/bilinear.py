"""Functions linear in each of two arrays, with derivatives computed otherwise than themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

Bilinear = Callable[..., Any]


def bilinear(value: Bilinear, of_x: Bilinear, of_kernel: Bilinear) -> Bilinear:
    """`value(x, kernel, *settings)`, compiled as one where it is not part of compiled code.

    Args:
        value: the function; `settings` can be hashed.
        of_x: the same function, for the sake of its gradient with respect to `x`.
        of_kernel: the same function, for the sake of that with respect to `kernel`.
    """

    @functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
    def function(x: jax.Array, kernel: jax.Array, settings: Sequence[Any]) -> Any:
        return value(x, kernel, *settings)

    def derivative(settings: Sequence[Any], values: Sequence[Any], changes: Sequence[Any]) -> Any:
        x, kernel = values
        change_of_x, change_of_kernel = changes
        y = function(x, kernel, settings)
        parts = []
        if not isinstance(change_of_x, SymbolicZero):
            parts.append(of_x(change_of_x, kernel, *settings))
        if not isinstance(change_of_kernel, SymbolicZero):
            parts.append(of_kernel(x, change_of_kernel, *settings))
        return y, sum(parts) if parts else jnp.zeros_like(y)

    define: Any = function.defjvp
    define(derivative, symbolic_zeros=True)
    compiled = jax.jit(function, static_argnums=2, inline=True)
    return lambda x, kernel, *settings: compiled(x, kernel, settings)
