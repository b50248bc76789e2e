"""Random tensors: distributions, repeatability, and the seeds behind them."""

import random as python_random

import numpy as np
import pytest

from lamina import ops, random
from lamina.backend import current, use
from lamina.core import seeds
from lamina.core.seeds import SeedGenerator, draw_seed, host_generator, set_random_seed
from lamina.symbolic import KerasTensor

DRAWS = {
    "uniform": (lambda seed: random.uniform((400, 50), -1.0, 3.0, seed=seed), 1.0, 16 / 12),
    "normal": (lambda seed: random.normal((400, 50), 1.0, 2.0, seed=seed), 1.0, 4.0),
    "truncated": (lambda seed: random.truncated_normal((400, 50), seed=seed), 0.0, 0.774),
    "randint": (lambda seed: random.randint((400, 50), 0, 5, seed=seed), 2.0, 2.0),
    "gamma": (lambda seed: random.gamma((400, 50), 3.0, seed=seed), 3.0, 3.0),
    "beta": (lambda seed: random.beta((400, 50), 2.0, 2.0, seed=seed), 0.5, 0.05),
    "binomial": (lambda seed: random.binomial((400, 50), 10.0, 0.3, seed=seed), 3.0, 2.1),
    "dropout": (lambda s: random.dropout(np.ones((400, 50), "float32"), 0.2, seed=s), 1.0, 0.25),
}


@pytest.fixture(params=[current().name, "numpy"])
def backend(request):
    with use(request.param) as active:
        yield active


@pytest.mark.parametrize("name", DRAWS)
def test_moments_and_repeatability(backend, name):
    draw, mean, variance = DRAWS[name]
    x = ops.convert_to_numpy(draw(11)).astype("float64")
    assert x.shape == (400, 50)
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / x.size)
    assert abs(x.var() / variance - 1) < 0.06
    assert np.array_equal(x, ops.convert_to_numpy(draw(11)))
    assert not np.array_equal(x, ops.convert_to_numpy(draw(12)))
    assert abs(np.corrcoef(x.ravel()[1:], x.ravel()[:-1])[0, 1]) < 0.03


def test_dropout_masks_of_one_generator_are_unrelated(backend):
    generator = SeedGenerator(3)
    ones = np.ones(4000, "float32")
    masks = [ops.convert_to_numpy(random.dropout(ones, 0.5, seed=generator)) for _ in range(8)]
    assert np.abs(np.corrcoef(masks) - np.eye(8)).max() < 0.08


def test_dropout_broadcasts_its_mask(backend):
    x = ops.convert_to_numpy(random.dropout(np.ones((50, 6), "float32"), 0.5, (None, 1), seed=1))
    assert np.all((x == x[:, :1]) & ((x == 0) | (x == 2)))
    assert set(np.unique(x)) == {0.0, 2.0}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtypes(backend, dtype):
    for draw in (random.uniform, random.normal, random.truncated_normal):
        assert ops.dtype(draw((3,), dtype=dtype, seed=1)) == dtype


def test_uniform_stays_below_its_bound(backend):
    x = ops.convert_to_numpy(random.uniform((100_000,), dtype="float16", seed=1))
    assert x.min() >= 0 and x.max() < 1


def test_categorical_follows_the_logits(backend):
    logits = np.log(np.array([[0.1, 0.9], [0.5, 0.5]], "float32"))
    drawn = ops.convert_to_numpy(random.categorical(logits, 4000, seed=5))
    assert drawn.shape == (2, 4000) and np.abs(drawn.mean(1) - [0.9, 0.5]).max() < 0.04


def test_shuffle_permutes_one_axis(backend):
    x = np.arange(40).reshape(2, 20)
    y = ops.convert_to_numpy(random.shuffle(x, axis=1, seed=1))
    assert not np.array_equal(x, y) and np.array_equal(np.sort(y, 1), x)


def test_a_generator_counts(backend):
    generator = SeedGenerator(-1)
    keys = [ops.convert_to_numpy(generator.next()).tolist() for _ in range(2)]
    assert keys == [[2**32 - 1, 0], [2**32 - 1, 1]]
    assert ops.convert_to_numpy(draw_seed(4)).tolist() == [4, 0]


def test_a_generator_is_made_again_from_its_config():
    generator = SeedGenerator(5, name="noise")
    assert generator.get_config() == {"seed": 5, "name": "noise"}
    assert SeedGenerator.from_config(generator.get_config()).seed == 5
    assert generator.state.path == "noise/seed_generator_state"


def test_shape_inference_draws_nothing():
    generator = SeedGenerator(5)
    x = KerasTensor((None, 3))
    assert random.dropout(x, 0.5, seed=generator).shape == (None, 3)
    assert random.shuffle(x, seed=generator).shape == (None, 3)
    assert random.categorical(x, 7, seed=generator).shape == (None, 7)
    assert generator.state.numpy().tolist() == [5, 0]


def test_compiled_functions_draw_anew_each_time():
    generator = SeedGenerator(5)
    draw = current().jit(lambda: random.normal((3,), seed=generator))
    first, second = (ops.convert_to_numpy(draw()) for _ in range(2))
    assert not np.array_equal(first, second)
    assert generator.state.numpy().tolist() == [5, 2]


def test_set_random_seed_repeats_everything():
    def everything():
        set_random_seed(9)
        drawn = [random.normal((2,)), random.uniform((2,)), SeedGenerator().next()]
        return [ops.convert_to_numpy(x).tolist() for x in drawn] + [np.random.random()]

    assert everything() == everything()


def test_a_framework_that_draws_when_it_is_imported_changes_no_seed(monkeypatch):
    def importing(seed=None, made=seeds._global_generator):
        python_random.random()
        return made(seed)

    monkeypatch.setattr(seeds, "_global_generator", importing)
    set_random_seed(9)
    assert python_random.random() == python_random.Random(9).random()


def test_the_host_generator_is_the_same_on_every_backend():
    values = []
    for name in (current().name, "numpy"):
        with use(name):
            generator = SeedGenerator(2)
            values.append([host_generator(generator).normal() for _ in range(2)])
    assert values[0] == values[1] and values[0][0] != values[0][1]


@pytest.mark.parametrize("seed", ["a", 1.5, True])
def test_a_seed_of_another_type_is_refused(seed):
    with pytest.raises(ValueError, match="A seed is an integer"):
        random.normal((2,), seed=seed)


def test_wrong_dtypes_are_refused():
    with pytest.raises(ValueError, match="draws floats"):
        random.normal((2,), dtype="int32")
    with pytest.raises(ValueError, match="draws integers"):
        random.randint((2,), 0, 3, dtype="float32")
