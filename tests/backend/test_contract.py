"""Every entry of the contract on every installed backend, in one process."""

import functools
import importlib.util

import numpy as np
import pytest

from lamina.backend import Backend, Spec, current, use
from lamina.backend.config import FRAMEWORKS

pytestmark = pytest.mark.every_backend

INSTALLED = [name for name, module in FRAMEWORKS.items() if importlib.util.find_spec(module)]
NO_GRADIENTS = {"numpy"}  # forward only, by design: the error says so
X = np.array([[1.0, -2.0], [3.0, 0.5]], "float32")


@pytest.fixture(params=INSTALLED)
def backend(request):
    with use(request.param) as active:
        yield active


def same(found, expected):
    backend = current()
    found = backend.to_numpy(backend.array(found))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def total(backend, x, **kwargs):
    return backend.kernel("sum")(x, **kwargs)


def differences(function, x, step=1e-4):
    """Central differences in double precision."""
    x = x.astype("float64")
    units = (unit.reshape(x.shape) for unit in np.eye(x.size))
    slopes = [(function(x + step * e) - function(x - step * e)) / (2 * step) for e in units]
    return np.reshape(slopes, x.shape)


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


def jvp(backend):
    if backend.name == "numpy":
        return  # forward only
    x = backend.array(X)
    value, slope = backend.jvp(lambda x: x * x, (x,), (backend.array(np.ones_like(X)),), False)
    same(value, X * X)
    same(slope, 2 * X)


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
        gradient = backend.value_and_grad(function, None, 0, False)
        same(gradient(backend.array(X))[1], np.full_like(X, 7))
        same(backend.vmap(gradient, 0, 0)(backend.array(X))[1], np.full_like(X, 7))


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
    *(value_and_grad, jvp, vmap, scan, while_loop, cond, switch, remat, custom_gradient),
    eval_shape,
    *(devices, device, version),
]


def in_turn(backend):
    same(backend.in_turn(lambda x: x * 2, backend.array(X)), X * 2)


def number(backend):
    x = backend.kernel("add")(backend.array(X), backend.number(2.0, "float32"))
    assert backend.dtype(x) == "float32"
    same(x, X + 2)


def shared(backend):
    definition = backend.shared(lambda x, y: x * y)
    same(definition(backend.array(X), backend.array(X)), X * X)


def takes_numbers(backend):
    for name in backend.takes_numbers:
        for dtype in ("float16", "float32"):
            tensors = [backend.array(X, dtype)] * (1 if name in TWO else 2)
            found = backend.kernel(name)(*tensors, 2)
            exact = backend.kernel(name)(*tensors, backend.array(2, dtype))
            assert backend.dtype(found) == backend.dtype(exact), name
            same(found, backend.to_numpy(exact))


TWO = {
    *("add", "subtract", "multiply", "true_divide", "power", "mod", "floor_divide"),
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("maximum", "minimum"),
}


def canonical(backend):
    for name in ("bool", "int32", "int64", "float16", "float32", "float64", "uint16"):
        held = backend.canonical(name)
        assert backend.dtype(backend.array([0, 1], held)) == held == backend.canonical(held)


def copy(backend):
    handle = backend.variable(backend.array(X), True, "v")
    kept = backend.copy(backend.read(handle))
    backend.assign(handle, backend.array(2 * X))
    same(kept, X)


def check_values(backend):
    found = []
    backend.check_values(found.append, backend.array(X))
    np.testing.assert_array_equal(found[0], X)

    def refuse(x):
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        backend.check_values(refuse, backend.array(X))


def repeating(backend):
    handle = backend.variable(backend.array(X), True, "v")

    def step(x):
        backend.assign(handle, backend.read(handle) + x)
        return x * 2

    again = backend.repeating(step, 1000)
    for i in range(6):
        same(again(backend.array(X + i)), 2 * (X + i))
    same(backend.read(handle), 7 * X + 15)


def scope(backend):
    outside, inside = backend.scope(), []

    def look(x):
        inside.append((backend.scope(), backend.is_traced(x)))
        assert outside() and inside[-1][0]()
        return x

    backend.jit(look)(backend.array(X))
    assert outside()
    assert not any(usable() for usable, traced in inside if traced)


def is_traced(backend):
    seen = []

    def look(x):
        seen.append(backend.is_traced(x))
        return x

    assert not backend.is_traced(backend.array(X)) and not backend.is_traced(X)
    backend.eval_shape(look, [Spec((2,), "float32")])
    backend.vmap(look, 0, 0)(backend.array(X))
    assert seen[0] is (backend.name != "numpy")  # which knows the shapes of what it computes alone
    assert seen[1] is (backend.name != "numpy")


def set_trainable(backend):
    handle = backend.variable(backend.array(X), True, "v")
    for trainable in (False, True):
        backend.set_trainable(handle, trainable)
        same(backend.read(handle), X)
        if backend.name == "torch":
            assert handle.value.requires_grad is trainable
    whole = backend.variable(backend.array([1, 2], "int32"), False, "n")
    backend.set_trainable(whole, True)  # learns nothing, and is no error
    assert backend.to_numpy(backend.read(whole)).tolist() == [1, 2]


def lay_out_filters(backend):
    for shape in ((3, 3, 2, 4), (5, 1, 4), (1, 2, 2, 3, 3)):
        value = np.arange(np.prod(shape), dtype="float32").reshape(shape)
        handle = backend.variable(backend.array(value), True, "kernel")
        backend.lay_out_filters(handle)
        same(backend.read(handle), value)
        backend.assign(handle, backend.array(2 * value))
        same(backend.read(handle), 2 * value)


def outside_trace(backend):
    made = []

    def step(x):
        if not made:
            with backend.outside_trace():
                made.append(backend.variable(backend.array(X), True, "inside"))
        return x + backend.read(made[-1])

    same(backend.jit(step)(backend.array(X)), 2 * X)
    same(backend.read(made[0]), X)


def without_gradients(backend):
    handle = backend.variable(backend.array(X), True, "v")
    with backend.without_gradients():
        value = backend.read(handle) * 2
    # On PyTorch it could not be read so if it were on the graph of gradients.
    np.testing.assert_allclose(np.asarray(value), 2 * X)


def update_all(backend):
    def momentum(gradient, parameter, slots, rate):
        velocity = slots["velocity"] * 0.5 + gradient
        return parameter - velocity * rate, {"velocity": velocity}

    shapes = [(2, 2), (3,), ()]
    handles = [backend.variable(backend.array(np.ones(s, "float32")), True, "p") for s in shapes]
    kept = [backend.variable(backend.array(np.zeros(s, "float32")), False, "s") for s in shapes]
    memo: dict = {}
    for _ in range(2):
        rows = [
            (backend.array(np.full(s, i + 1.0, "float32")), handle, {"velocity": slot})
            for i, (s, handle, slot) in enumerate(zip(shapes, handles, kept, strict=True))
        ]
        backend.update_all(momentum, rows, memo, backend.array(np.float32(0.1)))
    for i, (handle, slot) in enumerate(zip(handles, kept, strict=True)):
        same(backend.read(slot), np.full(shapes[i], 1.5 * (i + 1)))
        same(backend.read(handle), np.full(shapes[i], 1 - 0.25 * (i + 1)))


def optimizer(backend):
    assert backend.optimizer(object()) is None and backend.optimizer("adam") is None
    if backend.name == "jax":
        optax = pytest.importorskip("optax")
        own, rate = optax.sgd(0.5, momentum=0.9), None
    elif backend.name == "torch":
        torch = pytest.importorskip("torch")
        own, rate = functools.partial(torch.optim.SGD, lr=0.5), 0.5
    else:
        return
    handle = backend.variable(backend.array(X), True, "v")
    made = backend.optimizer(own)
    assert made.learning_rate == rate
    made.build([handle])
    made.apply([backend.array(np.ones_like(X))])
    same(backend.read(handle), X - 0.5)


def foreign(backend):
    torch = pytest.importorskip("torch")
    linear = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    made = backend.foreign("module", linear)
    if backend.name != "torch":
        assert made is None
        return
    assert backend.foreign("module", X) is None
    found = {name: learnt for name, _, learnt in made.handles()}
    assert found["0.weight"] and found["1.bias"] and not found["1.running_mean"]
    handle = {name: handle for name, handle, _ in made.handles()}["1.running_mean"]
    with backend.substitute([handle], [backend.array(np.full(2, 9.0, "float32"))]):
        made(backend.array(X), training=True)
    assert not backend.to_numpy(backend.read(handle)).any()  # the assignment stayed inside
    made(backend.array(X), training=True)
    assert backend.to_numpy(backend.read(handle)).any()


def replica_mean(backend):
    same(backend.replica_mean(backend.array(X)), X)  # several: tests/layers/test_normalization.py


def block(backend):
    tree = {"x": backend.array(X), "y": [backend.array(X)]}
    assert backend.block(tree) is not None


def synchronize(backend):
    x = backend.array(X)
    backend.synchronize()
    same(x, X)


def host(backend):
    with backend.host():
        same(backend.array(X), X)


def bring(backend):
    x = backend.array(X)
    brought = x if backend.bring is None else backend.bring(x)
    same(brought, X)
    assert backend.bring is None or backend.bring("a text") == "a text"


def random_state(backend):
    state = backend.random_state()
    assert all(isinstance(value, np.ndarray) for value in state.values())
    if backend.name == "torch":
        import torch

        drawn = torch.rand(3)
        backend.set_random_state(state)
        assert torch.equal(torch.rand(3), drawn)


def set_random_state(backend):
    backend.set_random_state(backend.random_state())


OPTIONAL = [
    *(in_turn, synchronize, host, bring, random_state, set_random_state, shared, number),
    *(takes_numbers, canonical, copy, is_traced, scope, lay_out_filters, set_trainable),
    *(outside_trace, without_gradients, update_all, optimizer, foreign, replica_mean, block),
    *(check_values, repeating),
]


def test_every_entry_is_tried():
    assert {entry.__name__ for entry in ENTRIES} == Backend.__abstractmethods__
    public = {name for name in vars(Backend) if not name.startswith("_")}
    facts = {"kernel", "compiles", "declines", "mixins", "slow_in_loops", "steps_a_turn"}
    others = public - Backend.__abstractmethods__ - facts
    assert {entry.__name__ for entry in OPTIONAL} == others


@pytest.mark.parametrize("entry", ENTRIES + OPTIONAL, ids=lambda entry: entry.__name__)
def test_entry(backend, entry):
    entry(backend)
