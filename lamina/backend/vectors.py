"""Equations with vectors on their right-hand sides, the same on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def are_vectors(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether b of a x = b holds a vector for each matrix of a, by the shapes of both.

    Else it holds matrices: so does b of shape (n, n) only where a has no more dimensions.
    """
    return len(b) == 1 or (len(b) == len(a) - 1 and b[-1] == a[-2])


def of_vectors(solve: Callable[..., Any]) -> Callable[..., Any]:
    """`solve(a, b, …)` of matrices b, for vectors too."""

    def kernel(a: Any, b: Any, **settings: Any) -> Any:
        if are_vectors(a.shape, b.shape):
            return solve(a, b[..., None], **settings)[..., 0]
        return solve(a, b, **settings)

    return kernel
