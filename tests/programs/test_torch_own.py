"""A model as a module of PyTorch's, modules as layers, and Keras's programs for PyTorch alone."""

import copy
import functools

import numpy as np
import pytest

import lamina as keras
from lamina import layers
from lamina.backend import use
from tests.programs.agreement import X, Y, learns, line

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.every_backend


@pytest.fixture
def on_torch():
    with use("torch"):
        keras.utils.set_random_seed(7)
        yield


class TorchModel(keras.Model):
    """The Keras guide's "Customizing what happens in fit() with PyTorch"."""

    def train_step(self, data):
        if len(data) == 3:
            x, y, sample_weight = data
        else:
            sample_weight = None
            x, y = data
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        loss.backward()
        trainable_weights = list(self.trainable_weights)
        gradients = [v.value.grad for v in trainable_weights]
        with torch.no_grad():
            self.optimizer.apply(gradients, trainable_weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_backward_in_train_step(on_torch):
    inputs = keras.Input((4,))
    hidden = layers.BatchNormalization()(layers.Dense(8, activation="relu")(inputs))
    model = TorchModel(inputs, layers.Dense(1)(hidden))
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse", metrics=["mae"])
    learns(model)
    model.fit(X, Y, sample_weight=np.ones(32), verbose=0)
    assert set(model.evaluate(X, Y, verbose=0, return_dict=True)) == {"loss", "mae"}
    plain = keras.Model.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    plain.compile(keras.optimizers.SGD(0.1), "mse")
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=[])
    both = [one.train_on_batch(X, Y) for one in (model, plain)]
    np.testing.assert_allclose(*both, rtol=1e-5)
    for own, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)


def test_plain_torch_loop(on_torch):
    model = line(layers.Dense(8, activation="relu"), layers.Dropout(0.1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    loss_fn = torch.nn.MSELoss()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=8
    )
    epochs = []
    for _ in range(8):
        found = []
        for inputs, targets in loader:
            loss = loss_fn(model(inputs, training=True), targets)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        epochs.append(sum(found))
    assert epochs[-1] < 0.8 * epochs[0]


def network():
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )


def test_a_model_is_a_module(on_torch):
    model = network()
    assert isinstance(model, torch.nn.Module)
    named = dict(model.named_parameters())
    assert [tuple(one.shape) for one in named.values()] == [(4, 6), (6,), (6,), (6,), (6, 1), (1,)]
    assert len(list(model.parameters())) == 6
    buffers = {name.rpartition(".")[2] for name, _ in model.named_buffers()}
    assert {"moving_mean", "moving_variance"} <= buffers
    assert set(model.state_dict()) == {*named, *dict(model.named_buffers())}
    assert next(model.parameters()) is model.layers[0].kernel.value
    assert model.layers[0] in model.children()


def test_state_dict_round_trip(on_torch):
    model, later = network(), network()
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    kept = copy.deepcopy(model.state_dict())
    expected = model.predict(X, verbose=0)
    assert not np.allclose(later.predict(X, verbose=0), expected)
    result = later.load_state_dict(kept)
    assert not result.missing_keys and not result.unexpected_keys
    np.testing.assert_array_equal(later.predict(X, verbose=0), expected)
    model.fit(X, Y, verbose=0)
    model.load_state_dict(kept)
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)
    with pytest.raises(RuntimeError, match="Missing key"):
        later.load_state_dict({})


def test_to_and_half(on_torch):
    model = network()
    assert model.to("cpu") is model
    before = model.get_weights()
    for convert in (model.half, model.double, lambda: model.to(torch.bfloat16)):
        with pytest.raises(TypeError, match=r"dtype policy.*Nothing was changed"):
            convert()
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_inside_a_larger_module(on_torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()
            self.out = torch.nn.Linear(1, 1)

        def forward(self, x):
            return self.out(self.inner(x))

    net = Net()
    assert len(list(net.parameters())) == 8
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    kernel, mean = net.inner.layers[0].kernel, net.inner.layers[1].moving_mean
    before, mean_before = kernel.numpy(), mean.numpy()
    net.train()
    assert not torch.equal(net(x), net(x))  # dropout
    found = []
    for _ in range(20):
        loss = torch.nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < found[0]
    assert abs(kernel.numpy() - before).max() > 1e-4
    assert abs(mean.numpy() - mean_before).max() > 1e-4
    net.eval()
    assert torch.equal(net(x), net(x))
    mean_before = mean.numpy()
    net(x)
    np.testing.assert_array_equal(mean.numpy(), mean_before)


def test_train_and_eval_are_what_training_is_by_default(on_torch):
    model = network()
    model.train()
    assert model.training and not torch.equal(model(X), model(X))
    assert torch.equal(model(X, training=False), model(X, training=False))
    model.eval()
    assert not model.training and torch.equal(model(X), model(X))


def test_freezing(on_torch):
    model = network()
    model.layers[0].trainable = False
    frozen = [one.requires_grad for one in model.parameters()]
    assert frozen == [False, False, True, True, True, True]
    model.requires_grad_(False)
    assert not model.trainable_variables and not any(p.requires_grad for p in model.parameters())
    model.requires_grad_(True)
    model(X).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_modules_as_attributes(on_torch):
    body = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU())

    class Mixed(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = body
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(self.body(x))

    model = Mixed()
    model.compile(keras.optimizers.Adam(0.02), "mse")
    before = body[0].weight.detach().clone()
    learns(model)
    assert len(model.trainable_variables) == 6
    assert not torch.equal(body[0].weight, before)
    assert body[1].running_mean.abs().max() > 1e-3
    assert int(body[1].num_batches_tracked) == 32
    count = int(body[1].num_batches_tracked)
    assert np.array_equal(model.predict(X, verbose=0), model.predict(X, verbose=0))
    assert int(body[1].num_batches_tracked) == count


def test_wrapped_modules_in_a_functional_model(on_torch, capsys):
    inputs = keras.Input((4,))
    hidden = layers.TorchModuleWrapper(torch.nn.Linear(4, 5))(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.ReLU()(hidden)))
    assert hidden.shape == (None, 5)
    model.summary()
    assert "TorchModuleWrapper" in capsys.readouterr().out
    assert model.count_params() == 25 + 6
    model.compile(keras.optimizers.Adam(0.05), "mse")
    learns(model)


def test_variables_are_operands_of_torch(on_torch):
    layer = layers.Dense(3)
    layer.build((None, 4))
    x = torch.from_numpy(X)
    expected = X @ layer.kernel.numpy()
    found = torch.matmul(x, layer.kernel)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-5, atol=1e-6)
    found.sum().backward()
    assert layer.kernel.value.grad is not None
    np.testing.assert_allclose((x @ layer.kernel).detach(), expected, rtol=1e-5, atol=1e-6)
    stacked = torch.cat([layer.bias, layer.bias])
    assert stacked.shape == (6,)
    assert torch.nn.functional.linear(x, layer.kernel.value.T, layer.bias).shape == (32, 3)


@pytest.mark.parametrize(
    "made",
    [
        torch.optim.AdamW,
        functools.partial(torch.optim.AdamW, lr=0.02),
        functools.partial(torch.optim.SGD, lr=0.05, momentum=0.9),
    ],
    ids=["class", "adamw", "sgd"],
)
def test_torch_optim_behind_compile(on_torch, made):
    model = line(layers.Dense(8, activation="relu"))
    model.compile(optimizer=made, loss="mse")
    losses = model.fit(X, Y, batch_size=8, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0] * (1 if made is torch.optim.AdamW else 0.8)


def test_torch_optim_is_the_plain_loop(on_torch):
    model, twin = line(layers.Dense(8)), line(layers.Dense(8))
    twin.set_weights(model.get_weights())
    model.compile(optimizer=functools.partial(torch.optim.RMSprop, lr=0.01), loss="mse")
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    optimizer = torch.optim.RMSprop(twin.parameters(), lr=0.01)
    for _ in range(2):
        for i in range(0, 32, 8):
            loss = torch.nn.functional.mse_loss(twin(X[i : i + 8]), torch.from_numpy(Y[i : i + 8]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_schedules_reach_torch_optim(on_torch):
    model = line()
    model.compile(optimizer=functools.partial(torch.optim.SGD, lr=0.1), loss="mse")
    history = model.fit(
        X,
        Y,
        epochs=3,
        verbose=0,
        callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)],
    ).history
    np.testing.assert_allclose(history["learning_rate"], [0.05, 0.025, 0.0125], rtol=1e-6)
    before = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_may_be_copied(on_torch):
    model = network()
    twin = copy.deepcopy(model)
    expected = model(X).detach().numpy()
    np.testing.assert_array_equal(twin(X).detach().numpy(), expected)
    model.layers[0].kernel.assign(model.layers[0].kernel * 2)
    np.testing.assert_array_equal(twin(X).detach().numpy(), expected)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_hooks_of_modules_see_the_calls_of_layers(on_torch):
    images = keras.Input((6, 6, 1))
    convolved = layers.Conv2D(3, 3, activation="relu", name="seen")(images)
    pooled = layers.GlobalAveragePooling2D()(convolved)
    model = keras.Model(images, layers.Dense(2)(pooled))
    layer, seen, x = model.get_layer("seen"), {}, torch.rand(2, 6, 6, 1)
    hooks = [
        layer.register_forward_hook(lambda one, args, output: seen.update(by=one, out=output)),
        layer.register_full_backward_hook(lambda one, given, grads: seen.update(back=grads[0])),
    ]
    model(x)[:, 0].sum().backward()
    assert seen["by"] is layer
    assert seen["out"].shape == seen["back"].shape == (2, 4, 4, 3)
    before = layer.register_forward_pre_hook(lambda one, args: (args[0] * 2,))
    doubled = model(x)
    before.remove()
    torch.testing.assert_close(doubled, model(2 * x))
    for hook in hooks:
        hook.remove()

    # Steps that were recorded before are not run without their hooks.
    model.compile("sgd", "mse")
    data, counted = np.random.rand(4 * 60, 6, 6, 1).astype("float32"), []
    model.fit(data, np.zeros((4 * 60, 2)), batch_size=4, verbose=0)
    hook = layer.register_forward_hook(lambda *args: counted.append(1))
    model.fit(data, np.zeros((4 * 60, 2)), batch_size=4, verbose=0)
    assert len(counted) == 60
    hook.remove()
    torch.testing.assert_close(copy.deepcopy(model)(x), model(x))


def test_a_model_as_a_function_of_its_parameters(on_torch):
    call, x = torch.func.functional_call, torch.rand(5, 4)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, "tanh"), layers.BatchNormalization(), layers.Dense(1)]
    )
    before = model.get_weights()
    held = {name: one.detach().clone() for name, one in model.named_parameters()}
    state = {name: one.clone() for name, one in model.named_buffers()}

    zeros = {name: torch.zeros_like(one) for name, one in held.items()}
    assert not call(model, zeros, (x,)).any()
    torch.testing.assert_close(call(model, held, (x,)), model(x))
    assert state
    moved = {**held, **{name: one + 1 for name, one in state.items()}}
    assert not torch.equal(call(model, moved, (x,)), model(x))

    def loss(parameters, x):
        return (call(model, parameters, (x,)) ** 2).sum()

    gradients = torch.func.grad(loss)(held, x)
    loss(dict(model.named_parameters()), x).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad)
    each = torch.func.vmap(torch.func.grad(loss), (None, 0))(held, x[:, None])
    for name, gradient in gradients.items():
        torch.testing.assert_close(each[name].sum(0), gradient)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)

    assert model.get_submodule("dense_1") is model.layers[-1]
    assert not hasattr(model, "dense_1")  # for a program of Keras, a layer is no attribute


def test_layers_register_tensors(on_torch):
    class Scaled(layers.Layer):
        def __init__(self):
            super().__init__()
            self.register_buffer("offset", torch.ones(3))
            self.register_buffer("passing", torch.ones(3), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("scale", torch.nn.Parameter(torch.full((3,), 2.0)))

        def call(self, x):
            return torch.mul(x, self.scale) + self.offset + self.passing

    model = keras.Sequential([keras.Input((3,)), Scaled()])
    assert model(torch.ones(2, 3)).tolist() == [[4.0] * 3] * 2
    assert list(model.state_dict()) == ["scaled.scale", "scaled.offset"]
    assert [one.name for one in model.trainable_weights] == ["scale"]
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 3)), np.zeros((8, 3)), verbose=0)
    assert (model.layers[0].scale.numpy() < 2).all()
    assert model.layers[0].offset.numpy().tolist() == [1.0] * 3
