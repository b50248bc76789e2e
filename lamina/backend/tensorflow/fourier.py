"""Fourier transforms, of pairs of real and imaginary parts, and sequences of signals."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lamina.backend.linear import transform_length
from lamina.backend.tensorflow.widening import sizes

Tensor = Any


def _parts(x: Tensor) -> tuple[Tensor, Tensor]:
    return tf.math.real(x), tf.math.imag(x)


def _fitted(x: Tensor, size: int) -> Tensor:
    """The first `size` elements along the last axis, zeros where there are fewer.

    The transforms do that too, but have no gradient then.
    """
    if x.shape[-1] == size:
        return x
    x = x[..., :size]
    lacking = size - sizes(x)[-1]
    return _told(tf.pad(x, [[0, 0]] * (x.shape.rank - 1) + [[0, lacking]]), size)


def _told(x: Tensor, size: int) -> Tensor:
    """`x`, whose last dimension the graph is told."""
    x.set_shape([*x.shape[:-1], size])
    return x


def rfft(x: Tensor, fft_length: int | None) -> tuple[Tensor, Tensor]:
    length = x.shape[-1] if fft_length is None else fft_length
    return _parts(tf.signal.rfft(x if length is None else _fitted(x, transform_length(length))))


def irfft(x: list[Tensor], fft_length: int | None) -> Tensor:
    count = x[0].shape[-1]
    if fft_length is None and count is None:
        return tf.signal.irfft(tf.complex(*x))
    length = transform_length(2 * (count - 1) if fft_length is None else fft_length)
    number = tf.complex(*[_fitted(part, length // 2 + 1) for part in x])
    return tf.signal.irfft(number, [length])


def extract_sequences(x: Tensor, sequence_length: int, sequence_stride: int) -> Tensor:
    return tf.signal.frame(x, sequence_length, sequence_stride)


OWN: dict[str, Any] = {
    "fft": lambda x: _parts(tf.signal.fft(tf.complex(*x))),
    "fft2": lambda x: _parts(tf.signal.fft2d(tf.complex(*x))),
    "ifft2": lambda x: _parts(tf.signal.ifft2d(tf.complex(*x))),
    "rfft": rfft,
    "irfft": irfft,
    "extract_sequences": extract_sequences,  # of signals whose length a graph does not know
}
