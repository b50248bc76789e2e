"""How arrays of older versions are found: each rule has a name, and reports what it did."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.optimizers.optimizer import Optimizer
from lamina.optimizers.sgd import SGD
from lamina.saving.arrays import Entry, entry_of
from lamina.saving.old_paths import with_new_paths
from lamina.saving.report import LoadReport
from lamina.saving.tree import parts
from lamina.saving.weights import Stored, variables_of


def present(model: Any, stored: Stored, report: LoadReport) -> Stored:
    """The arrays of a file under the names that the parts of `model` have for them now."""
    found = with_new_paths(model, stored, report)
    for path, part in parts(model).items():
        if not found.get(path) or not isinstance(part, Optimizer):
            continue
        if type(part).__name__ == "Nadam":
            found[path] = _with_product_last(path, part, found[path], report)
        if isinstance(part, SGD) and not part.momentum:
            found[path] = _without_momenta(path, part, found[path], report)
        found[path] = _with_learning_rate(path, part, found[path], report)
    return found


def _without_momenta(
    path: str, part: Any, entries: dict[str, Entry], report: LoadReport
) -> dict[str, Entry]:
    """Keras 2.11 to 2.15 kept momenta for an SGD that has no use for them."""
    trained = len(entries) - 1
    if trained < 1 or len(variables_of(part)) > 2 or entries.keys() != _numbers(trained + 1):
        return entries
    if entries["1"].shape == ():  # the learning rate: a file of Keras 3
        return entries
    report.ignored.append(f"{path}: {trained} momenta, which SGD without momentum does not use")
    return {"0": entries["0"]}


def _numbers(count: int) -> set[str]:
    return set(map(str, range(count)))


def _with_learning_rate(
    path: str, part: Any, entries: dict[str, Entry], report: LoadReport
) -> dict[str, Entry]:
    """Keras 2 kept the learning rate in the config alone, and Nadam's product nowhere."""
    own = variables_of(part)
    rate = next((place for place, one in enumerate(own) if one.name == "learning_rate"), None)
    product = len(own) - 1 if type(part).__name__ == "Nadam" else None
    for lacking in ({rate}, {product}, {rate, product}):
        given = [one for place, one in enumerate(own) if place not in lacking]
        numbers = list(map(str, range(len(given))))
        if None in lacking or len(entries) != len(given) or set(entries) != set(numbers):
            continue
        if [entries[number].shape for number in numbers] != [one.shape for one in given]:
            continue
        waiting = [entries[number] for number in numbers]
        found = {}
        for place, variable in enumerate(own):
            if place not in lacking:
                found[str(place)] = waiting.pop(0)
                continue
            value = variable.numpy() if place == rate else _product(part, entries)
            found[str(place)] = entry_of(f"{path}/{place}", value)
            report.defaulted.append(f"{path}/{variable.name}, which follows from the config")
        return found
    return entries


def _product(part: Any, entries: dict[str, Entry]) -> np.ndarray:
    """Nadam's product of momenta, which files of Keras 2 lack: as if multiplied for each variable.

    An inference: with the product of the steps alone, a file of 2.15 trains on with other numbers;
    with this one, or any other close to 0, to 1e-6 with those that Keras 2.15 had.
    """
    found, trained = 1.0, (len(entries) - 1) // 2
    for step in range(1, min(int(entries["0"].read()), 10_000) + 1):
        found *= (part.beta_1 * (1 - 0.5 * 0.96**step)) ** trained
    return np.asarray(found, "float32")


def _with_product_last(
    path: str, part: Any, entries: dict[str, Entry], report: LoadReport
) -> dict[str, Entry]:
    """Nadam's product of momenta stood before its slots until Keras 3.9, and stands last since."""
    wanted = [variable.shape for variable in variables_of(part)]
    if set(entries) != set(map(str, range(len(wanted)))):
        return entries
    ordered = [entries[str(number)] for number in range(len(wanted))]
    if [one.shape for one in ordered] == wanted:
        return entries
    for place in (2, 1):  # behind the learning rate where that is a variable, else behind the step
        moved = [*ordered[:place], *ordered[place + 1 :], ordered[place]]
        if [one.shape for one in moved] == wanted:
            report.mapped.append(f"{path}/{place}, Nadam's product of momenta, which stands last")
            return {str(number): one for number, one in enumerate(moved)}
    return entries


def left_to_the_backend(config: dict[str, Any], report: LoadReport) -> dict[str, Any]:
    """A model's config, compiled as the backend here likes it.

    Keras writes what `jit_compile="auto"` came to on the backend that it ran on.
    """
    compiled = config.get("compile_config")
    if isinstance(compiled, dict) and compiled.get("jit_compile") is True:
        report.mapped.append("jit_compile=True to 'auto': what suits one backend fits no other")
        config = {**config, "compile_config": {**compiled, "jit_compile": "auto"}}
    return config
