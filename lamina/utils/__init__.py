"""Helpers around models: files, labels, sequences, pictures of models."""

from lamina.backend import clear_session, is_keras_tensor, standardize_dtype
from lamina.callbacks.progress import Progbar
from lamina.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from lamina.core.seeds import set_random_seed
from lamina.data import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from lamina.data import PyDataset as Sequence
from lamina.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from lamina.utils import bounding_boxes as bounding_boxes
from lamina.utils import legacy as legacy
from lamina.utils.config import Config
from lamina.utils.files import get_file
from lamina.utils.images import array_to_img, img_to_array, load_img, save_img
from lamina.utils.numeric import normalize, to_categorical
from lamina.utils.picture import model_to_dot, plot_model
from lamina.utils.sequences import pad_sequences
from lamina.utils.sources import get_source_inputs

__all__ = [
    "Config",
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
