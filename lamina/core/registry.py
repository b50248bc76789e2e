"""Names of classes and functions: ours by slot, and those that a program registers.

A slot is the public module that a thing is found in: `layers`, `initializers`, `activations`, ….
Classes enter their slot as they are defined; a name from a file or a string is looked up in the
table of the slot that it stands in, among the program's own objects first, and nothing is ever
imported by it.
"""

from __future__ import annotations

import collections
import difflib
import inspect
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from lamina.core.plain import is_tagged, tagged, untagged
from lamina.symbolic.graph import to_snake_case

T = TypeVar("T")

slots: dict[str, dict[str, Any]] = collections.defaultdict(dict)
_custom: dict[str, Any] = {}
_names: dict[Any, str] = {}


def enter(slot: str, entry: T, *names: str) -> T:
    """Put `entry` into `slot` under its own name and others; returns it."""
    for name in (getattr(entry, "__name__", ""), *names):
        if name:
            slots[slot][name] = entry
    return entry


def enter_class(slot: str, cls: type) -> None:
    """Put a public class of ours into `slot`, under `Name` and `name`; others are left out."""
    if cls.__module__.startswith("lamina.") and not cls.__name__.startswith("_"):
        enter(slot, cls, to_snake_case(cls.__name__))


class _Sharing:
    """A block, nested in itself as configs are, in which an object may stand in several places.

    Only what holds variables is known again: for the rest, an equal object is as good.
    """

    def __init__(self) -> None:
        self.open = 0
        # What was made so far, by the numbers in configs; and the number of each object described.
        self.met: dict[Any, Any] = {}
        self._numbers: dict[int, tuple[Any, int]] = {}

    def __enter__(self) -> None:
        self.open += 1

    def __exit__(self, *exception: object) -> None:
        self.open -= 1
        if not self.open:
            self.met, self._numbers = {}, {}

    def note(self, value: Any, config: dict[str, Any]) -> None:
        """Give `config`, which describes `value`, the number of `value`."""
        if hasattr(value, "load_own_variables"):
            _, number = self._numbers.setdefault(id(value), (value, len(self._numbers)))
            config[_SHARED] = number

    def settle(self, tree: Any) -> Any:
        """`tree`, if it is whole, with numbers only where one stands in several places."""
        if not self.open:
            places: dict[int, list[dict[str, Any]]] = {}
            _collect(tree, places)
            for configs in places.values():
                if len(configs) == 1:
                    del configs[0][_SHARED]
        return tree


def _collect(tree: Any, places: dict[int, list[dict[str, Any]]]) -> None:
    if isinstance(tree, dict):
        if _SHARED in tree:
            places.setdefault(tree[_SHARED], []).append(tree)
        for one in tree.values():
            _collect(one, places)
    elif isinstance(tree, (list, tuple)):
        for one in tree:
            _collect(one, places)


_SHARED = "shared_object_id"
sharing = _Sharing()


def resolve(slot: str, name: str) -> Any:
    """The class or function called `name` in `slot`, the program's own objects first.

    Raises:
        ValueError: names the slot, the nearest names there, and how to register one's own.
    """
    # A program may hand over by its own name what was registered as `package>name`.
    for known in (name, name.rpartition(">")[2]):
        if known in _custom:
            return _custom[known]
    if name in slots[slot]:
        return slots[slot][name]
    near = difflib.get_close_matches(name, slots[slot], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(
        f"There is nothing called {name!r} among the {slot}.{hint} For a class or function of "
        "your own, decorate it with @lamina.saving.register_keras_serializable(), or pass it in "
        "custom_objects."
    )


def identify(slot: str, identifier: Any, *, allow_none: bool = True) -> Any:
    """An instance or function from whatever a program names it by.

    Args:
        slot: where names are looked up.
        identifier: None, a name, a config, a class, an instance or a function.

    Raises:
        ValueError: if a name is unknown or the identifier is of none of these kinds.
    """
    if identifier is None and allow_none:
        return None
    if isinstance(identifier, str):
        found = resolve(slot, identifier)
    elif isinstance(identifier, dict) and "class_name" in identifier:
        # A model stands wherever a layer does.
        return revive(slot_of(identifier) if slot == "layers" else slot, identifier)
    else:
        found = identifier
    if inspect.isclass(found):
        return found()
    if callable(found) or hasattr(found, "get_config"):
        return found
    raise ValueError(
        f"Expected one of the {slot}: its name, its config, an object or a function, and got "
        f"{identifier!r} of type {type(identifier).__name__}."
    )


def revive(slot: str, config: dict[str, Any]) -> Any:
    """The object that a config `{"class_name": …, "config": …}` describes."""
    if not may_be_ours(config):
        slot = _OF_PROGRAMS
    if config["class_name"] == "function":
        return resolve(slot, name_of_function(config))
    name = config.get("registered_name") or config["class_name"]
    found = resolve(slot, name if name in _custom else config["class_name"])
    inner = config.get("config") or {}
    known = sharing.met.get(config.get(_SHARED))
    if known is not None and type(known) is found:
        return known
    try:
        made = found.from_config(inner) if hasattr(found, "from_config") else found(**inner)
        if sharing.open and config.get(_SHARED) is not None:
            sharing.met[config[_SHARED]] = made
        return made
    except Exception as error:
        if not hasattr(error, "__notes__") and isinstance(inner, dict):
            named = f" {inner['name']!r}" if "name" in inner else ""
            error.add_note(f"It happened as {config['class_name']}{named} was made from a config.")
        raise


def deserialize(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    safe_mode: bool = True,
    module_objects: dict[str, Any] | None = None,
) -> Any:
    """What `serialize` described; plain values as they are. No code is ever run from it.

    Layers that had been built are built, with new weights, and models that had been compiled are
    compiled.

    Args:
        config: an object's description, or nested lists and dictionaries of them.
        custom_objects: classes and functions of one's own, by name.
        safe_mode: kept for programs that pass it.
        module_objects: more of them, an older name for the same.

    Returns:
        The object, or what nests the objects.

    Raises:
        ValueError: if the config names something unknown, or holds code.

    Example:
        >>> from lamina import layers
        >>> deserialize([serialize(layers.Dense(3)), 4])[0].units
        3
    """
    known = {**(module_objects or {}), **(custom_objects or {})}
    if is_tagged(config):
        return untagged(config)
    if isinstance(config, (list, tuple)):
        return type(config)(deserialize(one, known) for one in config)
    if not isinstance(config, dict):
        return config
    if "class_name" not in config:
        return {key: deserialize(one, known) for key, one in config.items()}
    with CustomObjectScope(known), sharing:
        found = revive(slot_of(config), config)
        if config.get("build_config") and hasattr(found, "build_from_config"):
            found.build_from_config(config["build_config"])
        if config.get("compile_config") and hasattr(found, "compile_from_config"):
            found.compile_from_config(config["compile_config"])
        return found


def may_be_ours(config: dict[str, Any]) -> bool:
    """Whether a config names a class or function of Keras or Lamina, by its module.

    What is of another module is one of the program's own objects, whatever its name.

    Example:
        >>> may_be_ours({"module": "my_package.layers", "class_name": "Dense"})
        False
    """
    return str(config.get("module") or "keras").split(".")[0] in _PACKAGES


# `tensorflow` and `tf` stand for `tensorflow.keras`; functions are in `builtins`.
_PACKAGES = ("keras", "lamina", "keras_core", "tf_keras", "tensorflow", "tf", "builtins")
# A slot that holds nothing: names that stand there are looked up among a program's own.
_OF_PROGRAMS = "objects of this program"


def slot_of(config: dict[str, Any]) -> str:
    """The slot of the module that a config names; that of the class for the package itself."""
    parts = str(config.get("module") or "").split(".")
    if parts == ["keras"]:
        named = (
            slot for slot in ("dtype_policies", "models") if config["class_name"] in slots[slot]
        )
        return next(named, "layers")
    found = next((part for part in reversed(parts) if part in slots), None)
    if found is None and config["class_name"] == "function":
        name = config["config"]
        known = (slot for slot in _OF_FUNCTIONS if inspect.isfunction(slots[slot].get(name)))
        found = next(known, _OF_PROGRAMS)
    return found or "layers"


# Where a function of ours is looked up that Keras names without a module.
_OF_FUNCTIONS = ("activations", "losses", "metrics")


def serialize(value: Any) -> Any:
    """`value` as plain data in Keras's form: objects become `{"module", "class_name", …}`.

    Arrays, tensors, bytes and slices are tagged; what has no such form stays as it is. An object
    that stands in several places has the same `shared_object_id` in each.
    """
    with sharing:
        described = _serialize(value)
    return sharing.settle(described)


def _serialize(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _serialize(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_serialize(one) for one in value)
    if inspect.isfunction(value):
        name = get_registered_name(value)
        return name if _is_ours(value) else function_config(name)
    if hasattr(value, "get_config") and not inspect.isclass(value):
        cls = type(value)
        name = vars(cls).get("keras_name", cls.__name__)
        described = _described(cls, name, _serialize(value.get_config()))
        sharing.note(value, described)
        for part in ("build_config", "compile_config"):
            state = getattr(value, f"get_{part}", lambda: None)()
            if state is not None:
                described[part] = _serialize(state)
        return described
    return tagged(value)


def function_config(name: str) -> dict[str, Any]:
    """A function as plain data in Keras's form, which is the same for its own and for others."""
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def name_of_function(config: dict[str, Any]) -> str:
    """The name that a function's description gives; in older files it is the registered one."""
    registered = config.get("registered_name")
    return str(registered if registered in _custom else config["config"])


def _described(source: Any, class_name: str, config: Any) -> dict[str, Any]:
    registered = _names.get(source)
    slot = getattr(source, "slot", None)
    module = getattr(source, "keras_module", "keras" + (f".{slot}" if slot else ""))
    return {
        "module": module if _is_ours(source) else (None if registered else source.__module__),
        "class_name": class_name,
        "config": config,
        "registered_name": None if _is_ours(source) else registered or source.__name__,
    }


def _is_ours(source: Any) -> bool:
    return str(source.__module__).startswith("lamina.") and source not in _names


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """A decorator that makes a class or function known by name to loading and to strings.

    Args:
        package: first part of the registered name `package>name`.
        name: the second part; the object's own name where None.

    Example:
        >>> @register_keras_serializable("examples")
        ... def cube(x):
        ...     return x**3
        >>> get_registered_name(cube)
        'examples>cube'
    """

    def register(entry: T) -> T:
        known = name or entry.__name__  # type: ignore[attr-defined]
        if inspect.isclass(entry) and not hasattr(entry, "get_config"):
            raise ValueError(f"{known} cannot be registered: it has no get_config() method.")
        full = f"{package}>{known}"
        _custom[full] = entry
        _custom.setdefault(known, entry)
        _names[entry] = full
        return entry

    return register


def get_registered_name(obj: Any) -> str:
    """The name that a class or function was registered under, else its own."""
    return str(_names.get(obj, obj.__name__))


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: Any = None
) -> Any:
    """What `name` is registered as, or None."""
    for known in (custom_objects or {}, _custom, module_objects or {}):
        if name in known:
            return known[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """The program's own objects by name; may be changed in place."""
    return _custom


class CustomObjectScope:
    """A block in which names in `custom_objects` are known.

    Example:
        >>> with CustomObjectScope({"double": lambda x: 2 * x}):
        ...     resolve("activations", "double")(3)
        6
    """

    def __init__(self, custom_objects: dict[str, Any] | None = None) -> None:
        self._added = custom_objects or {}
        self._before: dict[str, Any] = {}

    def __enter__(self) -> CustomObjectScope:
        self._before = dict(_custom)
        _custom.update(self._added)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _custom.clear()
        _custom.update(self._before)

    def __iter__(self) -> Iterator[str]:
        return iter(self._added)
