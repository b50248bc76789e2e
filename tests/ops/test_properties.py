"""Every op on every backend and in every type: what Hypothesis draws, against the exact answer."""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import lamina
import lamina.backend
from lamina import ops
from lamina.ops.op_call import rows
from tests.ops.calls import Hole, flat, specs
from tests.ops.cases import ILL_CONDITIONED, TABLE
from tests.ops.exact import exact
from tests.ops.known import VALUES, expected
from tests.ops.properties import (
    BATCH,
    DTYPES,
    Call,
    calls,
    disagreements,
    function_of,
    in_type,
    widened,
)
from tests.ops.table import Case
from tests.ops.trials import BACKENDS, PAIRS, foreseen, on

T = TypeVar("T")
pytestmark = pytest.mark.every_backend
# Types of the quick form.
USUAL = ("bool", "int32", "bfloat16", "float32")


@dataclass
class Tried:
    """Calls of one case of an op in one type, on whatever backend."""

    name: str
    case: Case
    dtype: str
    calls: list[Call]

    @functools.cached_property
    def answers(self) -> list[Any]:
        """The exact results of the calls."""
        return exact(self.name, [widened(rows[self.name], call) for call in self.calls])


def _fixed_by_compiling(leaf):
    return (leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else leaf


def _groups(tried: list[Tried]) -> list[list[Call]]:
    """The calls that are compiled together: those of any shapes, those with a Python number, and
    the first of each other case, the second, and so on, which one compiled function serves.
    """
    sized = [one for one in tried if one.case.sized]
    each = [call for one in sized if one.case.each for call in one.calls]
    fixed = [one.calls for one in sized if not one.case.each]
    split = [[call for call in each if call.has_number() is number] for number in (False, True)]
    return [group for group in (*split, *map(list, zip(*fixed, strict=True))) if group]


def _given(result: list | Exception) -> list:
    if isinstance(result, Exception):
        raise result
    return result


class Trial:
    """One op on one backend: calls with what was drawn, and what is wrong with the results."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.function = function_of(name)
        self.compiled: dict[str, Callable[..., list[list]]] = {}
        self.wrong: list[str] = []

    def run(self, tried: list[Tried]) -> None:
        """Call the op, and compare the results."""
        backend = lamina.backend.current().name
        found = self._results(tried)
        results = [self._try(self._foreseen, one, found) for one in tried]
        # Once for all: the classes of layers change with the backend, which takes milliseconds.
        with lamina.backend.use("numpy"):
            for one, result in zip(tried, results, strict=True):
                if result is not None:
                    self._try(self._compare, one, result, backend)

    def _try(self, check: Callable[..., T], tried: Tried, *args: Any) -> T | None:
        try:
            return check(tried, *args)
        except Exception as error:  # named beside what else is wrong
            self.wrong.append(f"{tried.dtype} {tried.calls[0].structure}: {error!r}"[:400])
            return None

    def _results(self, tried: list[Tried]) -> dict:
        """The results of the calls, or what was raised; on JAX those of all cases and types are
        compiled together, which takes a small part of the time.
        """
        results: dict = {}
        if lamina.backend.current().name == "jax":
            for group in _groups(tried):
                with contextlib.suppress(Exception):  # which call it is comes out below
                    found = self._compiled(group)(group)
                    results.update((id(call), one) for call, one in zip(group, found, strict=True))
        for call in [call for one in tried for call in one.calls if id(call) not in results]:
            try:
                results[id(call)] = self._result(call, call.leaves)
            except Exception as error:
                results[id(call)] = error
        return results

    def results_of(self, call: Call) -> list:
        """The results of one call, run as the others are."""
        return _given(self._results([Tried(self.name, TABLE[self.name][0], "", [call])])[id(call)])

    def _compiled(self, group: list[Call]) -> Callable[..., list[list]]:
        key = repr([(call.structure, *map(_fixed_by_compiling, call.leaves)) for call in group])
        if key not in self.compiled:

            def together(arrays: list[list]) -> list[list]:
                return [
                    self._result(call, call.with_numbers(x))
                    for call, x in zip(group, arrays, strict=True)
                ]

            compiled = lamina.jit(together)
            self.compiled[key] = lambda group: compiled([call.arrays() for call in group])
        return self.compiled[key]

    def _result(self, call: Call, leaves: list) -> list:
        args, kwargs = call.arguments(leaves)
        return flat(self.function(*args, **kwargs))

    def _foreseen(self, tried: Tried, found: dict) -> list[list] | None:
        """The results as arrays, those of the types and shapes that the rows foresee."""
        results = [_given(found[id(call)]) for call in tried.calls]
        if tried.case.sized:
            for call, result in zip(tried.calls, results, strict=True):
                predicted = foreseen(self.function, call)
                if specs(result) != predicted:
                    told = f"{predicted} was foreseen, {specs(result)} came"
                    self.wrong.append(f"{tried.dtype} {call.structure}: {told}")
        if not tried.case.values or self.name in ILL_CONDITIONED:
            return None
        return [[ops.convert_to_numpy(one) for one in result] for result in results]

    def _compare(self, tried: Tried, results: list[list], backend: str) -> None:
        for call, mine, theirs in zip(tried.calls, results, tried.answers, strict=True):
            for one, other in zip(mine, flat(theirs), strict=True):
                self.compare(tried.case, tried.dtype, call, one, other, backend)

    def compare(self, case: Case, dtype: str, call: Call, found, other, backend: str) -> None:
        if np.shape(found) != np.shape(other):
            self.wrong.append(f"{dtype}: shape {np.shape(found)}, not {np.shape(other)}")
            return
        off = disagreements(found, other, case, call)
        off = off & ~np.asarray(expected(self.name, backend, dtype, call.leaves))
        if off.any():
            place = tuple(np.argwhere(off)[0])
            given = call.leaves
            if case.each:
                args = np.broadcast_arrays(*given) if given else []
                given = [one[place].item() for one in args]
            told = f"gave {found[place]}, not {np.asarray(other)[place]}"
            self.wrong.append(f"{dtype} {call.structure}: {given} {told}")


@functools.lru_cache(maxsize=1)  # one backend after the other tries an op
def drawn(name: str, held: tuple[str, ...], batches: int) -> list[list[Tried]]:
    """Batches of operands of each type for an op, on every backend the same."""
    found: list[list[Tried]] = []
    cases = TABLE[name]

    @seed(zlib.crc32(name.encode()))
    @settings(
        max_examples=batches + 1,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # what is wrong is named element by element: no need to shrink
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data):
        each = -(-BATCH // len(cases))
        found.append(
            [
                Tried(name, case, dtype, calls(data, case, dtype, each, len(cases)))
                for dtype in held
                for case in cases
                if case.takes(dtype)
            ]
        )

    draw()
    return found[1:]  # the first of Hypothesis's examples is of zeros


def few_types(name: str) -> list[str]:
    """The usual types, and of each op one of the others that it takes."""
    others = [
        dtype
        for dtype in DTYPES
        if dtype not in USUAL and any(case.takes(dtype) for case in TABLE[name])
    ]
    another = others[zlib.crc32(name.encode()) % len(others)] if others else None
    return [dtype for dtype in DTYPES if dtype in USUAL or dtype == another]


def try_op(
    name: str, backend: str, dtypes: list[str], batches: int, optimized: bool = False
) -> None:
    """Try an op on `batches` batches of operands of each type."""
    trial = Trial(name)
    with on(backend, optimized=optimized) as active:
        held = tuple(dtype for dtype in dtypes if active.canonical(dtype) == dtype)
        for tried in drawn(name, held, batches):
            trial.run(tried)
    if trial.wrong:
        pytest.fail("\n".join(dict.fromkeys(trial.wrong)), pytrace=False)


@pytest.mark.parametrize(("name", "backend"), PAIRS)
def test_types_shapes_and_values(name, backend):
    """`make test-all` has every type."""
    try_op(name, backend, few_types(name), 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "backend"), PAIRS)
def test_types_shapes_and_values_of_many(name, backend):
    try_op(name, backend, DTYPES, 10, optimized=True)


KNOWN = [
    pytest.param(known, name, backend, id=f"{name}-{backend}")
    for known in VALUES
    for name in known.ops
    for backend in known.backends
    if backend in BACKENDS
]


@pytest.mark.parametrize(("known", "name", "backend"), KNOWN)
def test_what_is_known_still_holds(known, name, backend):
    case = TABLE[name][0]
    with on(backend, optimized=True):
        off = []
        for dtype in known.dtypes:
            leaves = [in_type(one, dtype) for one in known.example]
            call = Call([[Hole(i) for i in range(len(leaves))], known.kwargs], leaves)
            found = ops.convert_to_numpy(Trial(name).results_of(call)[0])
            theirs = flat(exact(name, [widened(rows[name], call)])[0])[0]
            off.append(disagreements(found, theirs, case, call).any())
    assert any(off), "Nothing differs any longer: take it out of the table of what is known."
