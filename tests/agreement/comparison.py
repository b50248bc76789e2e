"""One configuration in Lamina and in Keras: what each answers, and how far apart that is."""

from __future__ import annotations

import itertools
import json
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

import lamina
from tests.agreement.case import Case, Draw, named

# A program of a few lines, the same for both libraries: it makes the object and returns it with
# what must agree, by name.
Program = Callable[[Any, Case], tuple[Any, dict[str, Any]]]


@dataclass(frozen=True)
class Kind:
    """Classes of one kind: where they are, what may be drawn for each, what is run with each.

    Attributes:
        name: the module's name below `keras`.
        draws: what may be drawn, by the class's name; one that Lamina lacks is passed over.
        program: what is run in both libraries.
        exceptions: public names that have no draw, each with the reason.
        few: how many configurations of a class are tried in every run of the tests.
    """

    name: str
    draws: dict[str, Draw]
    program: Program
    exceptions: dict[str, str]
    few: int = 3

    @property
    def present(self) -> list[str]:
        """The declared names that Lamina has."""
        return [name for name in self.draws if hasattr(named(lamina, self.name), name)]


class DisagreementError(AssertionError):
    """Lamina and Keras do not answer the same."""


@dataclass(frozen=True)
class Outcome:
    """Where both agree: whether both refused, and the largest relative difference otherwise."""

    refused: bool
    difference: float = 0.0


def examples(draw: Draw, name: str, count: int, examine: Callable[[Case], None]) -> None:
    """Give `count` configurations to `examine`, always the same ones; a failing one is made small.

    The first that Hypothesis tries is the simplest one: the rows of the other tests have that.
    """
    met = itertools.count()

    @settings(
        max_examples=count + 1,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(draw.cases(name))
    def each(case: Case) -> None:
        if next(met):
            examine(case)

    each()
    assert next(met) > 1, f"{name} has one configuration only: no other can be tried."


def agree(kind: Kind, case: Case) -> Outcome:
    """How far apart both are on a configuration.

    Raises:
        DisagreementError: one refuses what the other takes, or they differ by more than the
            tolerance, or Lamina's config does not make an equal object again.
    """
    draw = kind.draws[case.name]
    theirs, known = _attempt(kind, keras, case)
    ours, found = _attempt(kind, lamina, case)
    if isinstance(found, Exception) or isinstance(known, Exception):
        return _both_refuse(case, found, known)
    try:
        largest = max((_difference(key, found, known, draw) for key in known), default=0.0)
        if hasattr(ours, "get_config"):
            _same_config(ours, theirs, draw)
    except Exception as error:
        raise DisagreementError(f"{case}: {error}") from error
    return Outcome(False, largest)


def _attempt(kind: Kind, library: Any, case: Case) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning is no refusal
        try:
            return kind.program(library, case)
        except Exception as error:
            return None, error


def _both_refuse(case: Case, found: Any, known: Any) -> Outcome:
    if not isinstance(known, Exception):
        last = traceback.extract_tb(found.__traceback__)[-1]
        where = f"in {last.name}: {last.line}"
        raise DisagreementError(f"{case}: only Lamina refuses it: {found!r} ({where})")
    if not isinstance(found, Exception):
        raise DisagreementError(f"{case}: only Keras refuses it: {str(known)[:300]!r}")
    if not isinstance(found, (ValueError, TypeError)):
        raise DisagreementError(f"{case}: Lamina's refusal is no ValueError: {found!r}")
    return Outcome(True)


def _difference(key: str, found: dict[str, Any], known: dict[str, Any], draw: Draw) -> float:
    ours, theirs = leaves(found[key]), leaves(known[key])
    assert len(ours) == len(theirs), f"{key}: {len(ours)} values, Keras has {len(theirs)}"
    largest = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        if not isinstance(other, np.ndarray):
            assert mine == other, f"{key}: {mine!r}, Keras has {other!r}"
            continue
        assert isinstance(mine, np.ndarray), f"{key}: {mine!r}, Keras has {other!r}"
        assert (mine.shape, mine.dtype) == (other.shape, other.dtype), (
            f"{key}: {mine.dtype}{mine.shape}, Keras has {other.dtype}{other.shape}"
        )
        if not draw.drawn:
            apart = relative(mine, other)
            assert apart <= draw.tolerance, f"{key}: {apart:.1e} apart: {mine}, Keras has {other}"
            largest = max(largest, apart)
    return largest


def relative(mine: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, as a part of the largest value, or of 0.1 where all are smaller."""
    mine, other = mine.astype("float64"), other.astype("float64")
    finite = np.isfinite(other)
    if not np.array_equal(mine[~finite], other[~finite], equal_nan=True):
        return np.inf
    mine, other = mine[finite], other[finite]
    if not np.isfinite(mine).all():
        return np.inf
    if not other.size:
        return 0.0
    return float(np.abs(mine - other).max() / max(np.abs(other).max(), 0.1))


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for one in tree for leaf in leaves(one)]
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    return [tree]


def plain(config: Any, unlike: frozenset[str]) -> Any:
    """A config as JSON reads it, without the counters in names and what may be unlike."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cleaned(one) for key, one in value.items() if key not in unlike}
        if isinstance(value, list):
            return [cleaned(one) for one in value]
        return re.sub(r"_\d+$", "", value) if isinstance(value, str) else value

    return cleaned(json.loads(json.dumps(config)))


def _apart(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where our config is not Keras's; it may have more, and numbers may have been in float32."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [
            line for key in theirs for line in _apart(ours.get(key), theirs[key], f"{path}.{key}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        return [
            line
            for place, pair in enumerate(zip(ours, theirs, strict=True))
            for line in _apart(*pair, f"{path}[{place}]")
        ]
    numeric = isinstance(ours, float) and isinstance(theirs, float)
    same = np.isclose(ours, theirs, rtol=1e-6) if numeric else ours == theirs
    return [] if same else [f"{path[1:]} is {ours!r}, Keras's {theirs!r}"]


def _same_config(ours: Any, theirs: Any, draw: Draw) -> None:
    """All that Keras writes we write as Keras does, and from our config comes an equal object."""
    config, known = (plain(one.get_config(), draw.unlike) for one in (ours, theirs))
    lines = _apart(config, known)
    assert not lines, f"config: {'; '.join(lines)}"
    if draw.rebuilt:
        again = type(ours).from_config(ours.get_config())
        built = frozenset({"build_config"})  # of inner layers, which are not built again here
        assert plain(again.get_config(), built) == plain(ours.get_config(), built), (
            f"config: {ours.get_config()} makes {again.get_config()}"
        )
