"""Files of models; names for classes and functions of one's own, and objects as plain data."""

from lamina.core.load_errors import (
    DamagedFileError,
    LoadError,
    MissingFileError,
    NonFiniteWarning,
    SizeBudgetError,
    UnfitFileError,
    UnsafeContentError,
    UnverifiedFileWarning,
)
from lamina.core.registry import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from lamina.core.registry import CustomObjectScope as custom_object_scope
from lamina.core.registry import deserialize as deserialize_keras_object
from lamina.saving.file_editor import KerasFileEditor
from lamina.saving.files import load_model, load_weights, save_model, save_weights
from lamina.saving.objects import serialize_keras_object
from lamina.saving.report import LoadReport

__all__ = [
    "DamagedFileError",
    "KerasFileEditor",
    "LoadError",
    "LoadReport",
    "MissingFileError",
    "NonFiniteWarning",
    "SizeBudgetError",
    "UnfitFileError",
    "UnsafeContentError",
    "UnverifiedFileWarning",
    "load_model",
    "load_weights",
    "save_model",
    "save_weights",
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "serialize_keras_object",
]
