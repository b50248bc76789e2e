"""Calls between the layers of a model, as Keras 2 wrote them, in the form of Keras 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.saving import tensorflow_rules

Config = dict[str, Any]
Note = Callable[[str, str], None]


def modern_calls(config: Config, note: Note) -> Config:
    """The config of a functional model with its calls in the form of Keras 3."""
    entries = config["layers"]
    if not all(isinstance(one, dict) and "name" in one for one in entries):
        return config
    calls = [call for one in entries for call in one.get("inbound_nodes") or []]
    if not any(isinstance(call, list) for call in calls):
        return config
    note("mapped", "calls of layers from lists of places to arguments")
    names = {one["name"] for one in entries}
    shifted = _shifted(config, names, note)

    def reference(place: list[Any]) -> Any:
        name, node, index = place[:3]
        history = [name, node - (name in shifted), index]
        return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}

    def argument(value: Any) -> Any:
        if _is_place(value, names):
            return reference(value)
        if isinstance(value, list):
            return [argument(one) for one in value]
        if isinstance(value, dict):
            return {key: argument(one) for key, one in value.items()}
        return value

    def output(value: Any) -> Any:
        if _is_place(value, names):
            return [value[0], value[1] - (value[0] in shifted), value[2]]
        if isinstance(value, dict):
            return {key: output(one) for key, one in value.items()}
        return [output(one) for one in value]

    return config | {
        "layers": [_entry(one, argument, note) for one in entries],
        "input_layers": output(config["input_layers"]),
        "output_layers": output(config["output_layers"]),
    }


def _is_place(value: Any, names: set[str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and all(type(one) is int for one in value[1:3])
    )


def _shifted(config: Config, names: set[str], note: Note) -> set[str]:
    """Nested models, whose first node was that of their own making, and their first call node 1."""
    last: dict[str, int] = {}
    waiting = [one.get("inbound_nodes") for one in config["layers"]]
    waiting += [config["input_layers"], config["output_layers"]]
    while waiting:
        value = waiting.pop()
        if _is_place(value, names):
            last[value[0]] = max(last.get(value[0], 0), value[1])
            waiting += value[3:]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
    found = set()
    for one in config["layers"]:
        inner = one.get("config")
        is_model = isinstance(inner, dict) and isinstance(inner.get("layers"), list)
        if is_model and last.get(one["name"], 0) >= len(one.get("inbound_nodes") or []) > 0:
            note("mapped", f"node 1 of the nested model {one['name']} to node 0")
            found.add(one["name"])
    return found


def _entry(entry: Config, argument: Callable[[Any], Any], note: Note) -> Config:
    if entry.get("class_name") in tensorflow_rules.CLASSES:
        made = tensorflow_rules.operator(entry, argument)
        function = entry["config"]["function"]
        note("mapped", f"{entry['class_name']} of {function} to the op {made['class_name']}")
        return made
    return entry | {
        "inbound_nodes": [
            _call(one, argument) if isinstance(one, list) else one
            for one in entry.get("inbound_nodes") or []
        ]
    }


def _call(places: list[Any], argument: Callable[[Any], Any]) -> Config:
    given = [argument(one[:3]) for one in places]
    kwargs = places[0][3] if len(places[0]) > 3 else {}
    first = given[0] if len(given) == 1 else given
    return {"args": [first], "kwargs": argument(kwargs)}
