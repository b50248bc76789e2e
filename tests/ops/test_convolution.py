"""Convolutions: against Keras, against NumPy, and the shapes predicted for them."""

import itertools

import jax
import numpy as np
import pytest

from lamina import ops
from lamina.backend import current, use
from lamina.backend.jax import cpu_convolution as lowerings
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor

keras = pytest.importorskip("keras")
SPACE = (9, 8, 7)
SETTINGS = [
    (rank, data_format, padding, strides, dilation)
    for rank, data_format, padding, (strides, dilation) in itertools.product(
        (1, 2), ("channels_last", "channels_first"), ("valid", "same"), ((1, 1), (3, 1), (1, 2))
    )
] + [(3, "channels_last", "same", 2, 1), (3, "channels_first", "valid", 1, 1)]


def image(rank, data_format, channels=4):
    generator = np.random.default_rng(rank)
    shape = (2, *SPACE[:rank], channels)
    if data_format == "channels_first":
        shape = (2, channels, *SPACE[:rank])
    return generator.normal(size=shape).astype("float32")


def weights(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


def check(name, *args, **settings):
    expected = np.asarray(getattr(keras.ops, name)(*args, **settings))
    function = getattr(ops, name)
    symbolic = function(KerasTensor(args[0].shape), *args[1:], **settings)
    assert (symbolic.shape, symbolic.dtype) == (expected.shape, "float32")
    for backend in (current().name, "numpy"):
        with use(backend):
            found = ops.convert_to_numpy(function(*args, **settings))
        np.testing.assert_allclose(found, expected, atol=3e-5, err_msg=f"{backend} {settings}")


@pytest.mark.parametrize(("rank", "data_format", "padding", "strides", "dilation"), SETTINGS)
def test_convolutions_agree_with_keras(rank, data_format, padding, strides, dilation):
    x = image(rank, data_format)
    settings = {
        "strides": strides,
        "padding": padding,
        "data_format": data_format,
        "dilation_rate": dilation,
    }
    window = (3, 2, 2)[:rank]
    check("conv", x, weights(*window, 4, 6), **settings)
    check("conv", x, weights(*window, 2, 6), **settings)  # two groups
    check("conv_transpose", x, weights(*window, 3, 4), **settings)
    check("conv_transpose", x, weights(*window, 3, 4), **settings, output_padding=strides - 1)
    if rank < 3:
        check("depthwise_conv", x, weights(*window, 4, 2), **settings)
        pointwise = weights(*(1,) * rank, 8, 3)
        check("separable_conv", x, weights(*window, 4, 2), pointwise, **settings)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2), ((2, 3), 1)])
def test_patch_product_is_the_convolution(monkeypatch, padding, strides, dilation):
    x, kernel = image(2, "channels_last"), weights(3, 2, 4, 5)

    def loss(x, kernel):
        y = ops.conv(x, kernel, strides, padding, "channels_last", dilation)
        return (y**2).sum()

    with use("jax"):
        found = []
        for images in (0, len(x), 1):
            monkeypatch.setattr(lowerings, "_images_at_once", lambda *_, images=images: images)
            found.append(jax.grad(loss, argnums=(0, 1))(x, kernel))
    for product in found[1:]:
        for one, other in zip(product, found[0], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_causal_padding_sees_the_past_only():
    x = np.arange(4, dtype="float32").reshape(1, 4, 1)
    y = ops.conv(x, np.ones((2, 1, 1), "float32"), padding="causal", dilation_rate=2)
    assert ops.convert_to_numpy(y).ravel().tolist() == [0, 1, 2, 4]


def test_unknown_dimensions_stay_unknown():
    x = KerasTensor((None, None, 28, 3))
    assert ops.conv(x, weights(3, 3, 3, 8), 2, "same").shape == (None, None, 14, 8)
    assert ops.conv_transpose(x, weights(3, 3, 8, 3), 2).shape == (None, None, 57, 8)


def test_wrong_channels_are_named():
    with pytest.raises(ShapeError, match="3 channels a group"):
        ops.conv(KerasTensor((1, 8, 8, 4)), weights(3, 3, 3, 8))


def test_a_window_larger_than_the_input_is_refused():
    with pytest.raises(ShapeError, match="does not fit"):
        ops.conv(KerasTensor((1, 2, 2, 4)), weights(3, 3, 4, 8))
