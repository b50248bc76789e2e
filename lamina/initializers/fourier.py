"""First values of convolutions that are Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.backend.dtypes import is_float, standardize_dtype
from lamina.core import registry
from lamina.initializers.initializer import Initializer, Shape
from lamina.ops.row import Tensor


class STFT(Initializer):
    """The kernel of a convolution that is a short-time Fourier transform, or half of one.

    k[t, 0, f] = w[t] cos(2π t f / N) / scale, or -sin, with the window w and N = 2 (bins - 1).

    Args:
        side: 'real' or 'imag': which part of the transform it is for.
        window: the name of a window in `scipy.signal.windows`; or its values, one for each place
            of the kernel; None for none, and then no scale either.
        scaling: 'density': the scale is √(Σ w²); 'spectrum': Σ |w|; None: 1.
        periodic: whether a window of a name is periodic, not symmetric.

    Raises:
        ValueError: if an argument is none of these, or if the shape is not (length, 1, bins) with
            two bins or more.

    Example:
        >>> kernel = STFT("real", window=None)((4, 1, 3))
        >>> ops.convert_to_numpy(kernel)[:, 0, 2].round(3).tolist()
        [1.0, -1.0, 1.0, -1.0]
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
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic
        if isinstance(window, str):
            _named(window, 4, periodic)  # refuses a name that there is not

    def __call__(self, shape: Shape, dtype: Any = None, **kwargs: Any) -> Tensor:
        dtype = standardize_dtype(dtype)
        if not is_float(dtype):
            raise ValueError(f"STFT makes floating-point numbers, not {dtype}.")
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ValueError(
                f"STFT makes kernels of shape (length, 1, bins), of 2 bins or more, and the shape "
                f"is {tuple(shape)}."
            )
        length, _, bins = shape
        angles = np.pi / (bins - 1) * np.outer(np.arange(length), np.arange(bins))
        waves = np.cos(angles) if self.side == "real" else -np.sin(angles)
        values = waves * self._factors(length)[:, None]
        return ops.convert_to_tensor(values[:, None], dtype=dtype)

    def _factors(self, length: int) -> np.ndarray:
        """The window, divided by its scale."""
        if self.window is None:
            return np.ones(length)
        if isinstance(self.window, str):
            window = _named(self.window, length, self.periodic)
        else:
            window = np.asarray(ops.convert_to_numpy(self.window), "float64")
        if window.shape != (length,):
            raise ValueError(
                f"STFT: the window has the shape {window.shape}, and the kernel needs ({length},)."
            )
        scales = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(np.abs(window))}
        scale = scales[self.scaling] if self.scaling else 1
        if scale == 0:
            raise ValueError(
                f"STFT: the window {self.window!r} of {length} elements is 0 everywhere and has no "
                "scale: take a longer kernel, another window or scaling=None."
            )
        return np.asarray(window / scale)


def _named(name: str, length: int, periodic: bool) -> np.ndarray:
    from scipy.signal import get_window

    return np.asarray(get_window(name, length, fftbins=periodic))


registry.enter("initializers", STFT, "STFTInitializer")
