"""Window functions of signal processing: weights that fall off towards both ends of a frame.

Each is computed from t, which goes from -1 at the first place to 1 at the last.
"""

from __future__ import annotations

import math

import numpy as np

from lamina.backend.config import settings
from lamina.backend.dtypes import result_type
from lamina.ops import conversion, dtypes, shapes_counting
from lamina.ops.arithmetic import multiply, subtract, true_divide
from lamina.ops.elementwise import absolute, sqrt, square
from lamina.ops.row import Number, Tensor, TensorLike, op
from lamina.ops.special import i0
from lamina.ops.trigonometric import cos


def _places(count: Number) -> Tensor:
    """T for each of `count` places; 0 for a single one, where every window is 1."""
    places = np.linspace(-1, 1, int(count)) if count > 1 else np.zeros(max(int(count), 0))
    return conversion.convert_to_tensor(places, result_type("float32", settings.floatx))


def _cosines(count: Number, *weights: float) -> Tensor:
    """Σ_k weights[k] cos(k π t)."""
    places = _places(count)
    return sum(w * cos(multiply(places, k * math.pi)) for k, w in enumerate(weights))


@op(result=dtypes.asked, shape=shapes_counting.window)
def bartlett(x: int) -> Tensor:
    """The triangular window of Bartlett: 1 - |t|, t from -1 to 1.

    Args:
        x: how many places the window has, an integer.

    Returns:
        A vector of length `x`, of type `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.bartlett(5)).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return subtract(1, absolute(_places(x)))


@op(result=dtypes.asked, shape=shapes_counting.window)
def blackman(x: int) -> Tensor:
    """The window of Blackman: 0.42 + 0.5 cos(π t) + 0.08 cos(2 π t), t from -1 to 1.

    Args:
        x: how many places the window has, an integer.

    Returns:
        A vector of length `x`, of type `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(abs(ops.blackman(5))).round(2)
        array([0.  , 0.34, 1.  , 0.34, 0.  ], dtype=float32)
    """
    return _cosines(x, 0.42, 0.5, 0.08)


@op(result=dtypes.asked, shape=shapes_counting.window)
def hamming(x: int) -> Tensor:
    """The window of Hamming: 0.54 + 0.46 cos(π t), t from -1 to 1.

    Args:
        x: how many places the window has, an integer.

    Returns:
        A vector of length `x`, of type `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.hamming(5)).round(2)
        array([0.08, 0.54, 1.  , 0.54, 0.08], dtype=float32)
    """
    return _cosines(x, 0.54, 0.46)


@op(result=dtypes.asked, shape=shapes_counting.window)
def hanning(x: int) -> Tensor:
    """The window of von Hann: 0.5 + 0.5 cos(π t), t from -1 to 1.

    Args:
        x: how many places the window has, an integer.

    Returns:
        A vector of length `x`, of type `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.hanning(5)).round(2)
        array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _cosines(x, 0.5, 0.5)


@op(result=dtypes.asked, shape=shapes_counting.window)
def kaiser(x: int, beta: TensorLike) -> Tensor:
    """The window of Kaiser: I₀(β √(1 - t²)) / I₀(β), t from -1 to 1.

    Args:
        x: how many places the window has, an integer.
        beta: β, a number: 0 for a rectangle; the larger, the faster it falls off.

    Returns:
        A vector of length `x`, of type `floatx`.

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.kaiser(5, beta=4.0)).round(2)
        array([0.09, 0.63, 1.  , 0.63, 0.09], dtype=float32)
    """
    root = sqrt(subtract(1, square(_places(x))))
    return true_divide(i0(multiply(beta, root)), i0(beta))
