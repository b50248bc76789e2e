"""Control flow on tensors, on symbolic tensors, and with variables assigned inside."""

import importlib.util

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.backend.config import FRAMEWORKS
from lamina.core.variable import Variable
from lamina.symbolic import KerasTensor

NAMES = [name for name, module in FRAMEWORKS.items() if importlib.util.find_spec(module)]


def numbers(x):
    return ops.convert_to_numpy(x).tolist()


@pytest.fixture(params=NAMES)
def backend(request):
    with use(request.param) as active:
        yield active


def test_cond_takes_one_branch(backend):
    one, two = ops.convert_to_tensor(1), ops.convert_to_tensor(2)
    for pred, expected in ((True, 1), (False, 2), (np.array(3), 1)):
        assert numbers(ops.cond(pred, lambda: one, lambda: two)) == expected


def test_cond_keeps_assignments(backend):
    v = Variable(0.0)
    ops.cond(ops.convert_to_tensor(True), lambda: v.assign(2.0), lambda: v.assign(3.0))
    assert v.numpy() == 2.0


def test_switch_clips_its_index(backend):
    branches = [lambda x: x + 1, lambda x: x * 10]
    for index, expected in ((0, 4), (1, 30), (5, 30)):
        assert numbers(ops.switch(index, branches, 3)) == expected


def test_while_loop_keeps_the_structure(backend):
    result = ops.while_loop(lambda i, x: i < 3, lambda i, x: [i + 1, x * 2.0], [0, 1.0])
    assert isinstance(result, list) and [numbers(x) for x in result] == [3, 8.0]
    assert numbers(ops.while_loop(lambda i: i < 10, lambda i: i + 1, 0, maximum_iterations=4)) == 4


def test_scan_both_ways(backend):
    xs = ops.convert_to_tensor([1, 2, 3])
    total, sums = ops.scan(lambda a, x: (a + x, a), 0, xs)
    assert (numbers(total), numbers(sums)) == (6, [0, 1, 3])
    total, sums = ops.scan(lambda a, x: (a + x, a), 0, xs, reverse=True)
    assert (numbers(total), numbers(sums)) == (6, [5, 3, 0])
    assert numbers(ops.scan(lambda a, _: (a * 2, ()), 1, length=5)[0]) == 32


def test_scan_refuses_different_lengths():
    with pytest.raises(ValueError, match="same length"):
        ops.scan(lambda c, x: (c, c), 0, (np.ones(3), np.ones(4)))
    with pytest.raises(ValueError, match="needs `xs`"):
        ops.scan(lambda c, x: (c, c), 0)


def test_map_and_vectorized_map(backend):
    xs = ops.convert_to_tensor([1.0, 2.0])
    assert numbers(ops.map(lambda x: x * x, xs)) == [1.0, 4.0]
    assert numbers(ops.vectorized_map(lambda pair: pair[0] + pair[1], (xs, xs))) == [2.0, 4.0]


def test_fori_loop_with_numbers_and_tensors(backend):
    for bounds in ((1, 4), (ops.convert_to_tensor(1), ops.convert_to_tensor(4))):
        assert numbers(ops.fori_loop(*bounds, lambda i, total: total + i, 0)) == 6


def test_fori_loop_has_a_gradient():
    gradient = lamina.grad(lambda x: ops.fori_loop(0, 3, lambda i, y: y * x, 1.0))
    assert float(gradient(2.0)) == 12.0


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_is_cumsum(backend, size, reverse):
    x = np.arange(2.0 * size, dtype="float32").reshape(2, size)
    found = ops.associative_scan(lambda a, b: a + b, x, reverse=reverse, axis=1)
    expected = np.flip(np.cumsum(np.flip(x, 1), 1), 1) if reverse else np.cumsum(x, 1)
    assert numbers(found) == expected.tolist()


def test_custom_gradient_and_stop_gradient():
    double = ops.custom_gradient(lambda x: (2 * x, lambda upstream: upstream * 7))
    assert float(lamina.grad(double)(1.0)) == 7.0
    assert float(lamina.grad(lambda x: x * ops.stop_gradient(x))(3.0)) == 3.0


def test_symbolic_results_have_the_computed_shapes():
    x = KerasTensor((None, 4))
    carry, ys = ops.scan(lambda c, row: (c + row, c), np.zeros(4, "float32"), x)
    assert (carry.shape, ys.shape) == ((4,), (None, 4))
    assert ops.map(lambda row: row[:2], x).shape == (None, 2)
    assert ops.vectorized_map(lambda row: ops.sum(row), x).shape == (None,)
    assert ops.fori_loop(0, 3, lambda i, y: y + 1.0, x).shape == (None, 4)
    assert ops.while_loop(lambda y: ops.all(y < 3.0), lambda y: y + 1.0, x).shape == (None, 4)
    assert ops.cond(KerasTensor((), "bool"), lambda: np.ones(3), lambda: np.zeros(3)).shape == (3,)
    assert ops.stop_gradient(x).shape == (None, 4)


def test_scan_is_part_of_a_compiled_function():
    v = Variable(np.zeros((), "float32"))

    def total(xs):
        def step(carry, x):
            v.assign(v.value + x)
            return carry + x, ()

        return ops.scan(step, 0.0, xs)[0]

    assert float(current().jit(total)(np.ones(3, "float32"))) == 3.0
    assert v.numpy() == 3.0


def test_loops_over_nothing(backend):
    empty = ops.zeros((0, 2))
    total, ys = ops.scan(lambda a, row: (a + ops.sum(row), row), 0.0, empty)
    assert (numbers(total), ys.shape) == (0.0, (0, 2))
    assert ops.map(lambda row: ops.sum(row), empty).shape == (0,)


@pytest.mark.parametrize("unroll", [0, -1, "all", 1.5])
def test_unroll_is_a_number_of_steps(backend, unroll):
    with pytest.raises(ValueError, match="unroll is"):
        ops.scan(lambda a, x: (a, x), 0.0, np.ones(3, "float32"), unroll=unroll)


def test_different_lengths_are_refused_alike(backend):
    pair = (np.ones(3, "float32"), np.ones(1, "float32"))
    for call in (
        lambda: ops.vectorized_map(lambda pair: pair[0], pair),
        lambda: ops.associative_scan(lambda a, b: a, pair),
        lambda: ops.map(lambda pair: pair[0], pair),
    ):
        with pytest.raises(ValueError, match="same length"):
            call()


def test_conditions_are_scalars_and_indices_integers(backend):
    with pytest.raises(ValueError, match=r"tensor of shape \(2,\)"):
        ops.cond(ops.convert_to_tensor([True, False]), lambda: 1, lambda: 2)
    with pytest.raises(TypeError, match="is an integer"):
        ops.switch(1.0, [lambda: 1, lambda: 2])


def test_a_mapped_function_may_return_a_number(backend):
    assert numbers(ops.vectorized_map(lambda x: 2.0, np.ones(3, "float32"))) == [2.0] * 3
