"""How arrays of older versions are found: each rule has a name, and reports what it did."""

from __future__ import annotations

from typing import Any

from lamina.saving.arrays import Entry
from lamina.saving.report import LoadReport
from lamina.saving.tree import parts
from lamina.saving.weights import Stored, variables_of


def present(model: Any, stored: Stored, report: LoadReport) -> Stored:
    """The arrays of a file under the names that the parts of `model` have for them now."""
    found = dict(stored)
    for path, part in parts(model).items():
        if type(part).__name__ == "Nadam" and path in found:
            found[path] = _with_product_last(path, part, found[path], report)
    return found


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
