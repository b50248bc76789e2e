"""The arrays of a model: where each stands in a file, and how a file's come back into the model."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.core.blank import Blanks
from lamina.core.load_errors import (
    NonFiniteWarning,
    SizeBudgetError,
    UnfitFileError,
    shortened,
)
from lamina.core.variable import Variable
from lamina.saving.arrays import Beside, Entry, as_type, check_kind, is_finite
from lamina.saving.report import LoadReport
from lamina.saving.tree import OWN, parts

# What a layer that reads its arrays by itself may read besides the bytes of its variables.
_MARGIN = 16 * 2**20

Stored = dict[str, dict[str, Entry]]
# A part's path, the part, and what it puts into its store.
Own = tuple[str, Any, dict[str, Any]]


def group_of(path: str) -> str:
    """The group in which the arrays of the part at `path` are."""
    return f"{path}/{OWN}" if path else OWN


def own_arrays(root: Any) -> Iterator[Own]:
    """Each part's path, the part, and its own arrays by the names they have in a file."""
    for path, part in parts(root).items():
        store: dict[str, Any] = {}
        part.save_own_variables(store)
        yield path, part, store


def arrays_of_parts(
    root: Any, own: Iterable[Own] | None = None
) -> Iterator[tuple[str, Any, Iterator[tuple[str, np.ndarray]]]]:
    """Each part's path, the part, and its own arrays one by one; then a warning of NaN in them.

    Args:
        root: the model.
        own: what `own_arrays` gave for the parts that are wanted; all where None.
    """
    bad: list[str] = []

    def arrays(path: str, store: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
        for name, value in store.items():
            array = array_of(value)
            if not is_finite(array):
                bad.append(f"{path}/{name}")
            yield name, array

    for path, part, store in own_arrays(root) if own is None else own:
        yield path, part, arrays(path, store)
    warn_not_finite(root, bad)


def warn_not_finite(root: Any, names: list[str]) -> None:
    """Say once which arrays of a model that is being saved hold NaN or infinities."""
    if names:
        warnings.warn(
            f"{root.name!r} was saved with NaN or infinities in "
            f"{shortened(', '.join(names), 300)}.",
            NonFiniteWarning,
            stacklevel=7,
        )


def array_of(value: Any) -> np.ndarray:
    """What a part put into its store, as an array of the backend's memory."""
    return value.numpy() if isinstance(value, Variable) else np.asarray(value)


def by_group(arrays: Mapping[str, Entry]) -> Stored:
    """A file's arrays by the part's path, and by their names in the part."""
    found: Stored = {}
    for path, entry in arrays.items():
        head, _, name = path.rpartition(f"/{OWN}/")
        if not head and path.startswith(f"{OWN}/"):
            name = path.removeprefix(f"{OWN}/")
        elif not head:
            head, _, name = path.rpartition("/")
        found.setdefault(head, {})[name] = entry
    return found


@dataclass(frozen=True)
class Loading:
    """How arrays are taken from a file; see `load_weights`."""

    report: LoadReport
    skip_mismatch: bool = False
    load_optimizer: bool = True
    strict: bool = False
    # Of a model that was made for this load: what fails is thrown away with it.
    blanks: Blanks | None = None
    # Whether layers of which the file has nothing are left as they are.
    partial: bool = False


def load(root: Any, stored: Stored, how: Loading) -> None:
    """Put a file's arrays into the parts of `root`: all that fit, or none.

    First the file's names, shapes and types are held against the model's variables; then all
    arrays are read and verified; then they take the variables' places.

    Raises:
        LoadError: says which array, what was expected and what came; the model is unchanged.
    """
    found = parts(root)
    plan = [
        (path, part, stored.get(path, {}))
        for path, part in found.items()
        if how.load_optimizer or not of_optimizer(path)
    ]
    _check_groups(plan, stored, how)
    plan = [step for step in plan if _fits(*step, how)]
    if how.blanks is not None:
        plain = [part for _, part, entries in plan if entries and _is_plain(part)]
        how.blanks.fill({id(variable) for part in plain for variable in variables_of(part)})
        with Beside() as digests:
            for path, part, entries in plan:
                _take(part, _staged(path, part, entries, how, digests))
        return
    with Beside() as digests:
        staged = [
            (part, _staged(path, part, entries, how, digests)) for path, part, entries in plan
        ]
    # What may fail comes first.
    staged.sort(key=lambda step: _is_plain(step[0]))
    kept = _kept(part for part, _ in staged if not _is_plain(part))
    try:
        for part, values in staged:
            _take(part, values)
    except BaseException:
        for variable, value in kept:
            variable.assign(value)
        raise


def _kept(changed: Iterator[Any]) -> list[tuple[Variable, np.ndarray]]:
    """The values of parts that load by code of their own, which may fail half-way."""
    return [(variable, variable.numpy()) for part in changed for variable in variables_of(part)]


def variables_of(part: Any) -> list[Variable]:
    """The variables that a file has arrays for, in its order."""
    return list(part._stored_variables() if hasattr(part, "_stored_variables") else part.variables)


def labels(part: Any, keys: Iterable[str]) -> list[str]:
    """What the arrays that a part has in a file, under `keys`, are called in the model."""
    if not _is_plain(part):
        return list(keys)
    own = variables_of(part)
    return [own[int(key)].name for key in keys]


def _is_plain(part: Any) -> bool:
    """Whether a part's arrays are its variables, numbered: it loads by no code of its own."""
    cls = type(part)
    return all(
        getattr(cls, name).__module__.startswith("lamina.")
        for name in ("load_own_variables", "save_own_variables")
    )


def of_optimizer(path: str) -> bool:
    """Whether the part at `path` is the model's optimizer, or in it."""
    return path.split("/")[0] == "optimizer"


def _check_groups(plan: list[Any], stored: Stored, how: Loading) -> None:
    """Raise where the file has parts that the model lacks; an optimizer may be left out."""
    known = {path for path, _, _ in plan}
    extra = []
    for path, entries in stored.items():
        if path in known or not entries:
            continue
        if of_optimizer(path) or path.split("/")[-1].startswith(("seed_generator", "_metrics")):
            how.report.ignored.append(f"{path}, which this model does not keep")
        else:
            extra.append(path)
    if not extra:
        return
    missing = [p for p, part, entries in plan if not entries and _is_plain(part)]
    missing = [p for p in missing if variables_of({q: r for q, r, _ in plan}[p])]
    text = (
        f"{how.report.file} holds arrays for {_listed(extra)}, which the model lacks"
        + (f", and none for {_listed(missing)}" if missing else "")
        + ". Names come from the model's attributes, or from classes and their order."
    )
    if how.skip_mismatch:
        warnings.warn(text + " They were left out.", stacklevel=5)
        how.report.ignored += extra
        return
    raise UnfitFileError(
        text + " Nothing was changed. Load into the model that was saved, or pass "
        "skip_mismatch=True to load what fits."
    )


def _listed(names: list[str]) -> str:
    return shortened(", ".join(repr(name) for name in names), 160)


def _fits(path: str, part: Any, entries: dict[str, Entry], how: Loading) -> bool:
    """Whether a part is to be loaded; raises where it should be and cannot."""
    if how.partial and not entries and not of_optimizer(path):
        return False
    if not _is_plain(part):
        _check_budget(path, part, entries)
        return True
    if of_optimizer(path) and _is_fresh(part, entries):
        how.report.defaulted.append(f"{path}: the file has no state of an optimizer")
        return False
    problem = _problem(path, part, entries, how)
    if problem is None:
        return bool(entries)
    if how.skip_mismatch:
        warn_left_out(f"{how.report.file}: {problem}", path, how)
        return False
    hint = (
        "Pass load_optimizer=False to load the weights alone."
        if of_optimizer(path)
        else "Pass skip_mismatch=True to load what fits."
    )
    raise UnfitFileError(f"{how.report.file}: {problem} Nothing was changed. {hint}")


def _is_fresh(optimizer: Any, entries: dict[str, Entry]) -> bool:
    """Whether a file has nothing but what an optimizer has before it is built."""
    if not entries or len(entries) >= len(variables_of(optimizer)):
        return not entries
    fresh = type(optimizer).from_config(optimizer.get_config()).variables
    return entries.keys() == {str(number) for number in range(len(fresh))}


def warn_left_out(problem: str, what: str, how: Loading) -> None:
    """Say that a part keeps the values it has, since those of the file do not fit."""
    warnings.warn(f"{problem} It was left as it is.", stacklevel=7)
    how.report.ignored.append(what)


def _problem(path: str, part: Any, entries: dict[str, Entry], how: Loading) -> str | None:
    own = variables_of(part)
    what = f"{type(part).__name__} {part.name!r} at {path or 'the root'!r}"
    if not getattr(part, "built", True) and len(entries) != len(own):
        own = []
    if not own and entries:
        return (
            f"{what} has no variables yet, and the file has {len(entries)}: build the model first, "
            "by calling it on data."
        )
    names = [str(number) for number in range(len(own))]
    missing = [v.path for name, v in zip(names, own, strict=True) if name not in entries]
    extra = sorted(set(entries) - set(names))
    if missing or extra:
        parts = [f"lacks {_listed(missing)}"] * bool(missing)
        parts += [f"has {_listed(extra)} more"] * bool(extra)
        return f"for {what}, which has {len(own)} variables, it {' and '.join(parts)}."
    for name, variable in zip(names, own, strict=True):
        entry = entries[name]
        if entry.shape != variable.shape:
            return (
                f"variable {variable.path!r} of {what} has the shape {variable.shape}, and the "
                f"file's {entry.shape}."
            )
        check_kind(entry, variable._dtype, variable.path)
    return None


def _check_budget(path: str, part: Any, entries: dict[str, Entry]) -> None:
    size = sum(entry.nbytes for entry in entries.values())
    limit = _MARGIN + 2 * sum(v.numpy().nbytes for v in variables_of(part))
    if size > limit:
        raise SizeBudgetError(
            f"The arrays of {type(part).__name__} {part.name!r} at {path!r} take {size:,} bytes, "
            f"and its variables leave room for {limit:,}. Nothing was read."
        )


def _staged(
    path: str, part: Any, entries: dict[str, Entry], how: Loading, digests: Beside
) -> dict[str, np.ndarray]:
    """The arrays of a part, read and in the types of its variables, while they are verified."""
    wanted = dict(enumerate(variables_of(part))) if _is_plain(part) else {}
    values = {}
    for name, entry in entries.items():
        value = entry.read()
        noted = functools.partial(_note_finite, f"{path}/{name}", how)
        digests.run(entry.verify, value, then=noted)
        if entry.digest is None:
            how.report.unverified.append(f"{path}/{name}")
        variable = wanted.get(int(name)) if wanted else None
        if variable is not None and value.dtype.name != variable._dtype:
            how.report.converted.append(
                f"{path}/{name} from {value.dtype.name} to {variable._dtype}"
            )
            value = as_type(entry, value, variable._dtype, variable.path)
        values[name] = value
    return values


def _note_finite(name: str, how: Loading, finite: bool) -> None:
    if finite:
        return
    if how.strict:
        raise UnfitFileError(
            f"{how.report.file}: {name} holds NaN or infinities, which strict=True refuses. "
            "Nothing was changed."
        )
    how.report.not_finite.append(name)


def _take(part: Any, values: dict[str, np.ndarray]) -> None:
    if not _is_plain(part):
        part.load_own_variables(values)
        return
    for name, variable in enumerate(variables_of(part)):
        variable.assign(values.pop(str(name)))
    if hasattr(part, "_after_loading"):
        part._after_loading()
