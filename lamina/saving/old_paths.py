"""Where versions 2.12 to 2.15 of Keras kept the parts of a model in `.weights.h5`."""

from __future__ import annotations

import re
from typing import Any

from lamina.saving.arrays import Entry
from lamina.saving.report import LoadReport
from lamina.saving.tree import parts
from lamina.saving.weights import Stored, variables_of

_LISTED = "_layer_checkpoint_dependencies"
_DENSE = re.compile(r"(^|/)_(query|key|value|output)_dense(?=/|$)")


def with_new_paths(model: Any, stored: Stored, report: LoadReport) -> Stored:
    """The arrays of a file under the paths that the parts of `model` have now."""
    known = parts(model)
    found = _without_metrics(stored, known, report)
    for rule in (_attention, _dependencies):
        found = rule(found, known, report)
    if all(path in known for path in _filled(found)):
        return found
    for what, backwards in (("2.14", False), ("2.15", True)):
        now = {id(part): path for path, part in known.items()}
        then = parts(model, backwards=backwards, counted=False)
        renamed = {path: now[id(part)] for path, part in then.items() if id(part) in now}
        if all(path in renamed for path in _filled(found)):
            report.mapped.append(f"paths of layers as Keras {what} numbered them")
            return {renamed.get(path, path): entries for path, entries in found.items()}
    return found


def _filled(stored: Stored) -> list[str]:
    return [path for path, entries in stored.items() if entries and path != "optimizer"]


def _without_metrics(stored: Stored, known: dict[str, Any], report: LoadReport) -> Stored:
    metrics = [path for path in stored if path.startswith("metrics/") and path not in known]
    report.ignored += [f"{path}, the counts of a metric" for path in metrics if stored[path]]
    return {path: entries for path, entries in stored.items() if path not in metrics}


def _attention(stored: Stored, known: dict[str, Any], report: LoadReport) -> Stored:
    found: Stored = {}
    for path, entries in stored.items():
        new = path if path in known else _DENSE.sub(r"\1\2_dense", path)
        if new != path:
            report.mapped.append(f"{path} to {new}")
        found[new] = entries
    return found


def _dependencies(stored: Stored, known: dict[str, Any], report: LoadReport) -> Stored:
    """A model's list of layers under its old name, in which a layer could count twice."""
    found = stored
    while old := [path for path in _filled(found) if _LISTED in path.split("/")]:
        head = min((path.split(_LISTED)[0] for path in old), key=len)
        prefix, new = f"{head}{_LISTED}/", f"{head}layers/"
        names = {path[len(prefix) :].split("/")[0] for path in old if path.startswith(prefix)}
        wanted = [
            path[len(new) :].split("/")[0]
            for path, part in known.items()
            if path.startswith(new) and variables_of(part)
        ]
        renamed = _by_rank(names, set(wanted))
        report.mapped.append(f"{prefix} to {new}")
        found = _moved(found, prefix, new, renamed)
    return found


def _moved(stored: Stored, prefix: str, new: str, renamed: dict[str, str]) -> Stored:
    found: dict[str, dict[str, Entry]] = {}
    for path, entries in stored.items():
        if not path.startswith(prefix):
            found[path] = entries
            continue
        name, slash, rest = path[len(prefix) :].partition("/")
        if name in renamed:
            found[f"{new}{renamed[name]}{slash}{rest}"] = entries
        elif entries:
            found[f"{new}{name}{slash}{rest}"] = entries
    return found


def _by_rank(old: set[str], new: set[str]) -> dict[str, str]:
    """The names of each class in the one set to those in the other, in order of their numbers."""
    found: dict[str, str] = {}
    for kind in {_split(name)[0] for name in old}:
        first, second = (
            sorted((name for name in names if _split(name)[0] == kind), key=_split)
            for names in (old, new)
        )
        found |= dict(zip(first, second, strict=False))
    return found


def _split(name: str) -> tuple[str, int]:
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if kind and number.isdigit() else (name, 0)
