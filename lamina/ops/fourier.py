"""Fourier transforms, of whole signals and of short sequences of them.

Complex numbers are pairs of tensors: the real and the imaginary parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.ops import dtypes
from lamina.ops.arithmetic import divide, multiply
from lamina.ops.comparison import greater, where
from lamina.ops.conversion import convert_to_tensor
from lamina.ops.elementwise import square
from lamina.ops.indexing import get_item, take
from lamina.ops.reductions import sum
from lamina.ops.row import Pair, Shape, ShapeError, Tensor, TensorLike, op
from lamina.ops.shaping import broadcast_to, pad, reshape, swapaxes

# Shapes -----------------------------------------------------------------------------------


def _pair(x: Sequence[Shape], rank: int = 1) -> Shape:
    """The shape that the real and the imaginary parts have both."""
    real, imaginary = x
    if tuple(real) != tuple(imaginary):
        raise ShapeError(f"the parts have different shapes: {tuple(real)} and {tuple(imaginary)}.")
    if len(real) < rank:
        raise ShapeError(f"a tensor of shape {tuple(real)} has fewer than {rank} dimensions.")
    return real


def _fft(x: Sequence[Shape]) -> list[Shape]:
    return [_pair(x)] * 2


def _fft2(x: Sequence[Shape]) -> list[Shape]:
    return [_pair(x, 2)] * 2


def _rfft(x: Shape, fft_length: int | None) -> list[Shape]:
    *batch, length = _pair([x, x])
    return [(*batch, _positive(length if fft_length is None else fft_length) // 2 + 1)] * 2


def _irfft(x: Sequence[Shape], fft_length: int | None) -> Shape:
    *batch, count = _pair(x)
    return (*batch, _positive(2 * (count - 1) if fft_length is None else fft_length))


def _positive(length: int) -> int:
    if length < 1:
        raise ShapeError(f"a Fourier transform has a length of 1 or more, not {length}.")
    return length


def _sequences(x: Shape, sequence_length: int, sequence_stride: int) -> Shape:
    *batch, length = _pair([x, x])
    for size in (sequence_length, sequence_stride):
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ShapeError(f"sequences have a length and a stride of 1 or more, not {size!r}.")
    count = (length - sequence_length) // sequence_stride + 1
    return (*batch, count if count > 0 else 0, sequence_length)


# Transforms -------------------------------------------------------------------------------


@op(result=dtypes.widened_pair, shape=_fft)
def fft(x: Pair) -> Tensor:
    """Discrete Fourier transform along the last axis: y[k] = Σ x[n] e^(-2πi k n / N).

    Args:
        x: a tuple of the real and the imaginary parts, each of shape (..., N).

    Returns:
        A tuple of the real and the imaginary parts, of the same shape.

    Example:
        >>> from lamina import ops
        >>> real, imaginary = ops.fft(([1.0, 2.0], [0.0, 1.0]))
        >>> ops.convert_to_numpy(real).tolist(), ops.convert_to_numpy(imaginary).tolist()
        ([3.0, -1.0], [1.0, -1.0])
    """
    ...


@op(result=dtypes.widened_pair, shape=_fft2)
def fft2(x: Pair) -> Tensor:
    """Discrete Fourier transform along the last two axes, one after the other.

    Args:
        x: a tuple of the real and the imaginary parts, each of shape (..., rows, columns).

    Returns:
        A tuple of the real and the imaginary parts, of the same shape.

    Example:
        >>> from lamina import ops
        >>> real, _ = ops.fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]))
        >>> ops.convert_to_numpy(real).tolist()
        [[6.0, 0.0], [0.0, -2.0]]
    """
    ...


@op(result=dtypes.widened_pair, shape=_fft2)
def ifft2(x: Pair) -> Tensor:
    """The x of which `fft2` makes this: the inverse along the last two axes.

    Args:
        x: a tuple of the real and the imaginary parts, each of shape (..., rows, columns).

    Returns:
        A tuple of the real and the imaginary parts, of the same shape.

    Example:
        >>> from lamina import ops
        >>> real, _ = ops.ifft2(([[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]]))
        >>> ops.convert_to_numpy(real).tolist()
        [[1.0, 2.0], [2.0, 1.0]]
    """
    ...


@op(result=dtypes.widened_pair, shape=_rfft)
def rfft(x: TensorLike, fft_length: int | None = None) -> Tensor:
    """Discrete Fourier transform of real numbers along the last axis.

    The frequencies above the half are the conjugates of those below, and are left out.

    Args:
        x: of shape (..., N).
        fft_length: how many elements to transform: zeros are added, or elements left out, at the
            end. N where None.

    Returns:
        A tuple of the real and the imaginary parts, of shape (..., fft_length // 2 + 1).

    Example:
        >>> from lamina import ops
        >>> real, imaginary = ops.rfft([0.0, 1.0, 2.0, 3.0])
        >>> ops.convert_to_numpy(real).tolist(), ops.convert_to_numpy(imaginary).tolist()
        ([6.0, -2.0, -2.0], [0.0, 2.0, 0.0])
    """
    ...


@op(result=dtypes.widened, shape=_irfft)
def irfft(x: Pair, fft_length: int | None = None) -> Tensor:
    """The real numbers of which `rfft` makes this.

    Args:
        x: a tuple of the real and the imaginary parts, each of shape (..., count). The imaginary
            parts of the first frequency, and of the last of an even length, count as 0.
        fft_length: how many elements the result has; 2 (count - 1) where None. Frequencies are
            left out, or zeros added, at the end.

    Returns:
        A float tensor of shape (..., fft_length).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.irfft(([6.0, -2.0, -2.0], [0.0, 2.0, 0.0]))).tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    ...


# Sequences --------------------------------------------------------------------------------


@op(result=dtypes.own, shape=_sequences)
def extract_sequences(x: TensorLike, sequence_length: int, sequence_stride: int) -> Tensor:
    """Sequences of equal length that begin at every so many places along the last axis.

    Args:
        x: of shape (..., length).
        sequence_length: how long each of them is.
        sequence_stride: how far apart they begin.

    Returns:
        A tensor of shape (..., (length - sequence_length) // sequence_stride + 1, sequence_length).

    Example:
        >>> from lamina import ops
        >>> ops.convert_to_numpy(ops.extract_sequences([1, 2, 3, 4, 5, 6], 3, 2)).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    count = _sequences(tuple(x.shape), sequence_length, sequence_stride)[-2]
    starts = sequence_stride * np.arange(count, dtype="int32")
    return take(x, starts[:, None] + np.arange(sequence_length, dtype="int32"), axis=-1)


def _window(
    window: Any, sequence_length: int, sequence_stride: int, fft_length: int, dtype: Any
) -> Any:
    """The window with zeros on both sides, as long as a transform."""
    if not 0 < sequence_length <= fft_length or sequence_stride < 1:
        raise ValueError(
            "A sequence has from 1 to fft_length elements, and a stride of 1 or more; these are "
            f"sequence_length={sequence_length}, fft_length={fft_length}, "
            f"sequence_stride={sequence_stride}."
        )
    if window is None:
        return convert_to_tensor(np.ones(fft_length), dtype=dtype)
    if isinstance(window, str):
        window = periodic_window(window, sequence_length)
    values = convert_to_tensor(window, dtype=dtype)
    if tuple(values.shape) != (sequence_length,):
        raise ValueError(
            f"The window has the shape {tuple(values.shape)}, and it needs an element for each of "
            f"a sequence: ({sequence_length},)."
        )
    before = (fft_length - sequence_length) // 2
    return pad(values, ((before, fft_length - sequence_length - before),))


def periodic_window(name: str, length: int) -> np.ndarray:
    """Hann's or Hamming's window: a - (1 - a) cos(2π n / length), with a = 0.5 or 0.54."""
    shares = {"hann": 0.5, "hamming": 0.54}
    if name not in shares:
        raise ValueError(f"window is 'hann', 'hamming', a tensor or None, not {name!r}.")
    cosines: np.ndarray = np.cos(2 * np.pi / length * np.arange(length))
    return shares[name] - (1 - shares[name]) * cosines


@op(result=dtypes.widened_pair)
def stft(
    x: TensorLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """Short-time Fourier transform: `rfft` of each sequence of a signal, times a window.

    Args:
        x: of shape (..., length).
        sequence_length: how many elements a sequence has.
        sequence_stride: how far apart sequences begin.
        fft_length: how many elements each transform has: `sequence_length` or more.
        window: 'hann' or 'hamming', the periodic windows of that name; a tensor of shape
            (sequence_length,), put in the middle of a transform; None for none: sequences are then
            as long as a transform.
        center: whether sequence t is centered at t · sequence_stride: the signal goes on in the
            mirror at both ends, for half of a transform. Else it begins there.

    Returns:
        A tuple of the real and the imaginary parts, of shape (..., sequences, fft_length // 2 + 1).

    Example:
        >>> from lamina import ops
        >>> real, imaginary = ops.stft([0.0, 1.0, 2.0, 3.0, 4.0], 3, 2, 3)
        >>> ops.convert_to_numpy(real).round(3).tolist()
        [[0.75, -0.375], [3.75, -1.875], [5.25, -2.625]]
    """
    factors = _window(window, sequence_length, sequence_stride, fft_length, x.dtype)
    if center:
        margin = fft_length // 2
        x = pad(x, (*((0, 0),) * (len(x.shape) - 1), (margin, margin)), mode="reflect")
    return rfft(multiply(extract_sequences(x, fft_length, sequence_stride), factors))


@op(result=dtypes.widened)
def istft(
    x: Pair,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The signal of which `stft` with the same arguments makes this, as nearly as there is one.

    The inverse transforms, times the window, are added up where they overlap, and divided by the
    sum of the squares of the windows there: Σ w y / Σ w², the signal with the least squared error.

    Args:
        x: a tuple of the real and the imaginary parts, each of shape
            (..., sequences, fft_length // 2 + 1).
        sequence_length: how many elements a sequence has.
        sequence_stride: how far apart sequences begin.
        fft_length: how many elements each transform has.
        length: how long the signal is; as far as the sequences go where None.
        window: 'hann', 'hamming', a tensor of shape (sequence_length,), or None.
        center: whether sequences were centered.

    Returns:
        A float tensor of shape (..., length).

    Example:
        >>> from lamina import ops
        >>> signal = ops.convert_to_tensor([0.0, 1.0, 2.0, 3.0, 4.0])
        >>> again = ops.istft(ops.stft(signal, 3, 1, 4), 3, 1, 4)
        >>> ops.convert_to_numpy(again).round(3).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0]

    Without a window, Keras on JAX returns fft_length / sequence_stride times the signal; here the
    signal comes back.

    Reference:
        Griffin and Lim, 1984, https://doi.org/10.1109/TASSP.1984.1164317
    """
    factors = _window(window, sequence_length, sequence_stride, fft_length, x[0].dtype)
    sequences = irfft(x, fft_length)
    count = sequences.shape[-2]
    signal = _overlapped(multiply(sequences, factors), sequence_stride)
    squares = broadcast_to(square(factors), (count, fft_length))
    weights = _overlapped(squares, sequence_stride)
    signal = divide(signal, where(greater(weights, 1e-10), weights, 1))
    start = fft_length // 2 if center else 0
    whole = signal.shape[-1]
    stop = whole - start if length is None else start + length
    return get_item(signal, (..., slice(start, stop)))


def _overlapped(sequences: Tensor, stride: int) -> Tensor:
    """The sum of sequences, of shape (..., count, length), laid `stride` apart.

    Cut into pieces of one stride, piece k of sequence t is part k + t of the sum. The rows of all
    first pieces, all second ones, … become columns of the sum when each row is shifted by one more.
    """
    *batch, count, length = sequences.shape
    pieces = -(-length // stride)
    nothing = ((0, 0),) * len(batch)
    x = pad(sequences, (*nothing, (0, 0), (0, pieces * stride - length)))
    x = swapaxes(reshape(x, (*batch, count, pieces, stride)), -2, -3)
    # One row too long for each shift: read on in rows that are one shorter, they are shifted.
    x = reshape(pad(x, (*nothing, (0, 0), (0, pieces), (0, 0))), (*batch, -1))
    x = get_item(x, (..., slice(pieces * (count + pieces - 1) * stride)))
    x = sum(reshape(x, (*batch, pieces, (count + pieces - 1) * stride)), axis=-2)
    return get_item(x, (..., slice((count - 1) * stride + length)))
