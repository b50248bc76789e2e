"""Models: functional, sequential and subclassed, and training them."""

from lamina.models.cloning import clone_model
from lamina.models.json import model_from_json
from lamina.models.model import Functional, Model
from lamina.models.sequential import Sequential
from lamina.saving import load_model, save_model

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
