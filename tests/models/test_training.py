"""Training beyond the plain case: own steps, freezing, NaN, callbacks, errors."""

import operator

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.models import dispatch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")).astype("float32")


def line(**kwargs):
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
    model.compile(lamina.optimizers.SGD(0.1), "mse", **kwargs)
    return model


def test_learns_a_line():
    model = line()
    history = model.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < 1e-3 < history["loss"][0]
    assert np.allclose(model.predict(X, verbose=0), Y, atol=0.1)


class Own(lamina.Model):
    """A model with its own step, loss and metric."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.distance = lamina.metrics.Mean(name="distance")

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data

        def loss():
            return ops.mean(ops.absolute(self(x, training=True) - y))

        value, gradients = lamina.value_and_grad(loss, self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.distance.update_state(value)
        return {"distance": self.distance.result()}


@pytest.mark.parametrize("eager", [False, True])
def test_own_train_step(eager):
    model = Own()
    model.compile(optimizer=lamina.optimizers.Adam(0.05), run_eagerly=eager)
    history = model.fit(X, Y, epochs=4, verbose=0).history
    assert list(history) == ["distance"]
    assert history["distance"][-1] < history["distance"][0]


def test_metric_and_state_updated_inside_call():
    class Watch(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.size = lamina.metrics.Mean(name="size")
            self.calls = self.add_weight(
                shape=(), initializer="zeros", trainable=False, name="calls"
            )

        def call(self, x):
            self.calls.assign_add(1.0)
            self.size.update_state(ops.mean(ops.square(x)))
            return self.dense(x)

    model = Watch()
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0).history
    assert float(model.calls) == 8.0
    assert np.allclose(history["size"], np.square(X).mean(), rtol=1e-5)


def test_override_of_compute_loss_and_compute_metrics():
    class Doubled(lamina.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 2.0 * super().compute_loss(x, y, y_pred, sample_weight, training)

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return {**super().compute_metrics(x, y, y_pred, sample_weight), "extra": ops.mean(y)}

    plain, doubled = line(), Doubled([lamina.Input((4,)), layers.Dense(1)])
    doubled.compile("sgd", "mse")
    doubled.set_weights(plain.get_weights())
    logs = doubled.evaluate(X, Y, verbose=0, return_dict=True)
    assert np.isclose(logs["loss"], 2 * plain.evaluate(X, Y, verbose=0), rtol=1e-5)
    assert "extra" in logs


def test_freezing_takes_effect_in_the_middle_of_training():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3), layers.Dense(1)])
    model.compile("sgd", "mse")
    seen = []

    class Freeze(lamina.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(model.layers[0].kernel.numpy())
            model.layers[0].trainable = epoch < 1

    model.fit(X, Y, epochs=4, verbose=0, callbacks=[Freeze()])
    assert not np.allclose(seen[0], seen[1])
    assert np.array_equal(seen[1], seen[2]) and np.array_equal(seen[2], seen[3])


def test_terminate_on_nan_keeps_the_last_finite_weights(capsys):
    model = line()
    x = X.copy()
    x[40] = np.nan
    before = None

    class Keep(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            nonlocal before
            if batch == 1:
                before = model.get_weights()

    model.fit(
        x,
        Y,
        batch_size=16,
        epochs=3,
        shuffle=False,
        verbose=0,
        callbacks=[Keep(), lamina.callbacks.TerminateOnNaN()],
    )
    assert "Batch 2" in capsys.readouterr().out
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_same_seed_same_training():
    def run():
        lamina.utils.set_random_seed(3)
        model = lamina.Sequential(
            [layers.Dense(8, activation="relu"), layers.Dropout(0.5), layers.Dense(1)]
        )
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=2, verbose=0)
        return model.get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(run(), run(), strict=True))


def test_several_steps_in_one_dispatch_train_as_one_by_one():
    x, y = np.tile(X, (20, 1)), np.tile(Y, (20, 1))

    def run(callbacks):
        lamina.utils.set_random_seed(5)
        model = lamina.Sequential(
            [layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(1)]
        )
        model.compile("adam", "mse", metrics=["mae"])
        return model.fit(x, y, epochs=2, batch_size=16, verbose=0, callbacks=callbacks).history

    class Each(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)

    batches = []
    stepwise = run([Each()])
    assert batches[:80] == list(range(80))
    together = run([])
    for key, values in together.items():
        assert np.allclose(values, stepwise[key], rtol=1e-5)


def test_batches_are_put_together_evenly(monkeypatch):
    run = dispatch.Runner.__call__

    def noted(runner, chunk):
        chunks.append(chunk.steps)
        return run(runner, chunk)

    monkeypatch.setattr(dispatch.Runner, "__call__", noted)
    chunks = []

    def traces(batches, network=()):
        found = []
        chunks.clear()

        def loss(y, y_pred):
            found.append(y.shape)
            return lamina.ops.mean(lamina.ops.square(y - y_pred), axis=-1)

        model = lamina.Sequential([lamina.Input((4,)), *network, layers.Dense(1)])
        model.compile("sgd", loss)
        model.fit(np.zeros((8 * batches, 4)), np.zeros((8 * batches, 1)), batch_size=8, verbose=0)
        return len(found)

    backend = lamina.backend.current()
    if not backend.compiles:
        pytest.skip("Every step is run by itself.")
    # 40 batches, not 16 and 16 and a program that runs single ones for the 8 left over, which
    # TensorFlow's loop of them calls.
    less = operator.lt if backend.name == "jax" else operator.eq
    assert traces(40) == traces(48)
    assert less(traces(40), traces(37))
    assert traces(32) == 1
    assert len(chunks) < 32
    traces(32, [layers.Dense(4000), layers.Dense(4000)])
    assert chunks == [1] * 32


def test_a_layer_that_calls_its_framework_directly_trains_in_many_batches():
    class Direct(layers.Layer):
        def call(self, x):
            if isinstance(x, lamina.KerasTensor):
                raise TypeError("The framework takes its own tensors only.")
            return 2 * x

    model = lamina.Sequential([lamina.Input((4,)), Direct(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(np.tile(X, (5, 1)), np.tile(Y, (5, 1)), batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_mixed_precision_float16_scales_the_loss():
    lamina.config.set_dtype_policy("mixed_float16")
    try:
        model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse")
    finally:
        lamina.config.set_dtype_policy(None)
    assert isinstance(model.optimizer, lamina.optimizers.LossScaleOptimizer)
    losses = model.fit(X, Y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_data_of_every_kind_trains_alike():
    pandas = pytest.importorskip("pandas")
    torch = pytest.importorskip("torch")

    class Batches(lamina.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            rows = slice(16 * index, 16 * index + 16)
            return X[rows], Y[rows]

    def generator():
        while True:
            for start in range(0, 64, 16):
                yield X[start : start + 16], Y[start : start + 16]

    start = line().get_weights()

    def final(*data, **kwargs):
        model = line()
        model.set_weights(start)
        model.fit(*data, epochs=2, shuffle=False, verbose=0, **kwargs)
        return model.get_weights()[0]

    expected = final(X, Y, batch_size=16)
    dataset = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    for found in (
        final(X.tolist(), Y.tolist(), batch_size=16),
        final(pandas.DataFrame(X), pandas.Series(Y[:, 0]), batch_size=16),
        final(torch.tensor(X), torch.tensor(Y), batch_size=16),
        final(ops.convert_to_tensor(X), ops.convert_to_tensor(Y), batch_size=16),
        final(Batches(workers=2)),
        final(generator(), steps_per_epoch=4),
        final(torch.utils.data.DataLoader(dataset, batch_size=16)),
    ):
        assert np.allclose(found, expected, rtol=1e-5)


def test_hooks_in_keras_order():
    order = []

    class Log(lamina.callbacks.Callback):
        pass

    for hook in [name for name in dir(lamina.callbacks.Callback) if name.startswith("on_")]:
        setattr(Log, hook, lambda self, *args, _hook=hook, **kwargs: order.append(_hook))
    line().fit(X, Y, batch_size=32, epochs=1, validation_data=(X, Y), verbose=0, callbacks=[Log()])
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_batch_begin", "on_test_batch_end"]
    assert order == [
        "on_train_begin",
        "on_epoch_begin",
        *batch,
        *batch,
        "on_test_begin",
        *test,
        *test,
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": -1},
        {"batch_size": 0},
        {"steps_per_epoch": 0},
        {"validation_split": 1.5},
        {"epochs": 1, "initial_epoch": 2},
        {"validation_freq": 0},
    ],
)
def test_arguments_out_of_range_are_named(arguments):
    with pytest.raises(ValueError, match="|".join(arguments).replace("steps_per_epoch", "steps")):
        line().fit(X, Y, verbose=0, **arguments)


def test_clear_errors():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="compile"):
        model.fit(X, Y)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"sequential.*dense.*size 4, found 3"):
        model.fit(X[:, :3], Y, verbose=0)
    with pytest.raises(ValueError, match=r"64.*63|63.*64"):
        model.fit(X, Y[:-1], verbose=0)
    with pytest.raises(ValueError, match=r"no layer 'nope'.*dense"):
        model.get_layer("nope")
    two = lamina.Model(model.input, [model.output, layers.Dense(2)(model.output)])
    two.compile("sgd", {"nope": "mse"})
    with pytest.raises(ValueError, match="nope"):
        two.fit(X, [Y, Y], verbose=0)


def test_early_stopping_restores_best_weights():
    model = line()
    stop = lamina.callbacks.EarlyStopping(
        monitor="loss", patience=1, restore_best_weights=True, mode="max"
    )
    history = model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop])
    assert len(history.history["loss"]) == 2


def test_gradient_accumulation_matches_large_batches():
    start = line().get_weights()

    def run(batch_size, steps):
        model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
        model.set_weights(start)
        model.compile(lamina.optimizers.SGD(0.1, gradient_accumulation_steps=steps), "mse")
        model.fit(X, Y, batch_size=batch_size, epochs=3, shuffle=False, verbose=0)
        return model.get_weights()

    for a, b in zip(run(32, None), run(16, 2), strict=True):
        assert np.allclose(a, b, rtol=1e-5)


def test_a_loss_of_the_whole_batch_takes_no_sample_weight():
    model = line()
    model.compile("sgd", lambda y, y_pred: ops.mean(ops.square(y - y_pred)))
    with pytest.raises(ValueError, match="one value for each sample"):
        model.fit(X, Y, sample_weight=np.ones(len(X), "float32"), verbose=0)


def test_functions_and_losses_as_metrics_are_called_by_their_names():
    model = line()
    names = [lamina.losses.mean_absolute_error, lamina.losses.MeanAbsoluteError()]
    model.compile("sgd", "mse", metrics=[*names, lambda y, y_pred: ops.abs(y - y_pred)])
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(logs) == ["lambda", "loss", "mean_absolute_error", "mean_absolute_error_1"]
    assert model.metrics_names == [
        "loss", "mean_absolute_error", "lambda", "mean_absolute_error_1"
    ]  # fmt: skip
