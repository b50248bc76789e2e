"""Fourier transforms, of pairs of real and imaginary parts, and sequences of signals."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Tensor = Any


def _parts(x: Tensor) -> tuple[Tensor, Tensor]:
    return tf.math.real(x), tf.math.imag(x)


def _length(fft_length: int | None) -> list[int] | None:
    return None if fft_length is None else [fft_length]


def extract_sequences(x: Tensor, sequence_length: int, sequence_stride: int) -> Tensor:
    return tf.signal.frame(x, sequence_length, sequence_stride)


OWN: dict[str, Any] = {
    "fft": lambda x: _parts(tf.signal.fft(tf.complex(*x))),
    "fft2": lambda x: _parts(tf.signal.fft2d(tf.complex(*x))),
    "ifft2": lambda x: _parts(tf.signal.ifft2d(tf.complex(*x))),
    "rfft": lambda x, fft_length: _parts(tf.signal.rfft(x, _length(fft_length))),
    "irfft": lambda x, fft_length: tf.signal.irfft(tf.complex(*x), _length(fft_length)),
    "extract_sequences": extract_sequences,  # of signals whose length a graph does not know
}
