"""Every op compiled, mapped, symbolically and differentiated, on every backend."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
import lamina.backend
from lamina import ops
from lamina.models.graph import Graph
from lamina.symbolic import KerasTensor
from tests.ops.calls import flat
from tests.ops.cases import TABLE
from tests.ops.known import GRADIENTS
from tests.ops.properties import function_of, made_of
from tests.ops.table import Case
from tests.ops.trials import BACKENDS, PAIRS, foreseen, on

# PyTorch says so of ops that it maps one by one.
pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),
]
# Cases of an op in the quick form; `make test-all` has the rest of them.
FEW = 1


def _marks(name: str, backend: str) -> list:
    reason = GRADIENTS.get((name, backend))
    return [pytest.mark.xfail(reason=reason, strict=True)] if reason else []


MORE = [pair for pair in PAIRS if len(TABLE[pair.values[0]]) > FEW]
SMOOTH = {
    name: [case for case in cases if case.differentiable() and case.sized]
    for name, cases in TABLE.items()
}
DIFFERENTIABLE = [
    pytest.param(name, backend, id=f"{name}-{backend}", marks=_marks(name, backend))
    for name, cases in SMOOTH.items()
    for backend in BACKENDS
    if backend != "numpy" and cases
]
MORE_DIFFERENTIABLE = [pair for pair in DIFFERENTIABLE if len(SMOOTH[pair.values[0]]) > FEW]


@pytest.mark.parametrize(("name", "backend"), PAIRS)
def test_it_runs_compiled_mapped_and_symbolically(name, backend):
    _run(name, backend, TABLE[name][:FEW])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "backend"), MORE)
def test_the_rest_runs_compiled_mapped_and_symbolically(name, backend):
    _run(name, backend, TABLE[name][FEW:])


def _run(name: str, backend: str, cases: list[Case]) -> None:
    """The results are those of calling the op as it is."""
    function = function_of(name)

    def results(call, leaves):
        args, kwargs = call.arguments(leaves)
        return flat(function(*args, **kwargs))

    with on(backend):
        for case in cases:
            dtype = next(one for one in ("float32", "int32", "bool") if one in case.dtypes)
            call, other = made_of(case, dtype, 1), made_of(case, dtype, 101)
            eager = results(call, call.leaves)
            if not call.leaves:
                compiled = lamina.jit(lambda call=call: results(call, []))()
                assert same(compiled, eager, case), "jit"
                continue
            symbols = [KerasTensor(one.shape, one.dtype.name) for one in call.leaves]
            if case.sized:
                outputs = results(call, symbols)
                assert same(flat(Graph(symbols, outputs)(call.leaves)), eager, case), "symbolic"
                compiled = lamina.jit(lambda leaves, call=call: results(call, leaves))
                assert same(compiled(call.leaves), eager, case), "jit"
                both = [np.stack(pair) for pair in zip(call.leaves, other.leaves, strict=True)]
                mapped = lamina.vmap(lambda *leaves, call=call: results(call, list(leaves)))(*both)
                pairs = zip(eager, results(call, other.leaves), strict=True)
                assert same(mapped, [ops.stack(pair) for pair in pairs], case), "vmap"


def same(found, expected, case: Case) -> bool:
    pairs = [
        [ops.convert_to_numpy(one) for one in pair] for pair in zip(found, expected, strict=True)
    ]
    return all(
        one.dtype == other.dtype
        and one.shape == other.shape
        and (not case.values or np.allclose(one, other, 1e-5, 1e-5, equal_nan=True))
        for one, other in pairs
    )


@pytest.mark.parametrize(("name", "backend"), DIFFERENTIABLE)
def test_gradients_are_those_of_central_differences(name, backend):
    with on(backend) as active:
        for case in SMOOTH[name][:FEW]:
            _check_gradients(active, function_of(name), made_of(case, "float64", 1))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "backend"), MORE_DIFFERENTIABLE)
def test_gradients_of_the_rest(name, backend):
    with on(backend) as active:
        for case in SMOOTH[name][FEW:]:
            _check_gradients(active, function_of(name), made_of(case, "float64", 1))


def _check_gradients(backend, function, call):
    sizes = [shape for shape, dtype in foreseen(function, call) if dtype == "float64"]
    if not sizes or not call.leaves:
        return
    weights = [np.random.default_rng(i).uniform(1, 2, size) for i, size in enumerate(sizes)]

    def loss(*leaves):
        # A matrix that has to be symmetric is the mean of any and its transpose.
        pairs = zip(leaves, call.leaves, strict=True)
        given = [(x + ops.swapaxes(x, -1, -2)) / 2 if symmetric(own) else x for x, own in pairs]
        args, kwargs = call.arguments(given)
        outputs = [one for one in flat(function(*args, **kwargs)) if ops.dtype(one) == "float64"]
        terms = [ops.sum(ops.multiply(one, w)) for one, w in zip(outputs, weights, strict=True)]
        return sum(terms[1:], start=terms[0])

    places = tuple(range(len(call.leaves)))
    gradients = backend.jit(backend.value_and_grad(loss, None, places, False))
    found = gradients(*[ops.convert_to_tensor(one, "float64") for one in call.leaves])[1]
    for one, slope in zip(found, central_differences(loss, call.leaves), strict=True):
        assert ops.dtype(one) == "float64"
        np.testing.assert_allclose(ops.convert_to_numpy(one), slope, 1e-5, 1e-6)


def symmetric(x: np.ndarray) -> bool:
    square = x.ndim > 1 and x.shape[-1] == x.shape[-2]
    return square and np.allclose(x, np.swapaxes(x, -1, -2), atol=1e-3)


def central_differences(loss, leaves: list[np.ndarray], step: float = 1e-6) -> list[np.ndarray]:
    """The slopes of a function of several arrays, by NumPy."""
    slopes = [np.zeros(one.shape) for one in leaves]
    with lamina.backend.use("numpy"):
        for slope, leaf in zip(slopes, leaves, strict=True):
            for place in np.ndindex(leaf.shape):
                value = leaf[place]
                ends = []
                for end in (value + step, value - step):
                    leaf[place] = end
                    ends.append(float(loss(*leaves)))
                leaf[place] = value
                slope[place] = (ends[0] - ends[1]) / (2 * step)
    return slopes
