"""Models: functional, sequential and subclassed, and training them."""

from lamina.models.model import Functional, Model
from lamina.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
