"""Sequences made ready for models."""

from lamina.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
