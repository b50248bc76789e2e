"""Each way in which the JAX backend computes convolution and pooling, and its gradients."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from lamina.backend import use
from lamina.backend.jax import cpu_convolution, devices, pooling
from tests.backend.test_contract import INSTALLED, NO_GRADIENTS, differences, total

pytestmark = pytest.mark.every_backend


def check_gradients(name, arrays, *settings):
    """The gradients of a kernel on each backend that has any, against NumPy's values."""
    with use("numpy") as reference:
        kernel = reference.kernel(name)
        shape = kernel(*arrays, *settings).shape
        weights = np.random.default_rng(1).uniform(1, 2, shape)
        slopes = []
        for i, one in enumerate(arrays):
            before, after = arrays[:i], arrays[i + 1 :]
            wide = [[x.astype("float64") for x in part] for part in (before, after)]
            slopes.append(
                differences(
                    lambda x, wide=wide: (kernel(*wide[0], x, *wide[1], *settings) * weights).sum(),
                    one,
                )
            )
    for backend_name in set(INSTALLED) - NO_GRADIENTS:
        with use(backend_name) as backend:
            kernel = backend.kernel(name)
            scale = backend.array(weights.astype("float32"))
            step = backend.value_and_grad(
                lambda *xs, kernel=kernel, scale=scale, backend=backend: total(
                    backend, kernel(*xs, *settings) * scale
                ),
                None,
                tuple(range(len(arrays))),
                False,
            )
            _, gradients = step(*(backend.array(x) for x in arrays))
        for gradient, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(np.asarray(gradient), slope, rtol=1e-3, atol=1e-3)


def distinct(*shape):
    """Numbers far enough apart for the maximum to stay where it is."""
    numbers = np.random.default_rng(0).permutation(int(np.prod(shape)))
    return (numbers.reshape(shape) / 10).astype("float32")


@pytest.mark.parametrize("images", [0, 4, 2, 1], ids=["native", "patches", "in two", "in four"])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, "same", 1), (2, "valid", 2)])
def test_gradients_of_convolution(monkeypatch, images, stride, padding, dilation):
    monkeypatch.setattr(cpu_convolution, "_images_at_once", lambda *_: images)
    arrays = [distinct(4, 6, 5, 2) / 10, distinct(2, 2, 2, 3)]
    check_gradients("conv", arrays, stride, padding, "channels_last", dilation)


@pytest.mark.parametrize(
    ("batch", "size", "channels", "filters", "window", "images"),
    [
        *((128, 28, 1, 32, 3, 128), (32, 32, 64, 128, 1, 32), (128, 13, 32, 64, 3, 8)),
        *((100, 16, 64, 64, 3, 5), (97, 16, 64, 64, 3, 1), (32, 32, 16, 16, 3, 0)),
        *((32, 8, 128, 128, 3, 0), (32, 32, 64, 64, 3, 0), (16, 8, 32, 32, 3, 0)),
    ],
)
def test_patches_of_a_convolution_stay_in_the_cache(batch, size, channels, filters, window, images):
    x = np.zeros((batch, size, size, channels), "float32")
    kernel = np.zeros((window, window, channels, filters), "float32")
    around, steps = [(window // 2, window // 2)] * 2, [1, 1]
    with use("jax"):
        found = cpu_convolution._images_at_once(x, kernel, around, [window] * 2, steps)
    assert found == images


LAST, FIRST = "channels_last", "channels_first"


@pytest.mark.parametrize(
    ("x", "kernel", "settings"),
    [
        ((1, 5, 4, 4), (2, 2, 2, 2), (1, "same", LAST, 1)),
        ((2, 7, 4), (3, 2, 4), (2, "valid", LAST, 1)),
        ((1, 4, 5, 4), (2, 2, 1, 8), (1, "same", FIRST, 1)),
    ],
)
def test_gradients_of_groups(x, kernel, settings):
    check_gradients("conv", [distinct(*x) / 10, distinct(*kernel)], *settings)


@pytest.mark.parametrize(
    ("x", "kernel", "settings"),
    [
        ((2, 5, 4, 3), (2, 2, 3, 1), (2, "same", LAST, 1)),
        ((1, 5, 6, 2), (3, 2, 2, 3), (1, "valid", LAST, 2)),
        ((2, 3, 5, 4), (2, 3, 3, 1), (1, "same", FIRST, 1)),
        ((2, 7, 3), (3, 3, 2), (2, "same", LAST, 1)),
    ],
)
def test_gradients_of_each_channel_by_itself(x, kernel, settings):
    check_gradients("depthwise_conv", [distinct(*x) / 10, distinct(*kernel)], *settings)


@pytest.mark.parametrize(
    ("x", "kernel", "settings"),
    [
        ((1, 3, 3, 4), (2, 2, 2, 4), (2, "same", None, LAST, 1)),
        ((2, 3, 4, 2), (5, 3, 2, 2), ((2, 3), "valid", None, LAST, 1)),
        ((2, 3, 4, 2), (1, 2, 2, 2), ((2, 3), "same", None, LAST, 1)),
        ((1, 2, 3, 3), (4, 3, 2, 2), (2, "same", 1, FIRST, 1)),
        ((2, 5, 2), (3, 2, 2), (2, "valid", 0, LAST, 1)),
        ((1, 2, 2, 3, 2), (3, 2, 2, 1, 2), (2, "same", None, LAST, 1)),
    ],
)
def test_gradients_of_what_is_spread_apart(x, kernel, settings):
    check_gradients("conv_transpose", [distinct(*x) / 10, distinct(*kernel)], *settings)


@pytest.mark.parametrize(
    "settings", [(1, "same", LAST, 1), ((2, 1, 2), "valid", LAST, 1), (1, "valid", LAST, (2, 1, 1))]
)
def test_gradients_of_volumes(settings):
    arrays = [distinct(1, 5, 4, 3, 2) / 10, distinct(3, 2, 2, 2, 2)]
    check_gradients("conv", arrays, *settings)


@pytest.mark.parametrize("name", ["depthwise_conv", "conv_transpose"])
def test_other_derivatives_of_what_has_its_own(name, monkeypatch):
    x, kernel = distinct(2, 4, 4, 3) / 50, distinct(3, 2, 3, 3)
    ways = []
    with use("jax") as backend:
        kernel_of = backend.kernel(name)

        def loss(x, kernel):
            return jax.numpy.tanh(kernel_of(x, kernel, 2, "same") / 10).sum()

        for serves in (True, False):
            monkeypatch.setattr(cpu_convolution, "serves", lambda x, serves=serves: serves)
            forward = jax.jvp(loss, (x, kernel), (x + 1, kernel - 1))[1]
            one = jax.jvp(lambda x: loss(x, kernel), (x,), (x,))[1]
            second = jax.hessian(loss, 1)(x, kernel)
            mixed = jax.grad(lambda k: (jax.grad(loss)(x, k) ** 2).sum())(kernel)
            each = jax.vmap(jax.grad(loss, 1), (0, None))(x[:, None], kernel)
            ways.append((forward, one, second, mixed, each))
    for found, expected in zip(*ways, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 3), ((3, 1), 1)])
@pytest.mark.parametrize("bound", ["_WHOLE_BYTES", "_MOST_SHIFTS", None])
def test_gradients_of_pooling(name, padding, size, stride, bound, monkeypatch):
    if bound:
        monkeypatch.setattr(pooling, bound, 0)
        jax.clear_caches()
    check_gradients(name, [distinct(2, 7, 6, 2)], size, stride, padding, "channels_last")


def test_windows_apart_are_split():
    """The two lowerings of pooling that the gradients above go through."""
    ways = {
        (size, stride): pooling._Windows((1, 7, 6, 2), size, stride, "valid", None).apart
        for size, stride in ((2, 2), (3, 2), (2, 3))
    }
    assert ways == {(2, 2): True, (3, 2): False, (2, 3): False}


def test_the_gradient_of_a_maximum_that_is_computed_twice():
    """XLA may fuse the normalization into the pooling and into its gradient, and round it twice."""
    random = np.random.default_rng(2)
    x = random.normal(size=(8, 8, 8, 4)).astype("float32")

    def loss(scale):
        wide = x * scale
        spread = wide.var((0, 1, 2), keepdims=True)
        normal = (wide - wide.mean((0, 1, 2), keepdims=True)) * jax.lax.rsqrt(spread + 1e-3)
        return (pooling.max_pool(normal, 2) ** 2).mean()

    scale = random.normal(size=4).astype("float32")
    assert np.isfinite(jax.jit(jax.grad(loss))(scale)).all()


def test_steps_with_convolutions_are_looped_on_a_gpu_only(monkeypatch):
    with use("jax") as backend:
        on_cpu = backend.slow_in_loops()
        monkeypatch.setattr(devices, "current", lambda: SimpleNamespace(platform="gpu"))
        assert on_cpu - backend.slow_in_loops() == {"conv", "depthwise_conv", "conv_transpose"}
