"""What is the same in the linear algebra of every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def is_complete(mode: str) -> bool:
    """Whether a decomposition q r is to have as many columns in q as there are rows.

    Raises:
        ValueError: if there is no such mode.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode is 'reduced' or 'complete', not {mode!r}.")
    return mode == "complete"


def transform_length(length: int) -> int:
    """The length of a Fourier transform.

    Raises:
        ValueError: if it is less than 1, where frameworks return nothing or end the process.
    """
    if length < 1:
        raise ValueError(f"A Fourier transform has a length of 1 or more, not {length}.")
    return length


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
