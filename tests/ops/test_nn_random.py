"""Ops of networks on random settings: Keras's values on every backend, and right gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("keras")
from tests.ops.agreement import agrees_with_keras

pytestmark = pytest.mark.every_backend
some = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],  # an example takes a second, and says all that failed
    suppress_health_check=[HealthCheck.too_slow],
)
RATES = st.integers(1, 3)
FORMATS = st.sampled_from(["channels_last", "channels_first"])
PADDINGS = st.sampled_from(["valid", "same"])


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


@st.composite
def spatial(draw, ranks=(1, 2, 3)):
    """Sizes, a window that fits, and the number of dimensions."""
    rank = draw(st.sampled_from(ranks))
    sizes = draw(st.tuples(*[st.integers(5, 8)] * rank))
    return sizes, draw(st.tuples(*[st.integers(1, 3)] * rank))


@st.composite
def steps(draw, rank: int):
    """Strides and dilations, of which at most one is more than 1."""
    apart = draw(st.booleans())
    each = st.one_of(st.integers(1, 2), st.tuples(*[st.integers(1, 2)] * rank))
    found = draw(each)
    return (1, found) if apart else (found, 1)


def images(sizes, channels, data_format, batch=2) -> np.ndarray:
    last = (batch, *sizes, channels)
    return normal(*(last if data_format == "channels_last" else (batch, channels, *sizes)))


@some
@given(st.data(), spatial(), FORMATS, PADDINGS, st.sampled_from([1, 2]), st.integers(1, 2))
def test_conv(data, space, data_format, padding, groups, more):
    (sizes, window), rank = space, len(space[0])
    strides, dilation = data.draw(steps(rank))
    agrees_with_keras(
        "conv",
        images(sizes, 2 * groups, data_format),
        normal(*window, 2, groups * more),
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation,
        atol=3e-5,
    )


@pytest.mark.slow
@some
@given(st.data(), spatial((1, 2)), FORMATS, PADDINGS, st.integers(1, 2))
def test_depthwise_and_separable_conv(data, space, data_format, padding, multiplier):
    (sizes, window), rank = space, len(space[0])
    stride, dilation = data.draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    options = {
        "strides": stride,
        "padding": padding,
        "data_format": data_format,
        "dilation_rate": dilation,
    }
    x, kernel = images(sizes, 3, data_format), normal(*window, 3, multiplier)
    agrees_with_keras("depthwise_conv", x, kernel, **options, atol=3e-5)
    pointwise = normal(*(1,) * rank, 3 * multiplier, 2)
    agrees_with_keras("separable_conv", x, kernel, pointwise, **options, atol=3e-5)


@some
@given(st.data(), spatial(), FORMATS, PADDINGS)
def test_conv_transpose(data, space, data_format, padding):
    (sizes, window), rank = space, len(space[0])
    strides, dilation = data.draw(steps(rank))
    step = strides if isinstance(strides, int) else min(strides)
    agrees_with_keras(
        "conv_transpose",
        images(sizes, 3, data_format),
        normal(*window, 2, 3),
        strides=strides,
        padding=padding,
        output_padding=data.draw(st.sampled_from([None, *range(step)])),
        data_format=data_format,
        dilation_rate=dilation,
        atol=3e-5,
    )


@pytest.mark.slow
@some
@given(spatial(), FORMATS, PADDINGS, st.integers(1, 3))
def test_pooling(space, data_format, padding, strides):
    sizes, window = space
    x = images(sizes, 2, data_format)
    for name in ("adaptive_max_pool", "adaptive_average_pool"):
        agrees_with_keras(name, x, window, data_format=data_format)
    for name in ("max_pool", "average_pool"):
        agrees_with_keras(
            name, x, window, strides=strides, padding=padding, data_format=data_format
        )


@some
@given(st.sampled_from([1, 2, 3]), st.booleans(), st.booleans(), st.booleans())
def test_batch_normalization(axis, offset, scale, negative):
    x = normal(3, 4, 2, 5)
    vectors = [normal(x.shape[axis], n)[:, 0] for n in range(1, 5)]
    agrees_with_keras(
        "batch_normalization",
        *(x, vectors[0], vectors[1] ** 2, axis - 4 if negative else axis),
        *(vectors[2] if offset else None, vectors[3] if scale else None),
        atol=1e-4,
    )


@some
@given(st.sampled_from([-1, 1, (1, 2), (2, 3), (1, 2, 3)]), st.booleans(), st.booleans())
def test_layer_and_rms_normalization(axis, scaled, shifted):
    x = normal(3, 4, 2, 5)
    if axis in (1, (1, 2)):  # Keras takes vectors along the last axes only
        scaled = shifted = False
    axes = (axis,) if isinstance(axis, int) else axis
    shape = [x.shape[i] for i in axes]
    gamma, beta = normal(*shape) if scaled else None, normal(*shape, 2)[..., 0] if shifted else None
    agrees_with_keras("layer_normalization", x, gamma, beta, axis, atol=1e-4)
    agrees_with_keras("rms_normalization", x, gamma, axis, atol=1e-4)


@some
@given(st.sampled_from([0, -1, (0, 2), [1], (0, 1, 2)]), st.booleans())
def test_moments(axes, keepdims):
    agrees_with_keras("moments", normal(3, 4, 5), axes, keepdims)
    half = (300 * normal(3, 4, 5)).astype("float16")
    agrees_with_keras("moments", half, axes, keepdims, rtol=4e-3, gradient=False)


@some
@given(st.sampled_from([0, 1, -1, -2]), st.sampled_from([None, "int32", "bool", "float16"]))
def test_one_hot_and_multi_hot(axis, dtype):
    x = np.array([[0, 3, -1], [2, 2, 1]], "int32")
    agrees_with_keras("one_hot", x, 3, axis, dtype, gradient=False)
    agrees_with_keras("multi_hot", x, 3, axis, dtype, gradient=False)


@some
@given(st.booleans(), st.sampled_from([-1, 1]))
def test_crossentropy(from_logits, axis):
    output = normal(3, 4, 5)
    if not from_logits:
        output = (np.abs(output) + 0.1) / (2 + np.abs(output).max())
    target = np.abs(normal(4, 3, 5)).transpose(1, 0, 2)
    target = target / target.sum(axis, keepdims=True)
    agrees_with_keras("binary_crossentropy", target, output, from_logits, atol=1e-4)
    agrees_with_keras("categorical_crossentropy", target, output, from_logits, axis, atol=1e-4)
    classes = (np.arange(12) % 5).reshape(3, 4).astype("int32")
    name = "sparse_categorical_crossentropy"
    agrees_with_keras(name, classes, output, from_logits, atol=1e-4)


@pytest.mark.slow
@some
@given(
    st.sampled_from([(4, 4), (4, 2), (4, 1)]),
    st.sampled_from([None, (2, 4, 3, 5), (1, 1, 3, 5), (2, 1, 3, 5)]),
    st.sampled_from([None, (2, 4, 3, 5), (2, 1, 1, 5), (1, 1, 3, 5)]),
    st.sampled_from([None, 0.3]),
    st.booleans(),
    st.sampled_from([None, False]),
)
def test_attention(heads, bias, mask, scale, is_causal, flash):
    query, key, value = (
        normal(2, n, h, 8) for n, h in ((3, heads[0]), (5, heads[1]), (5, heads[1]))
    )
    agrees_with_keras(
        "dot_product_attention",
        *(query, key, value + 1),
        bias=None if bias is None else normal(*bias),
        mask=None if mask is None else normal(*mask) > -0.5,
        scale=scale,
        is_causal=is_causal,
        flash_attention=flash,
        atol=3e-5,
    )


@some
@given(st.sampled_from([-1, 0, 1]), st.sampled_from([1, 2, 3]))
def test_normalize(axis, order):
    agrees_with_keras("normalize", normal(3, 4), axis, order, atol=1e-5)
