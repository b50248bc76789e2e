"""Every entry of the contract on every installed backend, in one process."""

import importlib.util

import numpy as np
import pytest

from lamina.backend import Backend, Spec, use
from lamina.backend.config import FRAMEWORKS
from lamina.backend.jax import convolution, pooling

INSTALLED = [name for name, module in FRAMEWORKS.items() if importlib.util.find_spec(module)]
NO_GRADIENTS = {"numpy"}  # forward only, by design: the error says so
X = np.array([[1.0, -2.0], [3.0, 0.5]], "float32")


@pytest.fixture(params=INSTALLED)
def backend(request):
    with use(request.param) as active:
        yield active


def same(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-6)


def total(backend, x, **kwargs):
    return backend.kernel("sum")(x, **kwargs)


def namespaces(backend):
    assert all(hasattr(one, "__name__") for one in backend.namespaces())
    same(backend.kernel("tanh")(backend.array(X)), np.tanh(X))


def array(backend):
    for value in (X, X.tolist(), backend.array(X)):
        x = backend.array(value, "float16")
        assert isinstance(x, backend.tensor_types) and backend.dtype(x) == "float16"
        same(x, X)


def cast(backend):
    x = backend.cast(backend.array(X), "int32")
    assert backend.dtype(x) == "int32" and np.asarray(x).tolist() == [[1, -2], [3, 0]]


def dtype(backend):
    for name in ("bool", "uint8", "int32", "float16", "bfloat16", "float32"):
        assert backend.dtype(backend.array([0, 1], name)) == name


def to_numpy(backend):
    x = backend.array(X)
    copy = backend.to_numpy(x)
    copy[:] = 0
    same(x, X)


def variable(backend):
    handle = backend.variable(backend.array(X), True, "v")
    same(backend.read(handle), X)


def read(backend):
    value = backend.array(X)
    handle = backend.variable(value, True, "v")
    with backend.substitute([handle], [value + 1]):
        same(backend.read(handle), X + 1)
    same(backend.read(handle), X)


def assign(backend):
    handle = backend.variable(backend.array(X), True, "v")
    backend.assign(handle, backend.array(2 * X))
    same(backend.read(handle), 2 * X)


def substitute(backend):
    handle = backend.variable(backend.array(X), True, "v")
    with backend.substitute([handle], [backend.array(2 * X)]) as value:
        same(backend.read(handle), 2 * X)
        backend.assign(handle, backend.array(3 * X))
        same(value(handle), 3 * X)
    same(backend.read(handle), X)


def jit(backend):
    handle = backend.variable(backend.array(X), True, "v")

    def step(x, double):
        backend.assign(handle, backend.read(handle) + x)
        return x * 2 if double else x

    compiled = backend.jit(step)
    for count, double in enumerate((True, False, True), 1):
        same(compiled(backend.array(X), double), X * (2 if double else 1))
        same(backend.read(handle), X * (count + 1))


def value_and_grad(backend):
    handle = backend.variable(backend.array(X), True, "v")

    def loss(x):
        v = backend.read(handle)
        return total(backend, v * v * x), v

    step = backend.value_and_grad(loss, [handle], 0, True)
    if backend.name in NO_GRADIENTS:
        with pytest.raises(NotImplementedError, match="computes no gradients"):
            step(backend.array(X))
        return
    (value, auxiliary), (gradient,) = step(backend.array(X))
    same(value, (X**3).sum())
    same(auxiliary, X)
    same(gradient, differences(lambda v: (v * v * X).sum(), X))
    plain = backend.value_and_grad(lambda x: total(backend, x * x), None, 0, False)
    same(plain(backend.array(X))[1], differences(lambda x: (x * x).sum(), X))


def vmap(backend):
    mapped = backend.vmap(lambda x, y: x * y, (0, None), 1)
    same(mapped(backend.array(X), backend.array(X[0])), (X * X[0]).T)


def scan(backend):
    handle = backend.variable(backend.array(np.float32(0)), True, "v")

    def step(carry, x):
        backend.assign(handle, backend.read(handle) + 1)
        return carry + x, carry * x

    start = backend.array(np.zeros(2, "float32"))
    carry, ys = backend.scan(step, start, backend.array(X), None, False, 1)
    same(carry, X.sum(0))
    same(ys, [0 * X[0], X[0] * X[1]])
    same(backend.read(handle), 2)
    same(backend.scan(step, start, backend.array(X), None, True, 1)[1], [X[0] * X[1], 0 * X[0]])


def while_loop(backend):
    start = (backend.array(np.int32(0)), backend.array(X))
    count, x = backend.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), start)
    same(count, 3)
    same(x, 8 * X)


def cond(backend):
    x = backend.array(X)
    for pred in (True, False):
        same(backend.cond(backend.array(pred), lambda: x, lambda: -x), X if pred else -X)


def switch(backend):
    branches = [lambda x: x, lambda x: -x]
    for index, expected in ((0, X), (1, -X), (7, -X)):
        found = backend.switch(backend.array(np.int32(index)), branches, [backend.array(X)])
        same(found, expected)


def remat(backend):
    function = backend.remat(lambda x: total(backend, x * x * x))
    same(function(backend.array(X)), (X**3).sum())
    if backend.name not in NO_GRADIENTS:
        gradient = backend.value_and_grad(function, None, 0, False)(backend.array(X))[1]
        same(gradient, 3 * X**2)


def custom_gradient(backend):
    function = backend.custom_gradient(
        lambda x: (total(backend, x), lambda upstream: x * 0 + 7 * upstream)
    )
    same(function(backend.array(X)), X.sum())
    if backend.name not in NO_GRADIENTS:
        gradient = backend.value_and_grad(function, None, 0, False)(backend.array(X))[1]
        same(gradient, np.full_like(X, 7))


def eval_shape(backend):
    specs = [Spec((2, 3), "float32"), Spec((3,), "int32")]
    found = backend.eval_shape(lambda x, y: {"sum": total(backend, x, axis=0), "y": y}, specs)
    assert found["sum"].shape == (3,) and found["sum"].dtype == "float32"
    assert found["y"].shape == (3,) and found["y"].dtype == "int32"


def devices(backend):
    assert "cpu:0" in backend.devices() or backend.devices()[0].endswith(":0")


def device(backend):
    with backend.device(backend.devices()[0]):
        same(backend.array(X), X)


def version(backend):
    assert backend.version()[0].isdigit()


ENTRIES = [
    *(namespaces, array, cast, dtype, to_numpy, variable, read, assign, substitute, jit),
    *(value_and_grad, vmap, scan, while_loop, cond, switch, remat, custom_gradient, eval_shape),
    *(devices, device, version),
]


def test_every_entry_is_tried():
    assert {entry.__name__ for entry in ENTRIES} == Backend.__abstractmethods__


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_entry(backend, entry):
    entry(backend)


def test_numbers_are_taken_by_kernels(backend):
    x = backend.kernel("add")(backend.array(X), backend.number(2.0, "float32"))
    assert backend.dtype(x) == "float32"
    same(x, X + 2)


def differences(function, x, step=1e-4):
    """Central differences in double precision."""
    x = x.astype("float64")
    units = (unit.reshape(x.shape) for unit in np.eye(x.size))
    slopes = [(function(x + step * e) - function(x - step * e)) / (2 * step) for e in units]
    return np.reshape(slopes, x.shape)


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


@pytest.mark.parametrize("columns", [0, 10_000], ids=["native", "patches"])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, "same", 1), (2, "valid", 2)])
def test_gradients_of_convolution(monkeypatch, columns, stride, padding, dilation):
    monkeypatch.setattr(convolution, "_PATCH_COLUMNS", columns)
    arrays = [distinct(1, 6, 5, 2) / 10, distinct(2, 2, 2, 3)]
    check_gradients("conv", arrays, stride, padding, "channels_last", dilation)


def test_gradients_of_the_other_convolutions():
    x = distinct(1, 5, 4, 4) / 10
    check_gradients("conv", [x, distinct(2, 2, 2, 2)], 1, "same", "channels_last", 1)  # groups
    check_gradients("depthwise_conv", [x, distinct(2, 2, 4, 1)], 2, "same", "channels_last", 1)
    check_gradients(
        "conv_transpose", [x[:, :3, :3], distinct(2, 2, 2, 4)], 2, "same", None, "channels_last", 1
    )


@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 3)])
def test_gradients_of_pooling(name, padding, size, stride):
    check_gradients(name, [distinct(1, 7, 6, 2)], size, stride, padding, "channels_last")


def test_windows_apart_are_split():
    """The two lowerings of pooling that the gradients above go through."""
    ways = {
        (size, stride): pooling._Windows((1, 7, 6, 2), size, stride, "valid", None).apart
        for size, stride in ((2, 2), (3, 2), (2, 3))
    }
    assert ways == {(2, 2): True, (3, 2): False, (2, 3): False}
