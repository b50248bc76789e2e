"""How a model was compiled, as Keras 2 wrote it, in the form of Keras 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core import registry

Config = dict[str, Any]
Note = Callable[[str, str], None]

_ARGUMENTS = (
    "optimizer",
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
)


# What is gone of the arguments.
_OF_KERAS_2 = ("auto_scale_loss", "is_compiled", "sample_weight_mode")


def modern_compile_config(model: Config, own: bool, note: Note) -> Config:
    """The compile_config of a model's config, which is in its new form already.

    Args:
        model: the config.
        own: whether its class is the program's own, which may have said what it likes.
        note: takes what is mapped.
    """
    old: Config = model["compile_config"]
    if own and not old.keys() <= {*_ARGUMENTS, *_OF_KERAS_2}:
        return old
    found = {key: one for key, one in old.items() if key in _ARGUMENTS and one is not None}
    if isinstance(found.get("optimizer"), dict):
        found["optimizer"] = _optimizer(found["optimizer"], note)
    if "loss" in found:
        found["loss"] = _functions(found["loss"])
    outputs = _outputs(model)
    for key in ("metrics", "weighted_metrics"):
        if found.get(key) is not None:
            found[key] = _metrics(found[key], outputs, note)
    return found


def _optimizer(entry: Config, note: Note) -> Config:
    name = str(entry.get("class_name"))
    if name.startswith("Custom>") and name not in registry.get_custom_objects():
        note("mapped", f"optimizer {name} to {name.removeprefix('Custom>')}")
        entry = entry | {"class_name": name.removeprefix("Custom>")}
    if isinstance(entry.get("config"), dict) and "learning_rate" in entry["config"]:
        entry = entry | {"config": modern_optimizer(entry["config"], note)}
    return entry


def modern_optimizer(config: Config, note: Note) -> Config:
    """An optimizer's config without what is gone, and with its decay as a schedule."""
    found = dict(config)
    for old in ("jit_compile", "is_legacy_optimizer"):
        if found.pop(old, None) is not None:
            note("ignored", f"field {old!r} of optimizers, which means nothing any more")
    if not found.get("use_ema") and found.get("ema_overwrite_frequency") is not None:
        found["ema_overwrite_frequency"] = None
        note("ignored", "'ema_overwrite_frequency' of an optimizer that keeps no average")
    decay = found.pop("decay", 0.0)
    if decay and found.get("name") != "Nadam" and isinstance(found["learning_rate"], float):
        note("mapped", "'decay' of an optimizer to the schedule InverseTimeDecay")
        rate = {"initial_learning_rate": found["learning_rate"], "decay_steps": 1}
        found["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": rate | {"decay_rate": decay},
        }
    return found


def _outputs(model: Config) -> list[str] | None:
    """The names of outputs that come by name, in the order in which Keras 2 kept them."""
    places = model["config"].get("output_layers") if isinstance(model["config"], dict) else None
    return sorted(places) if isinstance(places, dict) else None


def _functions(value: Any) -> Any:
    """A program's own functions, which were written as a name, as functions of that name."""
    if isinstance(value, str) and value in registry.get_custom_objects():
        return registry.function_config(value)
    if isinstance(value, list):
        return [_functions(one) for one in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _functions(one) for key, one in value.items()}
    return value


def _metrics(value: Any, outputs: list[str] | None, note: Note) -> Any:
    if isinstance(value, dict):
        if "class_name" in value:
            return _metric(value, note)
        return {key: _metrics(one, None, note) for key, one in value.items()}
    if not isinstance(value, list):
        return _functions(value)
    found = [_metrics(one, None, note) for one in value]
    if outputs is not None and len(found) == len(outputs):
        note("mapped", "lists of metrics to the outputs of those names")
        named = dict(zip(outputs, found, strict=True))
        kept = {name: [m for m in some if m is not None] for name, some in named.items() if some}
        return {
            name: [_without_prefix(one, name) for one in some]
            for name, some in kept.items()
            if some
        }
    if len(found) == 1 and isinstance(found[0], list):
        return found[0]
    return found


def _without_prefix(metric: Any, output: str) -> Any:
    if not isinstance(metric, dict) or "name" not in metric.get("config", {}):
        return metric
    name = str(metric["config"]["name"]).removeprefix(f"{output}_")
    return metric | {"config": metric["config"] | {"name": name}}


def _metric(entry: Config, note: Note) -> Any:
    config = entry.get("config")
    if not isinstance(config, dict) or "fn" not in config:
        return entry
    fn = config["fn"]
    rest = {key: one for key, one in config.items() if key != "fn"}
    if entry["class_name"] != "MeanMetricWrapper":
        note("ignored", "field 'fn' of metrics, which the class says")
        return entry | {"config": rest}
    known = registry.slots["metrics"].get(fn) if isinstance(fn, str) else None
    if known is None or fn in registry.get_custom_objects():
        return entry
    note("mapped", f"MeanMetricWrapper of {fn} to {known.__name__}")
    return {"module": "keras.metrics", "class_name": known.__name__, "config": rest}
