"""Models as JSON and back."""

from __future__ import annotations

from typing import Any

from lamina.core import registry
from lamina.core.budget import limited
from lamina.models.model import Model
from lamina.saving import json_text
from lamina.saving.config_rules import modernised
from lamina.saving.report import LoadReport


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that `Model.to_json` described, with new weights.

    It is built and compiled if that one was. No code is ever run from the string.

    Args:
        json_string: JSON as `to_json` returns it, here or in Keras.
        custom_objects: classes and functions of one's own, by name.

    Raises:
        ValueError: if it is no JSON, describes no model, or names something unknown.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    with limited(), registry.CustomObjectScope(custom_objects):
        config = json_text.parse(json_string, "The JSON")
        found = registry.deserialize(modernised(config, LoadReport("the JSON")))
    if not isinstance(found, Model):
        raise ValueError(f"The JSON describes a {type(found).__name__}, and no model.")
    return found
