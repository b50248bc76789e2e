"""Steps of training that PyTorch repeats without their Python: the same numbers, and only where
nobody could tell.
"""

import numpy as np
import pytest

import lamina
from lamina import callbacks, layers, metrics, ops, optimizers
from lamina.backend import use

torch = pytest.importorskip("torch")
repetition = pytest.importorskip("lamina.backend.torch.repetition")

pytestmark = pytest.mark.every_backend

ROWS = 4 * 64 + 2  # the last batch is smaller
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 6)).astype("float32")
IMAGES = RANDOM.normal(size=(ROWS, 6, 6, 2)).astype("float32")
TOKENS = RANDOM.integers(0, 5, (ROWS, 6))
Y = (X[:, :1] - np.sin(X[:, 1:2])).astype("float32")
CLASSES = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)


@pytest.fixture(autouse=True)
def on_torch():
    with use("torch"):
        yield


@pytest.fixture
def programs(monkeypatch):
    """The recordings that were made to be repeated."""
    made = []
    program = repetition._Record.program
    monkeypatch.setattr(
        repetition._Record, "program", lambda self: made.append(self) or program(self)
    )
    return made


def trained(make, x, y, monkeypatch, enough, epochs=2, **options):
    """The history, the weights and what `predict` returns."""
    monkeypatch.setattr(repetition, "ENOUGH", enough)
    lamina.backend.clear_session(free_memory=False)
    lamina.utils.set_random_seed(3)
    model, arguments = make()
    model.compile(**arguments)
    fitted = model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, **options)
    evaluated = model.evaluate(x, y, batch_size=4, verbose=0)
    outputs = model.predict(x, batch_size=4, verbose=0)
    state = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return fitted.history, evaluated, outputs, state


def dense():
    model = lamina.Sequential(
        [
            lamina.Input((6,)),
            layers.Dense(8, activation="gelu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GaussianNoise(0.1),
            layers.Dense(1),
        ]
    )
    rate = optimizers.schedules.CosineDecay(0.01, 60)
    return model, {
        "optimizer": optimizers.AdamW(rate, clipnorm=1.0, use_ema=True),
        "loss": "mse",
        "metrics": ["mae", "r2_score" if hasattr(metrics, "R2Score") else "mape"],
    }


def convolution():
    model = lamina.Sequential(
        [
            lamina.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.SeparableConv2D(4, 2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    options = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    return model, {"optimizer": optimizers.SGD(0.05, momentum=0.9, nesterov=True), **options}


def attention():
    inputs = lamina.Input((6,), dtype="int32")
    x = layers.Embedding(5, 8)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x))
    outputs = layers.Dense(3)(layers.GlobalAveragePooling1D()(x))
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = lamina.Model(inputs, outputs)
    return model, {"optimizer": optimizers.RMSprop(0.01, weight_decay=0.01), "loss": loss}


def recurrent():
    model = lamina.Sequential(
        [layers.Embedding(5, 4, mask_zero=True), layers.GRU(5), layers.Dense(3)]
    )
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, {"optimizer": "adam", "loss": loss, "weighted_metrics": ["accuracy"]}


def binary():
    model = lamina.Sequential([lamina.Input((6,)), layers.Dense(1, activation="sigmoid")])
    counts = [metrics.AUC(num_thresholds=20), metrics.Precision()]  # named tuples inside
    return model, {"optimizer": "nadam", "loss": "binary_crossentropy", "metrics": counts}


@pytest.mark.parametrize(
    ("make", "x", "y"),
    [
        (dense, X, Y),
        pytest.param(convolution, IMAGES, CLASSES, marks=pytest.mark.slow),
        (attention, TOKENS, CLASSES),
        (binary, X, (CLASSES > 0)[:, None]),
        pytest.param(recurrent, TOKENS, CLASSES, marks=pytest.mark.slow),
    ],
)
def test_numbers_stay_as_they_are(make, x, y, monkeypatch, programs):
    plain = trained(make, x, y, monkeypatch, 10**9)
    assert not programs
    repeated = trained(make, x, y, monkeypatch, 1)
    assert programs or make is recurrent
    assert plain[0] == repeated[0]
    assert plain[1] == repeated[1]
    np.testing.assert_array_equal(plain[2], repeated[2])
    for one, other in zip(plain[3], repeated[3], strict=True):
        np.testing.assert_array_equal(one, other)


class Counting(layers.Layer):
    calls = 0

    def call(self, x):
        Counting.calls += 1
        return x * 1.0


def test_python_of_the_users_runs_every_time(programs):
    Counting.calls = 0
    model = lamina.Sequential([lamina.Input((6,)), Counting(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    assert Counting.calls >= 65
    assert not programs


def test_functions_of_the_users_run_every_time(programs):
    seen = []

    def loss(y_true, y_pred):
        seen.append(1)
        return ops.mean(ops.square(y_true - y_pred), axis=-1)

    model = lamina.Sequential([lamina.Input((6,)), layers.Dense(1)])
    model.compile("sgd", loss)
    model.fit(X, Y, batch_size=4, verbose=0)
    assert len(seen) == 65
    assert not programs


def small():
    return lamina.Sequential([lamina.Input((6,)), layers.Dense(4), layers.Dense(1)])


def test_callbacks_of_batches_and_eager_steps_leave_no_recordings(programs):
    model = small()
    model.compile("sgd", "mse")
    hear = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[hear])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, batch_size=4, verbose=0)
    assert not programs


def test_what_changes_between_epochs_is_seen(programs):
    class Between(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.optimizer.learning_rate = 0.0
            elif epoch == 1:
                self.model.optimizer.learning_rate = 0.1
                self.model.layers[0].trainable = False
            states.append([v.numpy() for v in self.model.weights])

    states = []
    model = small()
    model.compile(optimizers.SGD(0.1), "mse")
    model.fit(X, Y, batch_size=4, verbose=0, epochs=3, callbacks=[Between()])
    assert len(programs) == 3
    for before, after in zip(states[0], states[1], strict=True):
        np.testing.assert_array_equal(before, after)  # the rate was 0
    np.testing.assert_array_equal(states[1][0], states[2][0])  # frozen
    assert not np.array_equal(states[1][2], states[2][2])


def test_attributes_of_an_optimizer_are_seen():
    weight = lamina.Variable([1.0, 2.0])
    optimizer = optimizers.SGD(1.0, momentum=0.5)
    optimizer.apply([np.ones(2, "float32")], [weight])
    optimizer.momentum = 0.0
    before = weight.numpy()
    optimizer.apply([np.ones(2, "float32")], [weight])
    np.testing.assert_allclose(before - weight.numpy(), 1.0)


def test_an_error_in_a_repeated_step_leaves_gradients_on():
    def step(x):
        with torch.no_grad():
            return torch.log(x) * 2

    again = repetition.repeating(step, 100)
    inner = repetition.repeating(lambda x: x, 100)
    assert inner(torch.ones(2)).tolist() == [1.0, 1.0]
    record = repetition._Record([x := torch.ones(2)])
    with record:
        result = step(x)
    record.finish(result)
    with pytest.raises(TypeError):
        record.program()([None])
    assert torch.is_grad_enabled()
    assert again(torch.ones(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (lambda x: x * float(x.sum()), "values"),
        (lambda x: x if x.sum() > 0 else -x, "values"),
        (lambda x: torch.zeros(()).add_(x.sum()), "constant"),
        (lambda x: torch.func.grad(lambda y: (y**2).sum())(x), "transformation"),
        (lambda x: lamina.ops.custom_gradient(lambda y: (y, lambda g: g))(x) * 2, "gradient"),
    ],
)
def test_what_cannot_be_repeated_is_refused(step, reason):
    record = repetition._Record([x := torch.ones(3)])
    with record:
        result = step(x)
    record.finish(result)
    assert reason in record.refusal


def test_a_step_that_decides_anew_is_not_repeated():
    count = iter(range(100))
    records = []
    for _ in range(2):
        record = repetition._Record([x := torch.ones(3)])
        with record:
            result = x * next(count)
        record.finish(result)
        records.append(record)
    assert not records[1].agrees(records[0])
