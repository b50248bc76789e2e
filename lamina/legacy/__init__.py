"""What Keras keeps for programs of older versions."""

from lamina.legacy import saving

__all__ = ["saving"]
