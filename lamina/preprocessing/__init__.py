"""Data made ready for models, under the names that older programs use."""

from lamina.preprocessing import sequence

__all__ = ["sequence"]
