"""Objects in the form of Keras 2: `lamina.utils.legacy` by its other name."""

from lamina.utils.legacy import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
