"""Activations, normalization, cross-entropy, encodings, attention: against Keras and NumPy."""

import jax
import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(0)
X = (3 * RNG.normal(size=(2, 3, 4))).astype("float32")
POSITIVE = np.abs(X) + 0.1
PROBABILITIES = POSITIVE / POSITIVE.sum(-1, keepdims=True)
FEATURES = RNG.normal(size=(4, 4)).astype("float32")
IMAGES = RNG.normal(size=(2, 5, 4, 8)).astype("float32")
SOURCES = RNG.normal(size=(2, 6, 2, 8)).astype("float32")
MASK = RNG.random((2, 1, 5, 5)) < 0.6
MASK[0, 0, 0] = False

ACTIVATIONS = [
    "celu",
    "elu",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "glu",
]
CASES = [(name, (X,), {}) for name in ACTIVATIONS] + [
    ("celu", (X, 0.7), {}),
    ("elu", (X, 0.7), {}),
    ("gelu", (X,), {"approximate": False}),
    ("glu", (np.moveaxis(X, -1, 1),), {"axis": 1}),
    ("hard_shrink", (X, 1.0), {}),
    ("soft_shrink", (X, 1.0), {}),
    ("leaky_relu", (X,), {"negative_slope": 0.1}),
    ("squareplus", (X,), {"b": 2.0}),
    ("threshold", (X, 0.5, -1.0), {}),
    ("softmax", (X,), {"axis": (1, 2)}),
    ("softmax", (X,), {"axis": None}),
    ("log_softmax", (X,), {"axis": 1}),
    ("sparsemax", (X,), {"axis": 1}),
    ("one_hot", (np.array([[0, 3], [-1, 2]]), 3), {}),
    ("one_hot", (np.array([[0, 3], [-1, 2]]), 3), {"axis": 0, "dtype": "int32"}),
    ("multi_hot", (np.array([[0, 3], [1, 1]]), 4), {}),
    ("multi_hot", (np.array([0, 3]), 4), {}),
    ("multi_hot", (np.array([[[0, 3], [1, 1]]]), 4), {}),
    ("batch_normalization", (X, FEATURES[0], FEATURES[1] ** 2, -1), {}),
    (
        "batch_normalization",
        (X, FEATURES[0, :3], FEATURES[1, :3] ** 2, 1, FEATURES[2, :3], FEATURES[3, :3]),
        {"epsilon": 0.1},
    ),
    ("layer_normalization", (X,), {}),
    ("layer_normalization", (X, FEATURES[0], FEATURES[1]), {"epsilon": 1e-3}),
    ("layer_normalization", (X, FEATURES[:3], FEATURES[:3]), {"axis": (1, 2)}),
    ("rms_normalization", (X, FEATURES[0]), {}),
    ("rms_normalization", (X,), {"axis": (1, 2), "epsilon": 0.1}),
    ("normalize", (X,), {}),
    ("normalize", (X,), {"axis": 1, "order": 1}),
    ("normalize", (X,), {"axis": 1, "order": 3}),
    ("normalize", (0 * X,), {}),
    ("binary_crossentropy", (PROBABILITIES, PROBABILITIES[::-1]), {}),
    ("binary_crossentropy", (PROBABILITIES, 20 * X), {"from_logits": True}),
    ("categorical_crossentropy", (PROBABILITIES, POSITIVE), {}),
    ("categorical_crossentropy", (PROBABILITIES, X), {"from_logits": True, "axis": 1}),
    ("sparse_categorical_crossentropy", (np.array([[0, 1, 3], [2, 2, 0]]), POSITIVE), {}),
    (
        "sparse_categorical_crossentropy",
        (np.array([[[0], [1], [3]], [[2], [2], [9]]]), X),
        {"from_logits": True},
    ),
    ("dot_product_attention", (IMAGES, IMAGES, IMAGES), {}),
    ("dot_product_attention", (IMAGES, SOURCES, SOURCES), {"scale": 0.3}),
    ("dot_product_attention", (IMAGES, IMAGES, IMAGES), {"mask": MASK}),
    ("dot_product_attention", (IMAGES, IMAGES, IMAGES), {"mask": MASK, "is_causal": True}),
    ("dot_product_attention", (IMAGES, IMAGES, IMAGES), {"is_causal": True}),
    ("dot_product_attention", (IMAGES, IMAGES, IMAGES, IMAGES[:1, :, :, :5].swapaxes(1, 2)), {}),
]


def label(case):
    name, _, settings = case
    return "-".join([name, *settings])


@pytest.mark.parametrize(("name", "args", "settings"), CASES, ids=[label(case) for case in CASES])
def test_agrees_with_keras(name, args, settings):
    expected = np.asarray(getattr(keras.ops, name)(*args, **settings))
    function = getattr(ops, name)
    symbolic = function(KerasTensor(args[0].shape, args[0].dtype.name), *args[1:], **settings)
    assert (symbolic.shape, symbolic.dtype) == (expected.shape, expected.dtype.name)
    for backend in (current().name, "numpy"):
        with use(backend):
            found = ops.convert_to_numpy(function(*args, **settings))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=backend)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16", "float32"])
def test_predicted_types_are_computed(name, dtype):
    function = getattr(ops, name)
    predicted = function(KerasTensor((2, 4), dtype)).dtype
    for backend in (current().name, "numpy"):
        with use(backend):
            assert ops.dtype(function(ops.convert_to_tensor(np.ones((2, 4)), dtype))) == predicted
    kept = "float" in dtype or name in ("relu", "hard_tanh")
    assert predicted == (("int32" if dtype == "bool" else dtype) if kept else "float32")


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS)))
def test_finite_far_from_zero(name):
    x = np.array([[-1e4, -100.0, 100.0, 1e4]], "float32")
    for backend in (current().name, "numpy"):
        with use(backend):
            assert np.isfinite(ops.convert_to_numpy(getattr(ops, name)(x))).all()
    gradient = lamina.grad(lambda x: ops.sum(getattr(ops, name)(x)))(x)
    assert np.isfinite(np.asarray(gradient)).all()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [0, (0, 2), -1])
def test_moments(axes, keepdims):
    expected = X.mean(axes, keepdims=keepdims), X.var(axes, keepdims=keepdims)
    predicted = ops.moments(KerasTensor(X.shape), axes, keepdims)
    for backend in (current().name, "numpy"):
        with use(backend):
            found = ops.moments(X, axes, keepdims)
        for one, other, symbolic in zip(found, expected, predicted, strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(one), other, rtol=1e-5, atol=1e-6)
            assert (symbolic.shape, symbolic.dtype) == (other.shape, "float32")


def test_the_gradient_of_the_variance_is_exact():
    found = lamina.grad(lambda x: ops.sum(ops.moments(x, 1)[1] ** 2))(X)
    expected = jax.grad(lambda x: (x.var(1) ** 2).sum())(X)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_half_floats_are_added_up_in_32_bits():
    x = np.full((1, 70_000), 300.0, "float16")
    mean, variance = ops.moments(x, 1)
    assert (float(mean[0]), float(variance[0]), ops.dtype(mean)) == (300.0, 0.0, "float16")
    assert ops.dtype(ops.layer_normalization(x, np.ones(70_000, "float32"))) == "float16"
    assert np.isfinite(ops.convert_to_numpy(ops.rms_normalization(x))).all()


def test_the_soft_cap_bounds_the_logits():
    first = ops.dot_product_attention(100 * IMAGES, IMAGES, IMAGES, attn_logits_soft_cap=1e-6)
    mean = np.broadcast_to(IMAGES.mean(1, keepdims=True), IMAGES.shape)
    np.testing.assert_allclose(ops.convert_to_numpy(first), mean, atol=1e-5)


def test_unknown_dimensions_stay_unknown():
    x = KerasTensor((None, 7, 10))
    assert ops.glu(x).shape == (None, 7, 5)
    assert ops.one_hot(KerasTensor((None,), "int32"), 5, axis=0).shape == (5, None)
    target = KerasTensor((None, 7), "int32")
    assert ops.sparse_categorical_crossentropy(target, x).shape == (None, 7)
    q = KerasTensor((None, None, 4, 8))
    assert ops.dot_product_attention(q, q, q).shape == (None, None, 4, 8)


def test_wrong_arguments_are_refused():
    with pytest.raises(ShapeError, match="differ in shape"):
        ops.categorical_crossentropy(KerasTensor((2, 3)), KerasTensor((2, 4)))
    with pytest.raises(ShapeError, match="cannot be halved"):
        ops.glu(KerasTensor((2, 3)))
    with pytest.raises(ShapeError, match="key heads"):
        ops.dot_product_attention(*[KerasTensor((1, 2, n, 8)) for n in (4, 3, 3)])
    with pytest.raises(ValueError, match="order"):
        ops.normalize(X, order=0)
    with pytest.raises(ValueError, match="num_classes"):
        ops.multi_hot([1])
