"""The HDF5 form of Keras 1 and 2: weights by layer, in the order of each layer's own."""

from __future__ import annotations

import hashlib
from typing import Any

from lamina.backend import backend
from lamina.core import registry, versions
from lamina.core.load_errors import DamagedFileError, LoadError, UnfitFileError, shortened
from lamina.saving import json_text
from lamina.saving.arrays import Entry, entry_of, is_finite
from lamina.saving.config_rules import modernised
from lamina.saving.hdf5 import Hdf5Reader, Hdf5Writer
from lamina.saving.legacy_optimizer import optimizer_entries
from lamina.saving.model_file import CONFIG_DIGEST
from lamina.saving.report import LoadReport
from lamina.saving.tree import parts
from lamina.saving.weights import (
    Loading,
    Stored,
    array_of,
    variables_of,
    warn_left_out,
    warn_not_finite,
)

_WEIGHTS = "model_weights"
_OPTIMIZER = "optimizer_weights"
_TOP = "top_level_model_weights"


def is_legacy(reader: Hdf5Reader) -> bool:
    """Whether a file is of this form: it lists the names of its layers."""
    return _WEIGHTS in reader.groups or reader.attribute("", "layer_names") is not None


def read_config(reader: Hdf5Reader, report: LoadReport, compile: bool) -> dict[str, Any]:
    """The config of the model in a file, in today's form.

    Raises:
        LoadError: if the file holds weights only.
    """
    name = reader.name
    text = reader.attribute("", "model_config")
    if not isinstance(text, str):
        raise LoadError(
            f"{name} holds weights and no model. Build the model by its code and call its "
            "load_weights with this path."
        )
    whole = reader.attribute("", "training_config")
    known = reader.attribute("", CONFIG_DIGEST)
    if known not in (None, _digest(text, *[whole] * isinstance(whole, str))):
        raise DamagedFileError(
            f"{name}: model_config or training_config is not what was saved: they do not match the "
            f"digest written with them. Use a copy of the file; if you changed them, remove the "
            f"attribute {CONFIG_DIGEST}."
        )
    report.written_by = f"written by Keras {_version(reader)}"
    config = json_text.parse(text, f"{name}: model_config")
    training = whole if compile else None
    if isinstance(training, str):
        compiled = json_text.parse(training, f"{name}: training_config")
        compiled["optimizer"] = compiled.pop("optimizer_config", None)
        config["compile_config"] = compiled
    elif compile:
        report.defaulted.append("the model is not compiled: the file has no training_config")
    return modernised(config, report)


def _digest(*texts: str) -> str:
    """The SHA-256 of the texts that describe a model."""
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _version(reader: Hdf5Reader) -> str:
    for path in ("", _WEIGHTS):
        found = reader.attribute(path, "keras_version") if path in reader.groups else None
        if isinstance(found, str):
            return shortened(found, 20)
    return "of an unknown version"


def stored_by_order(model: Any, reader: Hdf5Reader, how: Loading) -> Stored:
    """A file's arrays for the parts of `model`, its layers being those of the file in order."""
    listed = [(name, found) for name, found in _listed(reader) if found]
    layers = [(layer, weights) for layer in model.layers if (weights := _weights_of(layer))]
    if len(listed) != len(layers):
        raise UnfitFileError(
            f"{reader.name} has weights for {len(listed)} layers, "
            f"{_names(name for name, _ in listed)}, and the model {model.name!r} has {len(layers)} "
            f"with weights, {_names(layer.name for layer, _ in layers)}. Nothing was changed. Pass "
            "by_name=True to load the layers that have the same names."
        )
    pairs = [
        (layer.name, weights, name, found)
        for (layer, weights), (name, found) in zip(layers, listed, strict=True)
    ]
    return _by_part(model, pairs, reader, how)


def stored_by_name(model: Any, reader: Hdf5Reader, how: Loading) -> Stored:
    """A file's arrays for those layers of `model` that the file has by name."""
    listed = dict(_listed(reader))
    pairs = []
    for layer in model.layers:
        weights = _weights_of(layer)
        if weights and layer.name in listed:
            pairs.append((layer.name, weights, layer.name, listed.pop(layer.name)))
        elif weights:
            how.report.defaulted.append(f"layer {layer.name}, which the file lacks")
    how.report.ignored += [f"layer {name}, which the model lacks" for name in listed]
    return _by_part(model, pairs, reader, how)


def _names(found: Any) -> str:
    return shortened(", ".join(map(repr, found)) or "none", 120)


def _listed(reader: Hdf5Reader) -> list[tuple[str, list[Entry]]]:
    """The layers of a file and their arrays, in its order."""
    base = _WEIGHTS if _WEIGHTS in reader.groups else ""
    names = reader.attribute(base, "layer_names")
    if not isinstance(names, list):
        raise DamagedFileError(f"{reader.name} lists no layers. Use a copy of the file.")
    groups = set(reader.groups)
    return [(str(name), _arrays(reader, f"{base}/{name}".lstrip("/"), groups)) for name in names]


def _arrays(reader: Hdf5Reader, group: str, groups: set[str]) -> list[Entry]:
    names = reader.attribute(group, "weight_names") if group in groups else None
    paths = [f"{group}/{name}" for name in names] if isinstance(names, list) else None
    missing = [path for path in paths or () if path not in reader.arrays]
    if paths is None or missing:
        raise DamagedFileError(
            f"{reader.name} lacks {shortened(missing[0] if missing else group, 200)!r}, which it "
            "lists. Use a copy of the file."
        )
    return [reader.arrays[path] for path in paths]


def _weights_of(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _by_part(model: Any, pairs: list[Any], reader: Hdf5Reader, how: Loading) -> Stored:
    places = {
        id(variable): (path, str(number))
        for path, part in parts(model).items()
        for number, variable in enumerate(variables_of(part))
    }
    top = _top_weights(model)
    base = _WEIGHTS if _WEIGHTS in reader.groups else ""
    group = f"{base}/{_TOP}".lstrip("/")
    if top and group in reader.groups:
        pairs = [*pairs, (model.name, top, _TOP, _arrays(reader, group, set(reader.groups)))]
    found: Stored = {}
    for layer, weights, name, entries in pairs:
        if len(weights) != len(entries):
            text = (
                f"{reader.name}: layer {layer!r} has {len(weights)} weights, and the file's "
                f"{name!r} {len(entries)}."
            )
            if not how.skip_mismatch:
                raise UnfitFileError(
                    f"{text} Nothing was changed. Pass skip_mismatch=True to load what fits."
                )
            warn_left_out(text, layer, how)
            continue
        for variable, entry in zip(weights, entries, strict=True):
            if id(variable) not in places:
                raise UnfitFileError(
                    f"{reader.name}: layer {layer!r} keeps {variable.path!r} in files in a way of "
                    "its own, which the .h5 form has no room for. Nothing was changed. Save the "
                    "model to .keras, or its weights to .weights.h5."
                )
            path, number = places[id(variable)]
            if how.skip_mismatch and entry.shape != variable.shape:
                text = (
                    f"{reader.name}: variable {variable.path!r} has the shape {variable.shape}, "
                    f"and the file's {entry.shape}."
                )
                warn_left_out(text, variable.path, how)
                entry = entry_of(variable.path, variable.numpy())
            found.setdefault(path, {})[number] = entry
    return found


def _top_weights(model: Any) -> list[Any]:
    """The weights that a model has itself, in no layer."""
    inside = {id(one) for layer in model.layers for one in layer.weights}
    return [one for one in _weights_of(model) if id(one) not in inside]


def stored_optimizer(model: Any, reader: Hdf5Reader, report: LoadReport) -> Stored:
    """The state of the optimizer of `model` in a file, where there is some."""
    optimizer = getattr(model, "optimizer", None)
    if _OPTIMIZER not in reader.groups or optimizer is None:
        return {}
    names = reader.attribute(_OPTIMIZER, "weight_names")
    entries = _arrays(reader, _OPTIMIZER, set(reader.groups))
    return {"optimizer": optimizer_entries(optimizer, names, entries, report)}


def write_legacy(model: Any, file: Any, include_optimizer: bool) -> None:
    """Write a model in the form that Keras 3.15 writes to `.h5`."""
    with Hdf5Writer(file) as writer:
        described = registry.serialize(model)
        compiled = described.pop("compile_config", None)
        attributes = {"keras_version": versions.KERAS, "backend": backend()}
        # By its shapes a class that is no graph of layers is built; Keras passes them over.
        kept = ("class_name", "config", *["build_config"] * ("layers" not in described["config"]))
        config = {key: described[key] for key in kept if key in described}
        config["class_name"] = _class_name(described)
        name = f"The config of {model.name!r}"
        texts = {"model_config": json_text.written(_plain_layers(config), name)}
        if include_optimizer and compiled:
            compiled["optimizer_config"] = _short(compiled.pop("optimizer", None))
            texts["training_config"] = json_text.written(
                {key: _shortened(one) for key, one in compiled.items()}, f"{name}, compiled"
            )
        writer.group("", **attributes, **texts, **{CONFIG_DIGEST: _digest(*texts.values())})
        names = [layer.name for layer in model.layers]
        writer.group(_WEIGHTS, layer_names=names, **attributes)
        groups = {f"{_WEIGHTS}/{layer.name}": _weights_of(layer) for layer in model.layers}
        groups[f"{_WEIGHTS}/{_TOP}"] = _top_weights(model)
        if include_optimizer and compiled and model.optimizer is not None:
            groups[_OPTIMIZER] = model.optimizer.variables
        bad = [name for group, own in groups.items() for name in _write_group(writer, group, own)]
    warn_not_finite(model, bad)


def _write_group(writer: Hdf5Writer, group: str, variables: list[Any]) -> list[str]:
    """Write the arrays of a group; the names of those that hold NaN or infinities."""
    bad = []
    names = [variable.path for variable in variables]
    # Variables of one's own may be called alike.
    names = [n if names.count(n) == 1 else f"{n}_{i}" for i, n in enumerate(names)]
    writer.group(group, weight_names=names)
    for name, variable in zip(names, variables, strict=True):
        array = array_of(variable)
        if not is_finite(array):
            bad.append(f"{group}/{name}")
        writer.array(f"{group}/{name}", array)
    return bad


def _short(entry: Any) -> Any:
    """An object's config without its module, as this form has it."""
    if isinstance(entry, dict) and "class_name" in entry:
        return {"class_name": _class_name(entry), "config": entry["config"]}
    return entry


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _shortened(one) for key, one in value.items()}
    return _short(value)


def _class_name(entry: dict[str, Any]) -> str:
    """The name that this form has a class under: its own, or the registered one."""
    name = str(entry["class_name"])
    if registry.may_be_ours(entry) and entry.get("registered_name") is None:
        return str(getattr(registry.slots[registry.slot_of(entry)].get(name), "__name__", name))
    return str(entry.get("registered_name") or name)


def _plain_layers(entry: dict[str, Any]) -> dict[str, Any]:
    """A model's config, in which layers have no modules."""
    config = entry["config"]
    if not isinstance(config.get("layers"), list):
        return entry
    layers = []
    for one in config["layers"]:
        is_op = str(one.get("module")).startswith("keras.src.ops")
        hidden = {"build_config", "compile_config"}
        hidden |= set() if is_op else {"module", "registered_name"}
        kept = {key: value for key, value in one.items() if key not in hidden}
        kept |= {} if is_op else {"class_name": _class_name(one)}
        layers.append(_plain_layers(kept))
    return entry | {"config": config | {"layers": layers}}
