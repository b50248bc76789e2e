"""A training in which everything happens that a resumed one could get wrong.

As a program: `python training.py FOLDER RESULT BACKENDS_EVERY`, trains with backups in FOLDER and writes what came of it
to RESULT.
"""

import os
import random
import signal
import sys

import numpy as np

import lamina
from lamina import layers

EPOCHS, ROWS, BATCH = 7, 50, 8
STEPS = -(-ROWS // BATCH)


class Cut(lamina.callbacks.Callback):
    """Ends the program before step `at`, counted over all epochs, or after an epoch's callbacks."""

    def __init__(self, at=None, kill=False):
        super().__init__()
        self.at, self.kill, self.steps = at, kill, []

    def on_train_batch_begin(self, batch, logs=None):
        self.steps.append(self.epoch * STEPS + batch)
        if self.steps[-1] == self.at:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


class Draws(lamina.callbacks.Callback):
    """A callback of the user's own that counts, and draws from Python's and NumPy's generators."""

    state_attributes = ("drawn",)

    def on_train_begin(self, logs=None):
        self.drawn = []

    def on_epoch_end(self, epoch, logs=None):
        self.drawn.append((random.random(), float(np.random.normal())))


def make_model():
    inputs = lamina.Input((4,))
    x = layers.Dense(8, activation="relu")(inputs)
    x = layers.BatchNormalization()(layers.Dropout(0.3)(x))
    model = lamina.Model(inputs, layers.Dense(1)(x))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS + 20, 4)).astype("float32")
    y = (x[:, :1] + 0.3 * rng.normal(size=(len(x), 1))).astype("float32")
    return (x[:ROWS], y[:ROWS]), (x[ROWS:], y[ROWS:])


def train(model, folder, save_freq="epoch", callbacks=(), at=None, kill=False, **options):
    """Train the model; returns all numbers that came of it."""
    (x, y), validation = data()
    watch = lamina.callbacks
    cut, draws = Cut(at, kill), Draws()
    stopping = watch.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    every = [
        watch.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        watch.ReduceLROnPlateau("val_mae", factor=0.5, patience=1, min_delta=0.05),
        stopping,
        draws,
        *callbacks,
        cut,
    ]
    backup = watch.BackupAndRestore(folder, save_freq)
    arguments = {"batch_size": BATCH, "validation_data": validation, "epochs": EPOCHS}
    arguments |= {"verbose": 0, "resume": backup, **options}
    data_given = arguments.pop("x", None)
    given = (x, y) if data_given is None else (data_given,)
    if data_given is not None:
        del arguments["batch_size"]
    history = model.fit(*given, callbacks=every, **arguments)
    found = {f"history {name}": values for name, values in history.history.items()}
    found |= {f"weight {i}": one.numpy() for i, one in enumerate(model.variables)}
    found |= {f"optimizer {i}": one.numpy() for i, one in enumerate(model.optimizer.variables)}
    found |= {"epochs": history.epoch, "drawn": draws.drawn, "next": np.random.random()}
    found |= {"stopped": stopping.stopped_epoch, "wait": stopping.wait, "python": random.random()}
    return {name: np.asarray(value) for name, value in found.items()}, cut.steps


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, strict=True, err_msg=name)


if __name__ == "__main__":
    folder, result, save_freq, at = sys.argv[1:]
    lamina.utils.set_random_seed(11)
    numbers, _ = train(
        make_model(),
        folder,
        save_freq if save_freq == "epoch" else int(save_freq),
        at=int(at) if at != "never" else None,
        kill=True,
    )
    np.savez(result, **numbers)
