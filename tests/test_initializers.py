import math
import os

import numpy as np
import pytest

from lamina import initializers, ops
from lamina.core.registry import slots
from lamina.core.seeds import SeedGenerator, set_random_seed

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
stats = pytest.importorskip("scipy.stats")

SHAPE = (120, 80)
FIXED = {"Zeros": {}, "Ones": {}, "Constant": {"value": 2.5}, "Identity": {"gain": 3.0}}
TRANSFORMS = {"STFT": {"side": "imag", "window": "hamming", "scaling": "spectrum"}}
DRAWN = {
    "RandomNormal": {"mean": 1.0, "stddev": 0.5},
    "RandomUniform": {"minval": -2.0, "maxval": 1.0},
    "TruncatedNormal": {"mean": 1.0, "stddev": 0.5},
    "GlorotUniform": {},
    "GlorotNormal": {},
    "HeUniform": {},
    "HeNormal": {},
    "LecunUniform": {},
    "LecunNormal": {},
    "Orthogonal": {"gain": 2.0},
    "VarianceScaling": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
}
ALIASES = [
    *("zeros", "zero", "ones", "one", "identity", "IdentityInitializer"),
    *("random_normal", "normal", "random_uniform", "uniform", "truncated_normal"),
    *("orthogonal", "OrthogonalInitializer", "variance_scaling"),
    *("glorot_normal", "glorot_uniform", "he_normal", "he_uniform"),
    *("lecun_normal", "lecun_uniform", "stft", "STFT", "STFTInitializer"),
]


def numbers(initializer, shape=SHAPE):
    return np.asarray(ops.convert_to_numpy(initializer(shape)), "float64")


def test_every_class_has_a_row():
    classes = {entry.__name__ for entry in slots["initializers"].values()}
    ours = {name for name in classes if hasattr(initializers, name)}
    known = FIXED.keys() | DRAWN.keys() | {"STFT"}
    assert ours - {"Initializer", "RandomInitializer"} == known


@pytest.mark.parametrize("name", FIXED)
def test_fixed_values_are_those_of_keras(name):
    ours = getattr(initializers, name)(**FIXED[name])
    theirs = getattr(keras.initializers, name)(**FIXED[name])
    np.testing.assert_array_equal(numbers(ours, (3, 4)), np.asarray(theirs((3, 4))))


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(
    "window", ["hann", "hamming", "blackman", None, [0.5, -1.0, 2.0, 0.0, 1.0]]
)
def test_fourier_kernels_are_those_of_keras(side, window, scaling, periodic):
    for shape in ((5, 1, 5), (5, 1, 2)):
        ours = initializers.STFT(side, window, scaling, periodic)
        theirs = keras.initializers.STFT(side, window, scaling, periodic)
        np.testing.assert_allclose(numbers(ours, shape), np.asarray(theirs(shape)), 1e-5, 1e-6)
    again = initializers.deserialize(keras.initializers.serialize(theirs))
    assert again.get_config() == ours.get_config() == theirs.get_config()


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("shape", [SHAPE, (3, 3, 16, 64)])
def test_the_distribution_is_that_of_keras(name, shape):
    ours = numbers(getattr(initializers, name)(**DRAWN[name], seed=1), shape).ravel()
    theirs = np.asarray(getattr(keras.initializers, name)(**DRAWN[name], seed=2)(shape)).ravel()
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-3
    deviation = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 6 * deviation / math.sqrt(len(ours))
    assert abs(ours.std() - deviation) < 6 * deviation / math.sqrt(len(ours))
    assert abs(np.abs(ours).max() - np.abs(theirs).max()) < deviation


@pytest.mark.parametrize(
    ("initializer", "distribution"),
    [
        (initializers.RandomNormal(1.0, 0.5, seed=3), stats.norm(1.0, 0.5)),
        (initializers.RandomUniform(-2.0, 1.0, seed=3), stats.uniform(-2.0, 3.0)),
        (initializers.TruncatedNormal(0.0, 0.5, seed=3), stats.truncnorm(-2, 2, 0.0, 0.5)),
        (initializers.GlorotUniform(seed=3), stats.uniform(-math.sqrt(0.03), 2 * math.sqrt(0.03))),
    ],
)
def test_the_distribution_is_the_documented_one(initializer, distribution):
    assert stats.kstest(numbers(initializer).ravel(), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", DRAWN)
def test_a_seed_gives_the_same_numbers_and_another_seed_others(name):
    make = getattr(initializers, name)
    first = numbers(make(seed=5))
    np.testing.assert_array_equal(first, numbers(make(seed=5)))
    assert not np.array_equal(first, numbers(make(seed=6)))


def test_without_a_seed_one_is_drawn_when_the_initializer_is_made():
    one, other = initializers.GlorotUniform(), initializers.GlorotUniform()
    np.testing.assert_array_equal(numbers(one), numbers(one))
    assert not np.array_equal(numbers(one), numbers(other))
    assert one.clone().seed != one.seed


def test_the_random_seed_of_the_process_decides():
    set_random_seed(3)
    first = numbers(initializers.get("he_normal"))
    set_random_seed(3)
    np.testing.assert_array_equal(first, numbers(initializers.get("he_normal")))


def test_a_generator_gives_other_numbers_each_time():
    make = initializers.RandomNormal(seed=SeedGenerator(1))
    assert not np.array_equal(numbers(make), numbers(make))
    again = initializers.deserialize(initializers.serialize(make))
    assert isinstance(again.seed, SeedGenerator) and again.seed.seed == 1


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 3, 5)])
def test_orthogonal_is_orthogonal(shape):
    matrix = numbers(initializers.Orthogonal(seed=1), shape).reshape(-1, shape[-1])
    small = min(matrix.shape)
    product = matrix.T @ matrix if matrix.shape[1] == small else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(small), atol=1e-6)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("shape", [(), (7,), (4, 6), (3, 3, 8, 16)])
@pytest.mark.parametrize("axes", [{}, {"input_axes": (0,), "output_axes": (-1,)}])
def test_the_fans_are_those_of_keras(mode, shape, axes):
    if axes and not shape:
        pytest.skip("a scalar has no axes")

    def limit(module):
        draws = [
            module.VarianceScaling(1.0, mode, "uniform", seed=seed, **axes)(shape)
            for seed in range(1 if len(shape) > 2 else 40)
        ]
        return max(np.abs(np.asarray(draw)).max() for draw in draws)

    assert limit(initializers) == pytest.approx(limit(keras.initializers), rel=0.15)


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_are_those_of_keras(alias):
    assert type(initializers.get(alias)).__name__ == type(keras.initializers.get(alias)).__name__


@pytest.mark.parametrize("name", DRAWN | FIXED)
def test_configs_pass_between_here_and_keras(name):
    arguments = (DRAWN | FIXED)[name]
    ours = getattr(initializers, name)(**arguments)
    theirs = getattr(keras.initializers, name)(**arguments)
    wanted = theirs.get_config()
    assert {key: ours.get_config()[key] for key in wanted} == wanted
    assert initializers.serialize(ours)["module"] == "keras.initializers"
    assert type(keras.initializers.deserialize(initializers.serialize(ours))).__name__ == name
    again = initializers.deserialize(keras.initializers.serialize(theirs))
    assert type(again) is type(ours)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", DRAWN | FIXED)
def test_the_type_asked_for_comes(name, dtype):
    value = getattr(initializers, name)()((3, 3), dtype=dtype)
    assert ops.dtype(value) == dtype and ops.shape(value) == (3, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: initializers.VarianceScaling(scale=0),
        lambda: initializers.VarianceScaling(scale=math.nan),
        lambda: initializers.VarianceScaling(mode="fan"),
        lambda: initializers.VarianceScaling(distribution="cauchy"),
        lambda: initializers.RandomNormal(seed="one"),
        lambda: initializers.RandomNormal(seed=1.5),
        lambda: initializers.RandomNormal()((2,), dtype="int32"),
        lambda: initializers.Orthogonal()((3,)),
        lambda: initializers.Identity()((3, 3, 3)),
        lambda: initializers.get("no_such_thing"),
        lambda: initializers.get(3),
        lambda: initializers.STFT("both"),
        lambda: initializers.STFT(scaling="none"),
        lambda: initializers.STFT(window="no_such_window"),
        lambda: initializers.STFT(window=[1.0, 2.0])((3, 1, 4)),
        lambda: initializers.STFT()((4, 4)),
        lambda: initializers.STFT()((4, 1, 1)),
        lambda: initializers.STFT()((2, 1, 3)),
        lambda: initializers.STFT()((4, 1, 3), dtype="int32"),
    ],
)
def test_mistakes_are_refused(call):
    with pytest.raises(ValueError) as error:
        call()
    assert len(str(error.value)) <= 600


def test_functions_and_classes_are_taken():
    assert initializers.get(None) is None
    assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)
    function = initializers.get(lambda shape, dtype=None: ops.ones(shape, dtype))
    assert function((2,)).shape == (2,)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"side": "imag"},
        {"window": None},
        {"window": "hamming", "scaling": "spectrum"},
        {"window": "tukey", "scaling": None},
        {"periodic": True},
        {"window": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]},
    ],
)
@pytest.mark.parametrize("frequencies", [5, 3, 9])
def test_the_transform_is_that_of_keras(options, frequencies):
    shape = (8, 1, frequencies)
    ours, theirs = (module.STFT(**options) for module in (initializers, keras.initializers))
    np.testing.assert_allclose(numbers(ours, shape), np.asarray(theirs(shape)), atol=1e-6)
    assert initializers.serialize(ours) == keras.initializers.serialize(theirs)
    again = initializers.deserialize(initializers.serialize(ours))
    assert numbers(again, shape).tolist() == numbers(ours, shape).tolist()


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"side": "x"}, (8, 1, 5), "side is"),
        ({"window": "x"}, (8, 1, 5), "window name 'x'"),
        ({"scaling": "x"}, (8, 1, 5), "scaling is"),
        ({"window": [1.0, 2.0]}, (8, 1, 5), "kernel needs"),
        ({}, (8, 5), "kernels of shape"),
    ],
)
def test_transforms_that_are_none(options, shape, message):
    with pytest.raises(ValueError, match=message):
        initializers.STFT(**options)(shape)


def test_an_array_stands_for_itself():
    kernel = np.arange(6.0).reshape(3, 2)
    for given in (kernel, ops.convert_to_tensor(kernel, "float32")):
        assert numbers(initializers.get(given), (3, 2)).tolist() == kernel.tolist()
    with pytest.raises(ValueError, match=r"weight of shape \(2, 2\)"):
        initializers.get(kernel)((2, 2))
