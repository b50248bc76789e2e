"""Configs of older versions in the form of Keras 3.15: each rule is named where it is used.

The rules work on the plain data of a file, before any object is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core import registry
from lamina.ops.op_call import rows
from lamina.saving.call_rules import modern_calls
from lamina.saving.compile_rules import modern_compile_config, modern_optimizer
from lamina.saving.report import LoadReport
from lamina.symbolic.graph import to_snake_case

Config = dict[str, Any]

_LOSE_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
# Fields that are gone, by class, "" for all; with the one value that says what is done now.
_ANYTHING = object()
_GONE: dict[str, dict[str, Any]] = {
    "": {"implementation": _ANYTHING, "time_major": False, "batch_input_shape": _ANYTHING},
    "Embedding": {"input_length": _ANYTHING},
    "Conv2DTranspose": {"groups": 1},
    "Conv1DTranspose": {"groups": 1},
    "Conv3DTranspose": {"groups": 1},
    "DepthwiseConv1D": {"groups": 1, **dict.fromkeys(_LOSE_KERNEL, _ANYTHING)},
    "DepthwiseConv2D": {"groups": 1, **dict.fromkeys(_LOSE_KERNEL, _ANYTHING)},
    "SeparableConv1D": {"groups": 1, **dict.fromkeys(_LOSE_KERNEL, _ANYTHING)},
    "SeparableConv2D": {"groups": 1, **dict.fromkeys(_LOSE_KERNEL, _ANYTHING)},
    "MultiHeadAttention": dict.fromkeys(("query_shape", "key_shape", "value_shape"), _ANYTHING),
}
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}


def modernised(config: Config, report: LoadReport) -> Config:
    """The config of a model as Keras 3.15 would have written it.

    Args:
        config: as the file says; unchanged.
        report: where each use of a rule is noted, once.

    Example:
        >>> report = LoadReport("model.h5")
        >>> old = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4]}}
        >>> modernised(old, report)["config"], report.mapped
        ({'batch_shape': [None, 4]}, ["field 'batch_input_shape' of InputLayer to 'batch_shape'"])
    """

    def note(kind: str, what: str) -> None:
        notes: list[str] = getattr(report, kind)
        if what not in notes:
            notes.append(what)

    return _modern(config, note)  # type: ignore[no-any-return]


Note = Callable[[str, str], None]


def _modern(value: Any, note: Note) -> Any:
    if isinstance(value, list):
        return [_modern(one, note) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _modern(one, note) for key, one in value.items()}
    if not isinstance(found.get("class_name"), str):
        return found
    found = _known_module(found, note)
    if isinstance(found.get("compile_config"), dict):
        own = _is_custom(found) or not registry.may_be_ours(found)
        found["compile_config"] = modern_compile_config(found, own, note)
    if not registry.may_be_ours(found) or _is_custom(found):
        return found
    config = found.get("config")
    if found["class_name"] == "Policy" and isinstance(config, dict):
        note("mapped", "policies of keras.mixed_precision to the policies of their names")
        return config.get("name")
    if not isinstance(config, dict):
        return found
    found["config"] = config = _fields(found["class_name"], config, note)
    if isinstance(config.get("layers"), list):
        if "input_layers" in config:
            ops = {"layers": [_as_op(one, note) for one in config["layers"]]}
            found["config"] = modern_calls(config | ops, note)
        else:
            found["config"] = config | {"layers": _with_input(config["layers"], value, note)}
    return found


def _is_custom(found: Config) -> bool:
    known = registry.get_custom_objects()
    return (found.get("registered_name") or found["class_name"]) in known


def _known_module(found: Config, note: Note) -> Config:
    """Modules of Keras that were moved, by the public one that has the class now."""
    module = found.get("module")
    if module is None and not _is_custom(found) and found["class_name"] in registry.slots["models"]:
        return found | {"module": "keras"}  # configs of the old form have no modules
    if not isinstance(module, str) or not registry.may_be_ours(found):
        return found
    slot = registry.slot_of(found)
    public = "keras" if slot == "models" or slot == "dtype_policies" else f"keras.{slot}"
    if found["class_name"] in registry.slots["models"]:
        public = "keras"
    inside_keras = ".src.ops." in module or ".mixed_precision" in module
    known = module in ("keras", public, "builtins") or inside_keras
    if known or module.startswith("keras.optimizers.schedules"):
        return found
    if "optimizers.schedules" in module:
        public = "keras.optimizers.schedules"
    if not module.startswith("keras.src.models"):
        note("mapped", f"module {module} to {public}")
    return found | {"module": public}


def _fields(name: str, config: Config, note: Note) -> Config:
    found = dict(config)
    renames = _RENAMED.get(name, {})
    if name == "InputLayer":
        renames = {"batch_input_shape": "batch_shape"}
    for old, new in renames.items():
        if old in found:
            note("mapped", f"field {old!r} of {name} to {new!r}")
            found[new] = found.pop(old)
    for old, usual in {**_GONE[""], **_GONE.get(name, {})}.items():
        if old in found and (usual is _ANYTHING or found[old] == usual):
            del found[old]
            note("ignored", f"field {old!r} of {name}, which means nothing any more")
    if found.get("activity_regularizer", 0) is None:
        del found["activity_regularizer"]
    if name == "BatchNormalization" and isinstance(found.get("axis"), list):
        (found["axis"],) = found["axis"]
        note("mapped", "field 'axis' of BatchNormalization from a list to its number")
    if found.get("reduction") == "auto":
        found["reduction"] = "sum_over_batch_size"
        note("mapped", "reduction 'auto' to 'sum_over_batch_size'")
    if name in registry.slots["losses"] and found.pop("fn", None) is not None:
        note("ignored", "field 'fn' of losses, which the class says")
    if "use_ema" in found or "is_legacy_optimizer" in found:
        return modern_optimizer(found, note)
    return found


def _as_op(entry: Any, note: Note) -> Any:
    """Ops of Keras 3 in the old form, which have no module there, and no field of a layer."""
    if not isinstance(entry, dict) or entry.get("module") is not None or _is_custom(entry):
        return entry
    name, config = entry.get("class_name"), entry.get("config")
    if not isinstance(config, dict) or "trainable" in config or not _may_be_op(str(name)):
        return entry
    note("mapped", f"{name} without a module to the op")
    return entry | {"module": "keras.src.ops.numpy"}


def _may_be_op(name: str) -> bool:
    """Whether a class is no layer, or one of those (`Add`) whose name ops have too."""
    return name not in registry.slots["layers"] or to_snake_case(name) in rows


def _with_input(layers: list[Any], old: Config, note: Note) -> list[Any]:
    """The layers of a Sequential, whose first one may say the shape of the input."""
    given = old["config"]["layers"]
    first = given[0] if given and isinstance(given[0], dict) else {}
    config = first.get("config")
    shape = config.get("batch_input_shape") if isinstance(config, dict) else None
    if shape is None or first.get("class_name") == "InputLayer":
        return layers
    note("mapped", "field 'batch_input_shape' of a first layer to an InputLayer")
    made = {"batch_shape": shape, "name": f"{config.get('name')}_input"}  # type: ignore[union-attr]
    return [{"class_name": "InputLayer", "config": made}, *layers]
