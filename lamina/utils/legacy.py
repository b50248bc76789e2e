"""Objects as plain data in the form of Keras 2: `{"class_name", "config"}`."""

from __future__ import annotations

import inspect
from typing import Any

from lamina.core import registry


def serialize_keras_object(instance: Any) -> Any:
    """An object or a function in the form of Keras 2.

    Args:
        instance: an object with `get_config`, a function, or None.

    Returns:
        `{"class_name": …, "config": …}`, the name of a function, or None.

    Raises:
        ValueError: if it is none of these.

    Example:
        >>> import lamina
        >>> serialize_keras_object(lamina.initializers.Constant(2.0))
        {'class_name': 'Constant', 'config': {'value': 2.0}}
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config") and not inspect.isclass(instance):
        # Functions among the arguments are names here; what is described already stays so.
        config = {
            key: one.__name__ if inspect.isfunction(one) else _renamed(one)
            for key, one in instance.get_config().items()
        }
        return {"class_name": registry.get_registered_name(type(instance)), "config": config}
    if inspect.isfunction(instance) or inspect.isbuiltin(instance):
        return registry.get_registered_name(instance)
    raise ValueError(
        f"{instance!r} cannot be made plain data: it is no function, and has no `get_config`."
    )


def _renamed(value: Any) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    return value


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a description in the form of Keras 2 stands for.

    Args:
        identifier: `{"class_name": …, "config": …}`, a name, a function, or None.
        module_objects: classes and functions by name.
        custom_objects: more of them, looked up first; then those that the program registered.
        printable_module_name: what such an object is called in an error.

    Returns:
        An object of the class; a function as it is; None for None.

    Raises:
        ValueError: if the name is unknown or the description is no such thing.

    Example:
        >>> import lamina
        >>> deserialize_keras_object("Zeros", {"Zeros": lamina.initializers.Zeros})
        Zeros()
    """
    if identifier is None:
        return None

    def find(name: str) -> Any:
        found = registry.get_registered_object(name, custom_objects, module_objects)
        if found is None:
            raise ValueError(
                f"There is no {printable_module_name} called {name!r} here. Pass it in "
                "custom_objects, or register it with "
                "@lamina.saving.register_keras_serializable()."
            )
        return found

    if isinstance(identifier, dict):
        if not {"class_name", "config"} <= identifier.keys():
            raise ValueError(
                f"A description has a class_name and a config, and this is {identifier!r}."
            )
        found, config = find(identifier["class_name"]), dict(identifier["config"])
        for key, one in config.items():  # names of functions, as serialize_keras_object left them
            known = isinstance(one, str) and registry.get_registered_object(one, custom_objects)
            if inspect.isfunction(known):
                config[key] = known
        with registry.CustomObjectScope(custom_objects):
            return found.from_config(config) if hasattr(found, "from_config") else found(**config)
    if isinstance(identifier, str):
        found = find(identifier)
        return found() if inspect.isclass(found) else found
    if inspect.isfunction(identifier):
        return identifier
    raise ValueError(f"{identifier!r} describes no {printable_module_name}.")
