"""A training in which everything happens that a resumed one could get wrong.

As a program it is killed again and again, and run again, until it has got to its end:
`python -m tests.saving.training KILLS SEED` prints how many kills there were, and fails where one
changed a number.
"""

import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import numpy as np

import lamina
from lamina import layers
from lamina.core import seeds

EPOCHS, ROWS, BATCH = 7, 50, 8
STEPS = -(-ROWS // BATCH)


class Cut(lamina.callbacks.Callback):
    """Cuts the program off before step `at`, counted over all epochs."""

    def __init__(self, at=None, accepts_chunks=False):
        super().__init__()
        self.at, self.accepts_chunks, self.steps = at, accepts_chunks, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.at is not None and (self.epoch, batch) >= self.at:
            raise KeyboardInterrupt
        self.steps.append((self.epoch, batch))


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


def train(model, folder, save_freq="epoch", cut=None, batches=None, callbacks=(), **options):
    """Train the model; returns all numbers that came of it."""
    (x, y), validation = data()
    watch, cut, draws = lamina.callbacks, cut or Cut(), Draws()
    stopping = watch.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    every = [
        watch.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        watch.ReduceLROnPlateau("val_mae", factor=0.5, patience=1, min_delta=0.05),
        *(stopping, draws, *callbacks, cut),
    ]
    backup = watch.BackupAndRestore(folder, save_freq)
    given = {"x": x, "y": y, "batch_size": BATCH} if batches is None else {"x": batches}
    given |= {"validation_data": validation, "epochs": EPOCHS, "resume": backup, "verbose": 0}
    history = model.fit(**{**given, **options}, callbacks=every)
    found = {f"history {name}": values for name, values in history.history.items()}
    found |= {f"weight {i}": one.numpy() for i, one in enumerate(model.variables)}
    found |= {f"optimizer {i}": one.numpy() for i, one in enumerate(model.optimizer.variables)}
    found |= {"epochs": history.epoch, "drawn": draws.drawn, "next": np.random.random()}
    found |= {"stopped": stopping.stopped_epoch, "wait": stopping.wait, "python": random.random()}
    return {name: np.asarray(value) for name, value in found.items()}


class Programs:
    """What programs do that are run again and again: a model is made, and trained with backups.

    The model is one and the same, so that it is compiled once. Where a run resumes, everything in
    it is something else first.
    """

    def __init__(self, make=make_model):
        lamina.utils.set_random_seed(11)
        self.model = make()
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        self._values = [one.numpy() for one in self._variables()]
        self._random = seeds.get_random_state()

    def _variables(self):
        return [*self.model.variables, *self.model.optimizer.variables]

    def run(self, folder, *args, **kwargs):
        """A run of the program from its beginning."""
        if any(folder.glob("generation-*")):
            for one in [*self._variables(), *self.model.metrics_variables]:
                one.assign(np.full(one.shape, 3))
            lamina.utils.set_random_seed(5)
        else:
            for one, value in zip(self._variables(), self._values, strict=True):
                one.assign(value)
            seeds.set_random_state(self._random)
        return train(self.model, folder, *args, **kwargs)

    def cut_and_resumed(self, folder, at, *args, cut=Cut, **kwargs):
        """Run until `(epoch, batch)`, and again to the end; the numbers, and the last steps."""
        with contextlib.suppress(KeyboardInterrupt):
            self.run(folder, *args, cut=cut(at), **kwargs)
        last = cut()
        return self.run(folder, *args, cut=last, **kwargs), last.steps


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, strict=True, err_msg=name)


def run_once(folder, result):
    """Train in a process of its own, which may be killed."""
    process = os.fork()
    if process:
        return process
    try:
        lamina.utils.set_random_seed(11)
        np.savez(result, **train(make_model(), folder, save_freq=2))
    finally:
        os._exit(0 if result.exists() else 1)


def killed_and_resumed(kills, rng, folder):
    """Kill and resume the training until there were so many kills; every end must be the same."""
    begun = time.monotonic()
    os.waitpid(run_once(folder / "never", folder / "expected.npz"), 0)
    duration, count, ends = time.monotonic() - begun, 0, 0
    expected = dict(np.load(folder / "expected.npz"))
    while count < kills or not ends:
        result = folder / f"{ends}.npz"
        process = run_once(folder / "backup", result)
        # The first kills come while the training runs, the last run is let to its end.
        time.sleep(duration * rng.uniform(0.2, 1.2) if count < kills else 0)
        if count < kills and os.waitpid(process, os.WNOHANG)[0] == 0:
            os.kill(process, signal.SIGKILL)
            count += 1
            if result.exists():  # killed while it wrote its results, after the backups were removed
                result.unlink()
            os.waitpid(process, 0)
            continue
        with contextlib.suppress(ChildProcessError):  # it had ended before it could be killed
            os.waitpid(process, 0)
        assert_equal(dict(np.load(result)), expected)
        ends += 1
    print(count, "kills,", ends, "ends")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        killed_and_resumed(int(sys.argv[1]), random.Random(int(sys.argv[2])), pathlib.Path(made))
