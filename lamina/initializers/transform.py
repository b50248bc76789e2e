"""Kernels of convolutions that compute a transform."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.backend.dtypes import standardize_dtype
from lamina.core import registry
from lamina.initializers.initializer import Initializer, Shape
from lamina.ops.row import Tensor


class STFT(Initializer):
    """The kernel of a convolution that computes a short-time Fourier transform.

        kernel[n, 0, k] = window[n] cos(2π n k / N),  or -window[n] sin(2π n k / N)

    for the shape (frame length, 1, N / 2 + 1).

    Args:
        side: `"real"` for the cosines, `"imag"` for the sines.
        window: the name of a window of `scipy.signal.windows`, its values, or None for none.
        scaling: `"density"` divides the window by the root of the sum of its squares,
            `"spectrum"` by its sum; None leaves it.
        periodic: whether a named window is periodic, and not symmetric.

    Raises:
        ValueError: if an argument is none of these, or the shape is of another form.

    Example:
        >>> ops.convert_to_numpy(STFT(window=None)((4, 1, 3)))[2].round().tolist()
        [[1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: side is 'real' or 'imag', not {side!r}.")
        if scaling not in ("density", "spectrum", None):
            raise ValueError(f"STFT: scaling is 'density', 'spectrum' or None, not {scaling!r}.")
        if isinstance(window, str):
            _named(window, 4, periodic)
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        if len(shape) != 3 or shape[1] != 1:
            raise ValueError(
                "STFT makes kernels of shape (frame length, 1, frequencies), not of "
                f"{tuple(shape)}."
            )
        length, _, frequencies = shape
        steps = np.outer(np.arange(length), np.arange(frequencies)) / max(2 * (frequencies - 1), 1)
        waves = np.cos(2 * np.pi * steps) if self.side == "real" else -np.sin(2 * np.pi * steps)
        kernel = waves * self._weights(length)[:, None]
        return ops.convert_to_tensor(kernel[:, None, :], dtype=standardize_dtype(dtype))

    def _weights(self, length: int) -> np.ndarray:
        if self.window is None:
            return np.ones(length)
        if isinstance(self.window, str):
            weights = _named(self.window, length, self.periodic)
        else:
            weights = np.asarray(self.window, "float64")
        if weights.shape != (length,):
            raise ValueError(f"STFT: a window of {weights.shape} does not fit frames of {length}.")
        if self.scaling == "density":
            weights = weights / np.sqrt(np.sum(weights**2))
        elif self.scaling == "spectrum":
            weights = weights / np.sum(weights)
        return weights


def _named(name: str, length: int, periodic: bool) -> np.ndarray:
    from scipy import signal

    try:
        return np.asarray(signal.get_window(name, length, fftbins=periodic))
    except ValueError:
        raise ValueError(
            f"scipy.signal.windows has no window {name!r} of {length} steps."
        ) from None


registry.enter("initializers", STFT, "STFTInitializer")
