"""Callbacks on scripted logs; the decisions are those of Keras 3.15."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from lamina.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
    wants_batches,
)

NAN = float("nan")


class Model(SimpleNamespace):
    """A model whose only weight is the number of the last epoch."""

    def get_weights(self):
        return self.weight

    def set_weights(self, weight):
        self.weight = weight


def train(callback, values, monitor="val_loss", **attributes):
    model = Model(stop_training=False, weight=None, **attributes)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weight = epoch
        callback.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return model


@pytest.mark.parametrize(
    ("values", "arguments", "expected"),  # expected: stopped epoch, best, best epoch, wait, weight
    [
        ([1, 0.9, 0.95, 0.94, 0.93, 0.8], {"patience": 2}, (3, 0.9, 1, 2, 3)),
        (
            [1, 0.9, 0.95, 0.94, 0.93],
            {"patience": 2, "restore_best_weights": True},
            (3, 0.9, 1, 2, 1),
        ),
        (
            [1, 0.9, 0.8, 0.85],
            {"patience": 2, "restore_best_weights": True},
            (0, 0.8, 2, 1, 2),
        ),
        ([1, 0.9, 0.95, 0.94], {}, (2, 0.9, 1, 1, 2)),
        ([1, 0.9, 0.85], {"patience": 1, "min_delta": 0.1}, (1, 1, 0, 1, 1)),
        ([1, 0.9, 0.85], {"patience": 1, "min_delta": -0.1}, (1, 1, 0, 1, 1)),
        ([1, 0.9, 0.85, 0.8], {"patience": 1, "baseline": 0.5}, (0, 0.8, 3, 4, 3)),
        ([1, 0.4, 0.85], {"patience": 1, "baseline": 0.5}, (2, 0.4, 1, 1, 2)),
        ([1, 0.9, 0.95, 0.94, 0.93], {"patience": 1, "start_from_epoch": 3}, (0, 0.93, 4, 0, 4)),
        ([0.1, 0.2, 0.1], {"mode": "max"}, (2, 0.2, 1, 1, 2)),
        ([1, NAN, NAN, 0.5], {"patience": 2}, (2, 1, 0, 2, 2)),
        ([NAN, 1, 2], {}, (2, 1, 1, 1, 2)),  # Keras takes NaN for the best
    ],
)
def test_early_stopping_decides(values, arguments, expected):
    stopping = EarlyStopping(**arguments)
    model = train(stopping, values)
    state = (stopping.stopped_epoch, stopping.best, stopping.best_epoch, stopping.wait)
    assert (*state, model.weight) == expected
    assert model.stop_training == (expected[0] > 0)


def test_early_stopping_speaks(capsys):
    train(EarlyStopping(verbose=1, restore_best_weights=True), [1, 2])
    assert capsys.readouterr().out == (
        "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"
    )


@pytest.mark.parametrize(
    ("monitor", "higher"),
    [("val_accuracy", True), ("val_auc", True), ("mean_absolute_error", False), ("loss", False)],
)
def test_the_mode_is_told_from_the_name(monitor, higher):
    stopping = EarlyStopping(monitor)
    train(stopping, [0.1, 0.2], monitor)
    assert stopping.best == (0.2 if higher else 0.1)


def test_the_mode_is_told_from_the_metric():
    metric = SimpleNamespace(name="foo", _direction="up")
    stopping = EarlyStopping("val_foo")
    train(stopping, [0.1, 0.2], "val_foo", metrics=[SimpleNamespace(metrics=[metric])])
    assert stopping.best == 0.2
    with pytest.raises(ValueError, match="Pass `mode='max'` or `mode='min'`"):
        train(EarlyStopping("val_foo"), [0.1, 0.2], "val_foo")
    with pytest.warns(UserWarning, match="'bad' is unknown"):
        EarlyStopping(mode="bad")


def test_an_unknown_monitor_is_named_with_the_known_ones():
    callbacks = CallbackList(EarlyStopping("val_acc"))
    with pytest.raises(ValueError, match=r"Did you mean 'val_accuracy'\? Available metrics: loss"):
        callbacks.check_before_training(["loss", "val_accuracy"])
    with pytest.warns(UserWarning, match="Available metrics: loss") as caught:
        train(EarlyStopping("val_acc"), [1, 2, 3], "loss")
    assert len(caught) == 1


def rates(callback, values, rate=1.0):
    optimizer = SimpleNamespace(learning_rate=np.float32(rate))
    callback.set_model(SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    seen = []
    for epoch, value in enumerate(values):
        logs = {"val_loss": value}
        callback.on_epoch_end(epoch, logs)
        seen.append(round(logs["learning_rate"], 6))
    return [*seen, round(float(optimizer.learning_rate), 6)]


@pytest.mark.parametrize(
    ("values", "arguments", "expected"),
    [
        ([1] * 7, {"patience": 2}, [0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.0001]),
        (
            [1] * 6,
            {"patience": 1, "cooldown": 2, "min_lr": 0.005},
            [0.1, 0.1, 0.01, 0.01, 0.005, 0.005, 0.005],
        ),
        ([1, 0.99995, 0.9998], {"patience": 1}, [0.1, 0.1, 0.01, 0.01]),
        ([1, 1, 1], {"patience": 0}, [0.1, 0.1, 0.01, 0.001]),
        ([1, 0.5], {"patience": 1, "epsilon": 3}, [0.1, 0.1, 0.01]),
    ],
)
def test_plateaus_reduce_the_rate(values, arguments, expected):
    assert rates(ReduceLROnPlateau(**arguments), values, 0.1) == expected


def test_plateau_arguments_are_checked(capsys):
    with pytest.raises(ValueError, match="factor >= 1"):
        ReduceLROnPlateau(factor=1.0)
    with pytest.raises(TypeError, match="bad"):
        ReduceLROnPlateau(bad=2)
    rates(ReduceLROnPlateau(patience=1, factor=0.5, verbose=1), [1, 1])
    text = "\nEpoch 2: ReduceLROnPlateau reducing learning rate to 0.5.\n"
    assert capsys.readouterr().out == text


def test_schedules_of_one_and_two_arguments(capsys):
    model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1.0))
    for schedule, expected in ((lambda epoch, rate: rate / 4, 0.25), (lambda epoch: epoch, 3)):
        callback = LearningRateScheduler(schedule, verbose=1)
        callback.set_model(model)
        callback.on_epoch_begin(3)
        logs = {}
        callback.on_epoch_end(3, logs)
        assert logs == {"learning_rate": expected}
    text = "\nEpoch 4: LearningRateScheduler setting learning rate to 0.25.\n"
    assert capsys.readouterr().out.startswith(text)


@pytest.mark.parametrize(("rate", "text"), [("a", "float"), (NAN, "nan"), (-1.0, "at least 0")])
def test_schedules_must_give_a_rate(rate, text):
    callback = LearningRateScheduler(lambda epoch: rate)
    callback.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1.0)))
    with pytest.raises(ValueError, match=text):
        callback.on_epoch_begin(0)
    callback.model.optimizer.learning_rate = object()
    with pytest.raises(TypeError, match="not a number"):
        callback.on_epoch_end(0, {})


def test_terminate_on_nan_raises_where_asked():
    guard = TerminateOnNaN(raise_error=True)
    guard.set_model(SimpleNamespace(stop_training=False))
    guard.on_train_batch_end(2, {"loss": np.float32(1)})
    assert not guard.model.stop_training
    with pytest.raises(RuntimeError, match=r"batch 3\. Loss value: inf"):
        guard.on_train_batch_end(3, {"loss": np.float32("inf")})
    assert guard.model.stop_training


def logged(path, epochs, **arguments):
    logger = CSVLogger(path, **arguments)
    logger.on_train_begin()
    for epoch, logs in epochs:
        logger.on_epoch_end(epoch, logs)
    logger.on_train_end()
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=arguments.get("separator", ",")))


def test_csv_columns_are_those_of_keras(tmp_path):
    path = tmp_path / "log.csv"
    epochs = [(0, {"loss": 1.0, "acc": 0}), (1, {"loss": np.float32(0.5), "val_loss": 2.0})]
    rows = [
        ["epoch", "acc", "loss", "val_acc", "val_loss"],
        ["0", "0", "1.0", "NA", "NA"],
        ["1", "NA", "0.5", "NA", "2.0"],
    ]
    assert logged(path, epochs) == rows
    more = [["2", "NA", "NA", "NA", "3.0"]]
    assert logged(path, [(2, {"val_loss": 3.0})], append=True) == rows + more
    assert path.read_bytes().startswith(b"epoch,acc,loss,val_acc,val_loss\r\n0,0,")


def test_csv_cells(tmp_path):
    path = tmp_path / "log.csv"
    logged(path, [(0, {"b": np.array([1, 2]), "a": "s", "val_c": None})], separator=";")
    assert path.read_text().splitlines()[1] == '0;s;"""[1, 2]""";'
    with pytest.raises(RuntimeError, match="has not begun"):
        CSVLogger(path).on_epoch_end(0, {})


def test_which_callbacks_want_batches():
    class Batches(Callback):
        def on_batch_end(self, batch, logs=None):
            pass

    assert [
        wants_batches(c) for c in (Callback(), History(), ProgbarLogger(), TerminateOnNaN())
    ] == [
        False,
        False,
        False,
        True,
    ]
    assert wants_batches(Batches()) and not wants_batches(Batches(), "test")
    assert not wants_batches(LambdaCallback(on_epoch_end=print))
    assert wants_batches(LambdaCallback(on_test_batch_end=print), "test")
    assert CallbackList([Batches()]).wants_batches() and not CallbackList().wants_batches()


def test_lambda_callbacks_take_hooks_only():
    with pytest.raises(TypeError, match="on_epoch_ends"):
        LambdaCallback(on_epoch_ends=print)


def test_the_list_adds_what_is_lacking_and_no_more():
    names = [type(c).__name__ for c in CallbackList([Callback()], True, True, steps=1)]
    assert names == ["Callback", "History", "ProgbarLogger"]
    given = CallbackList([ProgbarLogger(), [History()]], add_history=True, add_progbar=True)
    assert [type(c).__name__ for c in given] == ["ProgbarLogger", "History"]
    model = object()
    one = CallbackList(Callback(), model=model, epochs=3)
    assert one.callbacks[0].model is one.model is model
    assert one.callbacks[0].params == {"epochs": 3}
    with pytest.raises(TypeError, match="History, a class"):
        CallbackList([History])


def recorder(name, calls, failing=()):
    """A callback that notes its hooks, and fails in some."""

    def hook(phase):
        def call(*arguments):
            calls.append((name, phase))
            if phase in failing:
                raise KeyError(name)

        return call

    hooks = ("on_train_begin", "on_epoch_end", "on_train_end")
    return LambdaCallback(**{phase: hook(phase) for phase in hooks})


@pytest.mark.parametrize("failing", ["on_epoch_end", "on_train_end"])
def test_a_callback_that_raises_does_not_keep_the_others_from_ending(failing):
    calls = []
    callbacks = CallbackList([recorder("bad", calls, [failing]), recorder("good", calls)])
    with pytest.raises(KeyError, match="bad"), callbacks.running("train"):
        callbacks.on_epoch_end(0)
    assert calls[-2:] == [("bad", "on_train_end"), ("good", "on_train_end")]


def test_what_ends_raise_is_noted_on_the_first_exception():
    calls = []
    callbacks = CallbackList([recorder("one", calls, ["on_train_end"]), recorder("two", calls)])
    with pytest.raises(KeyboardInterrupt) as raised, callbacks.running("train"):
        raise KeyboardInterrupt
    assert raised.value.__notes__ == ["Then LambdaCallback.on_train_end raised KeyError('one')."]
    assert calls[-1] == ("two", "on_train_end")


def test_only_what_began_is_ended():
    calls = []
    callbacks = CallbackList([recorder("one", calls), recorder("two", calls, ["on_train_begin"])])
    with pytest.raises(KeyError, match="two"), callbacks.running("train"):
        raise AssertionError
    assert calls == [("one", "on_train_begin"), ("two", "on_train_begin"), ("one", "on_train_end")]


def test_logs_pass_from_one_callback_to_the_next():
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(rate=0.1))
    callbacks = CallbackList([add], add_history=True)
    callbacks.on_epoch_end(0, {"loss": np.float32(0.5)})
    assert callbacks.history.history == {"loss": [0.5], "rate": [0.1]}
    assert type(callbacks.history.history["loss"][0]) is float


def test_the_history_plots_a_subplot_per_metric(tmp_path):
    pytest.importorskip("matplotlib")
    history = History()
    for epoch in range(4):
        logs = {"loss": 1.0, "accuracy": 0.5}
        history.on_epoch_end(epoch, {**logs, "val_loss": 2.0} if epoch % 2 else logs)
    figure = history.plot()
    loss, accuracy = figure.axes
    assert [line.get_xdata().tolist() for line in loss.lines] == [[1, 2, 3, 4], [2, 4]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert len(accuracy.lines) == 1 and accuracy.get_xlabel() == "epoch"
    figure.savefig(tmp_path / "history.png")
    with pytest.raises(ValueError, match="No metric to draw"):
        history.plot(["nothing"])
