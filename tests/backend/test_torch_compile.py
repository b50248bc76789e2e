"""`jit_compile=True` on PyTorch: one graph for each shape, and the results of plain PyTorch."""

import shutil
import warnings

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import use

torch = pytest.importorskip("torch")
_get_current_function_mode = torch.overrides._get_current_function_mode
inductor = pytest.importorskip("torch._inductor")

pytestmark = [
    pytest.mark.every_backend,
    # PyTorch's own, when it starts its compiler.
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),
]
X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = X[:, :1] - X[:, 1:2]


@pytest.fixture(autouse=True)
def on_torch():
    with use("torch"):
        lamina.utils.set_random_seed(5)
        yield


@pytest.fixture
def graphs(monkeypatch):
    """The graphs compiled, which run as they are: PyTorch's compiler takes long."""
    found = []

    def quick(graph, given):
        found.append(graph)
        return graph

    monkeypatch.setattr(inductor, "compile", quick)
    return found


def network(*inner):
    return lamina.Sequential(
        [
            lamina.Input((4,)),
            layers.Dense(8, activation="relu", use_bias=False),
            layers.BatchNormalization(momentum=0.8),
            *inner,
            layers.Dense(1),
        ]
    )


def trained(jit_compile, x=X, y=Y, **options):
    lamina.utils.set_random_seed(5)
    model = network()
    model.compile(
        lamina.optimizers.Adam(0.02), "mse", metrics=["mae"], jit_compile=jit_compile, **options
    )
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    return history, model


def check_same_training():
    (expected, plain), (found, model) = trained(False), trained(True)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4)
    assert found["loss"][-1] < 0.9 * found["loss"][0]
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert int(model.optimizer.iterations) == 12
    np.testing.assert_allclose(
        model.predict(X, verbose=0), plain.predict(X, verbose=0), rtol=1e-3, atol=1e-4
    )
    return model


def test_trains_as_plain_pytorch_does(graphs):
    check_same_training()
    assert len(graphs) == 2  # a step of training, a step of prediction


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="Inductor needs a C++ compiler")
def test_trains_by_inductor():
    check_same_training()


def test_one_graph_for_each_shape(graphs):
    calls = []

    @lambda function: lamina.jit(function, jit_compile=True)
    def double(x):
        calls.append(1)
        return x * 2

    for size in (2, 3, 2, 3, 2):
        np.testing.assert_array_equal(double(np.ones(size, "float32")), np.full(size, 2.0))
    assert len(graphs) == len(calls) == 2
    model = network()
    model.compile("sgd", "mse", jit_compile=True)
    model.fit(X[:28], Y[:28], batch_size=8, epochs=2, verbose=0)  # the last batch has 4 rows
    assert len(graphs) == 4
    model.fit(X, Y, batch_size=1, verbose=0)  # as many batches as several to a dispatch need
    assert len(graphs) == 5


def test_variables_are_read_and_updated(graphs):
    count, weight = lamina.Variable(0, dtype="int32"), lamina.Variable([1.0, 2.0])

    @lambda function: lamina.jit(function, jit_compile=True)
    def step(x):
        count.assign_add(1)
        weight.assign(weight * x)
        return ops.sum(weight)

    assert [float(step(2.0)), float(step(3.0))] == [6.0, 18.0]
    weight.assign([1.0, 1.0])
    assert float(step(2.0)) == 4.0
    assert (int(count), weight.numpy().tolist()) == (3, [2.0, 2.0])
    assert len(graphs) == 1


def test_variables_that_came_to_lie_otherwise_make_another_graph(graphs):
    weight = lamina.Variable(np.arange(6.0).reshape(2, 3))
    doubled = lamina.jit(lambda: weight * 2, jit_compile=True)
    doubled()
    weight.value.data = torch.ones(3, 2).T
    np.testing.assert_array_equal(ops.convert_to_numpy(doubled()), np.full((2, 3), 2.0))
    doubled()
    assert len(graphs) == 2


def test_nothing_watches_compiled_steps(monkeypatch):
    watching = []

    def quick(graph, given):
        def run(*tensors):
            watching.append(_get_current_function_mode())
            return graph(*tensors)

        return run

    monkeypatch.setattr(inductor, "compile", quick)
    model = network()
    model.compile("sgd", "mse", jit_compile=True)
    model.fit(np.tile(X, (4, 1)), np.tile(Y, (4, 1)), batch_size=2, verbose=0)
    assert watching == [None] * 64


def test_frozen_layers_make_another_graph(graphs):
    model = network()
    model.compile("sgd", "mse", jit_compile=True)
    model.train_on_batch(X, Y)
    before = model.layers[-1].kernel.numpy()
    model.layers[-1].trainable = False
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[-1].kernel.numpy(), before)
    model.layers[-1].trainable = True
    model.train_on_batch(X, Y)
    assert abs(model.layers[-1].kernel.numpy() - before).max() > 0
    assert len(graphs) == 2


def test_dropout_is_another_each_step(graphs):
    layer = layers.Dropout(0.5)
    drop = lamina.jit(lambda x: layer(x, training=True), jit_compile=True)
    found = [ops.convert_to_numpy(drop(np.ones(1000, "float32"))) for _ in range(3)]
    assert len(graphs) == 1
    for one in found:
        assert 0.4 < (one == 0).mean() < 0.6
        assert set(np.unique(one)) == {0.0, 2.0}
    assert not np.array_equal(found[0], found[1]) and not np.array_equal(found[1], found[2])


def test_what_cannot_be_compiled_runs_as_it_is_with_one_warning(graphs):
    @lambda function: lamina.jit(function, jit_compile=True)
    def branches(x):
        return x * 2 if float(ops.sum(x)) > 0 else -x

    with pytest.warns(UserWarning, match="PyTorch cannot compile 'branches'.*uncompiled") as told:
        np.testing.assert_array_equal(branches(np.ones(2, "float32")), [2.0, 2.0])
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(branches(-np.ones(2, "float32")), [1.0, 1.0])
    assert not graphs


def test_an_error_of_the_program_is_told(graphs):
    step = lamina.jit(lambda x: ops.matmul(x, np.ones((5, 2), "float32")), jit_compile=True)
    with pytest.raises(ValueError, match="5"):
        step(X)
    assert step(np.ones((3, 5), "float32")).shape == (3, 2)
    assert len(graphs) == 1  # an error is no reason to give up compiling


class Plain(lamina.Model):
    """A model of two layers."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(8, activation="relu")
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def seen_by_dynamo(model, x):
    """The graphs that `torch.compile(model)` makes of a call, and the result."""
    found = []

    def backend(graph, inputs):
        found.append(graph)
        return graph.forward

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return found, torch.compile(model, backend=backend)(x)


def test_users_compile_models():
    model = Plain()
    x = torch.from_numpy(X)
    expected = model(x)
    found, result = seen_by_dynamo(model, x)
    torch.testing.assert_close(result, expected)
    assert len(found) == 1  # without a break
    result.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_users_compile_models_with_state():
    model, twin = network(), network()
    twin.set_weights(model.get_weights())
    x = torch.from_numpy(X)
    for one in (model, twin):
        one.train()
    _, result = seen_by_dynamo(model, x)
    torch.testing.assert_close(result, twin(x))
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
