"""Random numbers on every backend: their distributions against SciPy; keys in transformations."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from scipy import stats

import lamina
from lamina import ops, random
from lamina.backend import use
from lamina.core.seeds import SeedGenerator

BACKENDS = [name for name in ("numpy", "jax", "torch", "tensorflow") if find_spec(name)]
SIZE = 4000
SHAPE = (SIZE // 40, 40)
ONES = np.ones(SHAPE, "float32")
# Parameters of one number each, and ones that are broadcast along the last axis.
ALPHA = np.array([0.3, 1.0, 2.5, 40.0], "float32")
BETA = np.array([3.0, 0.5, 1.0, 7.0], "float32")
COUNTS = np.array([1.0, 7.0, 40.0, 1000.0], "float32")
CHANCES = np.array([0.5, 0.1, 0.9, 0.3], "float32")

CONTINUOUS = {
    "uniform": (lambda **o: random.uniform(SHAPE, **o), stats.uniform()),
    "uniform-range": (lambda **o: random.uniform(SHAPE, -3.0, 1.5, **o), stats.uniform(-3, 4.5)),
    "normal": (lambda **o: random.normal(SHAPE, **o), stats.norm()),
    "normal-scaled": (lambda **o: random.normal(SHAPE, 2.0, 0.5, **o), stats.norm(2, 0.5)),
    "truncated": (lambda **o: random.truncated_normal(SHAPE, **o), stats.truncnorm(-2, 2)),
    "truncated-scaled": (
        lambda **o: random.truncated_normal(SHAPE, -1.0, 3.0, **o),
        stats.truncnorm(-2, 2, -1, 3),
    ),
    "gamma": (lambda **o: random.gamma(SHAPE, 3.0, **o), stats.gamma(3)),
    "gamma-small": (lambda **o: random.gamma(SHAPE, 0.4, **o), stats.gamma(0.4)),
    "beta": (lambda **o: random.beta(SHAPE, 2.0, 5.0, **o), stats.beta(2, 5)),
    "beta-small": (lambda **o: random.beta(SHAPE, 0.5, 0.7, **o), stats.beta(0.5, 0.7)),
}
DISCRETE = {
    "randint": (lambda **o: random.randint(SHAPE, -2, 5, **o), np.arange(-2, 5), np.ones(7) / 7),
    "binomial-few": (
        lambda **o: random.binomial(SHAPE, 5.0, 0.3, **o),
        np.arange(6),
        stats.binom(5, 0.3).pmf(np.arange(6)),
    ),
    "binomial-many": (
        lambda **o: random.binomial(SHAPE, 60.0, 0.7, **o),
        np.arange(61),
        stats.binom(60, 0.7).pmf(np.arange(61)),
    ),
    "dropout": (
        lambda seed: random.dropout(ONES, 0.2, seed=seed),
        np.array([0, 1.25]),
        np.array([0.2, 0.8]),
    ),
    "dropout-halves": (
        lambda seed: random.dropout(ONES.astype("float16"), 0.5, seed=seed),
        np.array([0, 2.0]),
        np.array([0.5, 0.5]),
    ),
}
LOGITS = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-30]], "float32"))


@pytest.fixture(params=BACKENDS)
def backend(request):
    with use(request.param) as active:
        yield active


pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("backend")]


def drawn(make, **options) -> np.ndarray:
    return ops.convert_to_numpy(make(seed=11, **options)).astype("float64")


def fits(counts: np.ndarray, shares: np.ndarray) -> bool:
    """Whether counts are as probable as the shares say: chi-square, rare values put together."""
    expected = shares * counts.sum()
    often = expected >= 5
    seen, wanted = counts[often], expected[often]
    if not often.all():
        seen = np.append(seen, counts[~often].sum())
        wanted = np.append(wanted, expected[~often].sum())
    if wanted[-1] < 1e-3:
        assert seen[-1] == 0
        seen, wanted = seen[:-1], wanted[:-1]
    return stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue > 1e-3


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_continuous_distribution_is_the_one_of_its_name(name):
    make, distribution = CONTINUOUS[name]
    x = drawn(make)
    assert x.shape == SHAPE
    assert stats.kstest(x.ravel(), distribution.cdf).pvalue > 1e-3
    low, high = distribution.support()
    assert x.min() >= low and x.max() <= high


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_halves_are_of_the_distribution_rounded(name, dtype):
    make, distribution = CONTINUOUS[name]
    x = drawn(make, dtype=dtype)
    assert np.isfinite(x).all()
    # Rounding moves a number by at most this share of it, and so the distribution function.
    step = 2.0 ** (-10 if dtype == "float16" else -7)
    points = np.quantile(x, np.linspace(0.02, 0.98, 25))
    shares = np.array([np.mean(x <= point) for point in points])
    slack = 4 * np.sqrt(0.25 / SIZE)
    width = np.abs(points) * step
    assert np.all(shares >= distribution.cdf(points - width) - slack)
    assert np.all(shares <= distribution.cdf(points + width) + slack)


@pytest.mark.parametrize("name", DISCRETE)
def test_a_discrete_distribution_is_the_one_of_its_name(name):
    make, values, shares = DISCRETE[name]
    x = drawn(make)
    counts = np.array([np.sum(x == value) for value in values])
    assert counts.sum() == x.size == SIZE
    assert fits(counts, shares)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64"])
def test_integers_of_every_type(backend, dtype):
    x = drawn(lambda **o: random.randint(SHAPE, 0, 100, **o), dtype=dtype)
    assert fits(np.bincount(x.ravel().astype(int), minlength=100), np.ones(100) / 100)
    made = random.randint((2,), 0, 100, dtype=dtype, seed=1)
    assert ops.dtype(made) == backend.canonical(dtype)
    assert ops.dtype(random.uniform((2,), 0, 100, dtype=dtype, seed=1)) == backend.canonical(dtype)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("int8", -128, 127),
        ("uint8", 0, 255),
        ("int32", -(2**31), 2**31 - 1),
        ("int32", 0, 2**31 - 1),
    ],
)
def test_integers_over_the_whole_range_of_the_type(dtype, low, high):
    x = drawn(lambda **o: random.randint(SHAPE, low, high, **o), dtype=dtype)
    assert x.min() >= low and x.max() < high
    assert stats.kstest(x.ravel(), stats.randint(low, high).cdf).pvalue > (
        1e-3 if high > 1000 else 0  # a step of the function is too high for this test
    )
    assert abs(x.mean() - (low + high - 1) / 2) < 5 * (high - low) / np.sqrt(12 * SIZE)


def test_parameters_are_broadcast():
    shape = (SIZE, 4)
    gamma = drawn(lambda **o: random.gamma(shape, ALPHA, **o))
    beta = drawn(lambda **o: random.beta(shape, ALPHA, BETA, **o))
    binomial = drawn(lambda **o: random.binomial(shape, COUNTS, CHANCES, **o))
    for i in range(4):
        assert stats.kstest(gamma[:, i], stats.gamma(ALPHA[i]).cdf).pvalue > 1e-3
        assert stats.kstest(beta[:, i], stats.beta(ALPHA[i], BETA[i]).cdf).pvalue > 1e-3
        values = np.arange(int(COUNTS[i]) + 1)
        counts = np.bincount(binomial[:, i].astype(int), minlength=len(values))
        assert fits(counts, stats.binom(int(COUNTS[i]), CHANCES[i]).pmf(values))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_categories_are_drawn_as_often_as_the_logits_say(backend, dtype):
    x = random.categorical(LOGITS, SIZE, dtype=dtype, seed=3)
    assert ops.dtype(x) == backend.canonical(dtype)
    for row, logits in zip(ops.convert_to_numpy(x), LOGITS, strict=True):
        assert fits(np.bincount(row, minlength=3), np.exp(logits, dtype="float64"))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_every_order_is_as_probable(axis):
    generator = SeedGenerator(4)
    x = np.arange(3)[:, None] if axis == 0 else np.arange(3)[None]
    drawn = [ops.convert_to_numpy(random.shuffle(x, axis, generator)).ravel() for _ in range(600)]
    places = np.array([int(a * 9 + b * 3 + c) for a, b, c in drawn])
    counts = np.unique(places, return_counts=True)[1]
    assert len(counts) == 6 and fits(counts, np.ones(6) / 6)


def test_the_mask_of_dropout_has_the_shape_asked_for():
    x = ops.convert_to_numpy(random.dropout(np.ones((400, 5, 3), "float32"), 0.3, (None, 1, 3), 5))
    assert np.all(x == x[:, :1])
    assert fits(np.bincount((x[:, 0] > 0).ravel().astype(int)), np.array([0.3, 0.7]))


def test_keys_that_follow_each_other_give_unrelated_numbers():
    generator = SeedGenerator(8)
    rows = [ops.convert_to_numpy(random.normal((1000,), seed=generator)) for _ in range(20)]
    rows += [ops.convert_to_numpy(random.normal((1000,), seed=seed)) for seed in range(100, 120)]
    related = np.corrcoef(rows) - np.eye(40)
    assert np.abs(related).max() < 5 / np.sqrt(1000)
    assert stats.kstest(np.ravel(rows), "norm").pvalue > 1e-3


# Keys in transformations ------------------------------------------------------------------


def fresh(generator):
    return random.uniform((4,), seed=generator)


def eager(seed: int, count: int) -> list[list[float]]:
    generator = SeedGenerator(seed)
    return [ops.convert_to_numpy(fresh(generator)).tolist() for _ in range(count)]


def distinct(rows) -> bool:
    numbers = np.ravel([ops.convert_to_numpy(row) for row in rows])
    return len(np.unique(numbers)) == numbers.size


def test_compiled_draws_are_those_of_eager_ones():
    generator = SeedGenerator(5)
    draw = lamina.jit(lambda: (fresh(generator), fresh(generator)))
    rows = [ops.convert_to_numpy(one).tolist() for _ in range(3) for one in draw()]
    np.testing.assert_allclose(rows, eager(5, 6), rtol=1e-6)
    assert generator.state.numpy().tolist() == [5, 6]


def test_each_step_of_a_scan_draws_anew():
    generator = SeedGenerator(6)

    def steps():
        return ops.scan(lambda c, x: (c + x, fresh(generator)), 0.0, np.ones(5, "float32"))[1]

    first = ops.convert_to_numpy(steps())
    second = ops.convert_to_numpy(lamina.jit(steps)())
    assert distinct([first, second])
    assert generator.state.numpy().tolist() == [6, 10]


def test_each_call_of_a_mapped_function_draws_anew():
    generator = SeedGenerator(7)
    mapped = lamina.vmap(lambda x: x + fresh(generator))
    x = np.zeros((3, 4), "float32")
    first, second = (ops.convert_to_numpy(mapped(x)) for _ in range(2))
    assert distinct([first[0], second[0]])
    assert np.array_equal(first[0], first[1])  # one key, and so one draw, for all elements
    assert generator.state.numpy().tolist() == [7, 2]


@pytest.mark.parametrize("name", ["gamma", "beta", "binomial-many", "normal", "randint"])
def test_mapped_draws_are_of_the_distribution(name):
    make = {**CONTINUOUS, **DISCRETE}[name][0]
    generator = SeedGenerator(9)
    mapped = lamina.vmap(lambda x: x + ops.cast(make(seed=generator), x.dtype))
    x = ops.convert_to_numpy(mapped(np.zeros((1, 1), "float32"))).ravel()
    if name in CONTINUOUS:
        assert stats.kstest(x, CONTINUOUS[name][1].cdf).pvalue > 1e-3
    else:
        _, values, shares = DISCRETE[name]
        assert fits(np.array([np.sum(x == value) for value in values]), shares)


def test_a_branch_draws_anew():
    generator = SeedGenerator(8)

    def step(chosen):
        return ops.cond(chosen, lambda: fresh(generator), lambda: fresh(generator) + 1)

    rows = [step(True), step(False), lamina.jit(step)(ops.convert_to_tensor(True)), step(True)]
    assert distinct(rows)
    assert generator.state.numpy().tolist() == [8, 4]


def test_a_loop_draws_anew():
    generator = SeedGenerator(3)

    def body(i, total):
        return i + 1, total + fresh(generator)

    first = ops.while_loop(lambda i, _: i < 3, body, (0, np.zeros(4, "float32")))[1]
    np.testing.assert_allclose(ops.convert_to_numpy(first), np.sum(eager(3, 3), 0), rtol=1e-5)
    assert generator.state.numpy().tolist() == [3, 3]


def test_a_restored_state_goes_on_as_the_saved_one():
    generator, other = SeedGenerator(5), SeedGenerator(99)
    draw = lamina.jit(lambda: fresh(generator))
    for _ in range(3):
        draw()
    saved = generator.state.numpy()
    ahead = [ops.convert_to_numpy(draw()).tolist() for _ in range(3)]
    other.state.assign(saved)
    generator.state.assign(saved)
    again = [ops.convert_to_numpy(draw()).tolist() for _ in range(3)]
    elsewhere = [ops.convert_to_numpy(fresh(other)).tolist() for _ in range(3)]
    assert again == ahead
    np.testing.assert_allclose(elsewhere, ahead, rtol=1e-6)
    assert ahead == eager(5, 6)[3:] or np.allclose(ahead, eager(5, 6)[3:], rtol=1e-6)


# The same numbers on every backend ----------------------------------------------------------
