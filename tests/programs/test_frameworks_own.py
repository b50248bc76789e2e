"""Programs in the forms that Keras has for one framework alone, as its guides write them."""

import functools

import numpy as np
import pytest

import lamina as keras
from lamina import layers
from lamina.backend import use
from tests.programs.agreement import X, Y, learns, line

torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")
jax = pytest.importorskip("jax")

pytestmark = pytest.mark.every_backend


REFUSED = r"An optimizer is one of lamina\.optimizers"


@pytest.fixture
def on_jax():
    with use("jax"):
        yield


@pytest.fixture
def on_tensorflow():
    with use("tensorflow"):
        yield


# JAX ------------------------------------------------------------------------------------------


class JaxModel(keras.Model):
    """The Keras guide's `train_step(self, state, data)`."""

    def compute_loss_and_updates(
        self, trainable_variables, non_trainable_variables, x, y, training=False
    ):
        y_pred, non_trainable_variables = self.stateless_call(
            trainable_variables, non_trainable_variables, x, training=training
        )
        return self.compute_loss(x, y, y_pred), (y_pred, non_trainable_variables)

    def train_step(self, state, data):
        (
            trainable_variables,
            non_trainable_variables,
            optimizer_variables,
            metrics_variables,
        ) = state
        x, y = data
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable_variables)), grads = grad_fn(
            trainable_variables, non_trainable_variables, x, y, training=True
        )
        trainable_variables, optimizer_variables = self.optimizer.stateless_apply(
            optimizer_variables, grads, trainable_variables
        )
        new_metrics_vars = []
        logs = {}
        for metric in self.metrics:
            this = metrics_variables[
                len(new_metrics_vars) : len(new_metrics_vars) + len(metric.variables)
            ]
            if metric.name == "loss":
                this = metric.stateless_update_state(this, loss)
            else:
                this = metric.stateless_update_state(this, y, y_pred)
            logs[metric.name] = metric.stateless_result(this)
            new_metrics_vars += this
        state = (
            trainable_variables,
            non_trainable_variables,
            optimizer_variables,
            new_metrics_vars,
        )
        return logs, state


def test_train_step_on_state(on_jax):
    inputs = keras.Input((4,))
    hidden = layers.BatchNormalization()(layers.Dense(8, activation="relu")(inputs))
    model = JaxModel(inputs, layers.Dense(1)(hidden))
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse", metrics=["mae"])
    learns(model)
    assert int(model.optimizer.iterations) == 32
    assert model.layers[2].moving_mean.numpy().any()


def test_plain_jax_transformations(on_jax):
    model = line(layers.Dense(4, activation="tanh"), layers.BatchNormalization())
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    trained = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    kept = [v.value for v in optimizer.variables]

    def loss(trained, others, x, y):
        y_pred, others = model.stateless_call(trained, others, x, training=True)
        return jax.numpy.mean((y_pred - y) ** 2), others

    @jax.jit
    def step(trained, others, kept, x, y):
        (value, others), grads = jax.value_and_grad(loss, has_aux=True)(trained, others, x, y)
        trained, kept = optimizer.stateless_apply(kept, grads, trained)
        return value, trained, others, kept

    found = []
    for _ in range(10):
        value, trained, others, kept = step(trained, others, kept, X, Y)
        found.append(float(value))
    assert found[-1] < found[0]
    assert int(optimizer.iterations) == 0  # nothing of the program's is in the variables
    rows = jax.vmap(lambda x: model.stateless_call(trained, others, x[None])[0][0])(X)
    whole, _ = model.stateless_call(trained, others, X)
    np.testing.assert_allclose(rows, whole, rtol=1e-5, atol=1e-5)


def test_optax_behind_compile(on_jax):
    optax = pytest.importorskip("optax")
    model = line(layers.Dense(8, activation="relu"))
    model.compile(optimizer=optax.adam(0.02), loss="mse")
    learns(model)
    with pytest.raises(ValueError, match="does not tell its learning rate"):
        model.fit(
            X, Y, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)]
        )


# TensorFlow -----------------------------------------------------------------------------------


class TapeModel(keras.Model):
    """The Keras guide's step with `tf.GradientTape`."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        trainable_vars = self.trainable_variables
        gradients = tape.gradient(loss, trainable_vars)
        self.optimizer.apply(gradients, trainable_vars)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


@pytest.mark.parametrize("eager", [False, True])
def test_tape_in_train_step(on_tensorflow, eager):
    inputs = keras.Input((4,))
    hidden = layers.BatchNormalization()(layers.Dense(8, activation="relu")(inputs))
    model = TapeModel(inputs, layers.Dense(1)(hidden))
    model.compile(
        optimizer=keras.optimizers.Adam(0.05), loss="mse", metrics=["mae"], run_eagerly=eager
    )
    learns(model)
    assert model.layers[2].moving_mean.numpy().any()


@pytest.mark.parametrize("graph", [False, True])
def test_plain_tensorflow_loop(on_tensorflow, graph):
    model = line(layers.Dense(8, activation="relu"), layers.Dropout(0.1))
    optimizer, loss_fn = keras.optimizers.SGD(0.05), keras.losses.MeanSquaredError()
    train_metric = keras.metrics.MeanAbsoluteError()

    def train_step(x, y):
        with tf.GradientTape() as tape:
            predicted = model(x, training=True)
            loss_value = loss_fn(y, predicted) + sum(model.losses)
        grads = tape.gradient(loss_value, model.trainable_weights)
        optimizer.apply(grads, model.trainable_weights)
        train_metric.update_state(y, predicted)
        return loss_value

    step = tf.function(train_step) if graph else train_step
    optimizer.build(model.trainable_variables)
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    epochs = [[float(step(x, y)) for x, y in dataset] for _ in range(6)]
    assert sum(epochs[-1]) < 0.8 * sum(epochs[0])
    assert int(optimizer.iterations) == 24
    assert float(train_metric.result()) > 0


def test_layers_in_tf_data(on_tensorflow):
    scale, embed = layers.Rescaling(0.5, offset=1.0), layers.Embedding(10, 3)
    embed.build((None,))
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(8).map(scale)
    np.testing.assert_allclose(np.concatenate(list(dataset)), X / 2 + 1, rtol=1e-6)
    words = tf.data.Dataset.from_tensor_slices(np.arange(8)).batch(4).map(embed)
    np.testing.assert_allclose(np.concatenate(list(words)), embed.embeddings.numpy()[:8])
    model = line()
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8).map(lambda x, y: (scale(x), y))
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()


def test_variables_are_operands_of_tensorflow(on_tensorflow):
    layer = layers.Dense(3)
    layer.build((None, 4))
    expected = X @ layer.kernel.numpy()
    np.testing.assert_allclose(tf.matmul(X, layer.kernel), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tf.nn.bias_add(X @ layer.kernel.numpy(), layer.bias), expected)


# Wrong combinations ---------------------------------------------------------------------------


def test_checkpoints_of_tensorflow(on_tensorflow, tmp_path):
    """The model and its optimizer, with what the program keeps beside them."""

    def made():
        inputs = keras.Input((X.shape[1],))
        hidden = layers.Dropout(0.1)(layers.BatchNormalization()(layers.Dense(3)(inputs)))
        inner = keras.Sequential([layers.Dense(4), layers.Dense(Y.shape[1])])
        model = keras.Model(inputs, inner(hidden))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        model.optimizer.build(model.trainable_variables)
        return model, tf.Variable(0)

    (first, step), (second, other) = made(), made()
    first.fit(X, Y, verbose=0)
    step.assign(3)
    saved = tf.train.Checkpoint(model=first, optimizer=first.optimizer, step=step)
    path = tf.train.CheckpointManager(saved, tmp_path, max_to_keep=2).save()
    read = tf.train.Checkpoint(model=second, optimizer=second.optimizer, step=other)
    read.restore(path).assert_consumed()
    assert int(other) == 3
    same = {"shuffle": False, "verbose": 0}
    assert first.fit(X, Y, **same).history == second.fit(X, Y, **same).history
    assert first.optimizer.iterations.numpy() == second.optimizer.iterations.numpy() > 1


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_optax_elsewhere_is_refused(backend):
    optax = pytest.importorskip("optax")
    with use(backend), pytest.raises(ValueError, match=f"{REFUSED}.*{backend}.*optax"):
        line().compile(optimizer=optax.adam(0.1), loss="mse")


@pytest.mark.parametrize("made", [torch.optim.AdamW, functools.partial(torch.optim.SGD, lr=0.1)])
def test_torch_optim_elsewhere_is_refused(on_jax, made):
    with pytest.raises(ValueError, match=f"{REFUSED}.*'jax'"):
        line().compile(optimizer=made, loss="mse")


def test_torch_module_on_jax_is_refused(on_jax):
    with pytest.raises(ValueError, match=r"torch\.nn\.Module on the PyTorch backend.*'jax'"):
        layers.TorchModuleWrapper(torch.nn.Linear(3, 4))
