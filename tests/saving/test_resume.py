"""Training that is cut off and run again ends with the numbers that it would have had."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.backend import current
from lamina.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping
from tests.saving.kills import ROOT
from tests.saving.training import BATCH, Cut, Draws, Programs, assert_equal, data

# Where the training of `training.py` ends: EarlyStopping stops it after this many epochs of 7.
EPOCHS, STEPS = 5, 7
EVERY_STEP = [(epoch, batch) for epoch in range(EPOCHS) for batch in range(STEPS)]


@pytest.fixture(scope="module")
def programs():
    return Programs()


@pytest.fixture(scope="module")
def expected(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "b"
    found = programs.run(folder)
    assert not folder.exists() and len(found["epochs"]) == EPOCHS
    assert found["stopped"] == EPOCHS - 1 and len(set(found["history learning_rate"])) == EPOCHS
    return found


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("save_freq", "cuts"),
    [
        ("epoch", [(0, 3), (2, 0), (4, 1)]),
        (1, [(1, 3), (3, 6)]),
        (3, [(2, 1), (4, 6)]),
        *(slow(save_freq, EVERY_STEP) for save_freq in ("epoch", 1, 2, 3, 5, 8)),
    ],
)
def test_a_cut_changes_no_number(programs, expected, tmp_path, save_freq, cuts):
    """Rows C9, C10 and C11."""
    for epoch, batch in cuts:
        folder = tmp_path / f"{epoch} {batch}"
        found, steps = programs.cut_and_resumed(folder, (epoch, batch), save_freq)
        assert_equal(found, expected)
        done = epoch * STEPS + batch
        kept = 0 if save_freq == "epoch" else done % save_freq if save_freq <= STEPS else None
        if save_freq == "epoch":  # at the ends of epochs
            assert steps[0] == (epoch, 0)
        elif save_freq == 1:  # no step twice, and none left out
            assert steps[0] == (epoch, batch)
        assert steps[-1] == EVERY_STEP[-1] and (kept is None or len(steps) <= len(EVERY_STEP))


def test_a_cut_in_callbacks_and_validation_changes_no_number(programs, expected, tmp_path):
    class Fails(Callback):
        def __init__(self, hook, count):
            super().__init__()
            setattr(self, hook, self.fail)
            self.left = count

        def fail(self, *args, **kwargs):
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    for hook, count in (("on_epoch_end", 3), ("on_epoch_begin", 4), ("on_test_batch_end", 3)):
        with pytest.raises(KeyboardInterrupt):
            programs.run(tmp_path / hook, 4, callbacks=[Fails(hook, count)])
        assert_equal(programs.run(tmp_path / hook, 4), expected)
    with pytest.raises(KeyboardInterrupt):  # all is done, but for the ends of callbacks
        programs.run(tmp_path / "end", 4, callbacks=[Fails("on_train_end", 1)])
    found, cut = programs.run(tmp_path / "end", 4, cut=(last := Cut())), last
    assert_equal(found, expected)
    assert cut.steps == []


@pytest.mark.every_backend  # on the others in its slow form below
def test_a_program_killed_and_run_again_ends_as_one_that_was_not(kills=2):
    finished = subprocess.run(
        [sys.executable, "-m", "tests.saving.training", str(kills), "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert f"{kills} kills" in finished.stdout


@pytest.mark.slow
def test_two_hundred_kills():
    test_a_program_killed_and_run_again_ends_as_one_that_was_not(200)


# Data ---------------------------------------------------------------------------------------

(X, Y), _ = data()


def slices():
    return [(X[at : at + BATCH], Y[at : at + BATCH]) for at in range(0, len(X), BATCH)]


class Batches(lamina.utils.PyDataset):
    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        return slices()[index]


class Reordered(Batches):
    """Changes after each epoch, and says how it stands."""

    def __init__(self):
        super().__init__()
        self.order = np.arange(STEPS)

    def __getitem__(self, index):
        x, y = slices()[self.order[index]]
        return x + np.random.normal(), y  # drawn from NumPy's generator, which is restored

    def on_epoch_end(self):
        self.order = np.random.permutation(STEPS)

    def get_state(self):
        return {"order": self.order}

    def set_state(self, state):
        self.order = state["order"]


class Endless:
    """An iterator that says where it stands, in the words of PyTorch."""

    def __init__(self):
        self.rng = np.random.default_rng(5)

    def __iter__(self):
        return self

    def __next__(self):
        rows = self.rng.integers(0, len(X), BATCH)
        return X[rows], Y[rows]

    def state_dict(self):
        return self.rng.bit_generator.state

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state


class Again:
    """An iterable whose passes are alike."""

    def __iter__(self):
        return iter(slices())


DATA = {
    "PyDataset": (Batches, {}),
    "workers": (lambda: Batches(workers=2), {}),
    "stateful": (Reordered, {}),
    "iterable": (Again, {}),
    "steps": (Batches, {"steps_per_epoch": 3}),
    "iterable, steps": (Again, {"steps_per_epoch": 5}),
    "endless": (Endless, {"steps_per_epoch": 6}),
}


@pytest.mark.above_backends
@pytest.mark.parametrize("name", DATA)
def test_every_kind_of_data_goes_on_where_it_stood(programs, tmp_path, name):
    make, options = DATA[name]
    steps = options.get("steps_per_epoch", STEPS)
    expected = programs.run(tmp_path / "a", batches=make(), **options)
    for save_freq, at in ((1, (1, 2)), (2, (2, steps - 1)), ("epoch", (2, 0))):
        cut = Cut(at)
        with pytest.raises(KeyboardInterrupt):
            programs.run(tmp_path / "b", save_freq, cut, make(), **options)
        last = Cut()
        assert_equal(programs.run(tmp_path / "b", save_freq, last, make(), **options), expected)
        assert save_freq != 1 or last.steps[0] == at


def test_loaders_that_do_not_shuffle(programs, tmp_path):
    torch = pytest.importorskip("torch")
    pairs = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = torch.utils.data.DataLoader(pairs, batch_size=BATCH)
    expected = programs.run(tmp_path / "a", batches=loader)
    found, steps = programs.cut_and_resumed(tmp_path / "b", (1, 4), 1, batches=loader)
    assert_equal(found, expected)
    assert steps[0] == (1, 4)
    shuffled = torch.utils.data.DataLoader(pairs, batch_size=BATCH, shuffle=True)
    with pytest.raises(ValueError, match=r"DataLoader do not begin with the same batch"):
        programs.run(tmp_path / "c", batches=shuffled)


class Changing(Batches):
    def on_epoch_end(self):
        pass


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (
            lambda: iter(slices() * 9),
            {"steps_per_epoch": 3},
            "`x`: a list_iterator can be read onl",
        ),
        (Changing, {}, "`x`: Changing changes in on_epoch_end and does not say how"),
        (Batches, {"validation_data": iter(slices())}, "`validation_data`: a list_iterator"),
    ],
)
def test_data_that_cannot_be_resumed_exactly_is_refused_by_name(
    programs, tmp_path, make, options, said
):
    with pytest.raises(ValueError, match=said) as raised:
        programs.run(tmp_path / "b", batches=make(), **options)
    assert len(str(raised.value)) <= 600
    assert not list(tmp_path.rglob("generation-*"))


def test_validation_on_the_first_batches(programs, tmp_path):
    options = {"validation_data": Batches(), "validation_steps": 3}
    expected = programs.run(tmp_path / "a", **options)
    found, _ = programs.cut_and_resumed(tmp_path / "b", (2, 3), 2, **options)
    assert_equal(found, expected)


def test_where_several_batches_are_run_as_one(programs, tmp_path):
    def chunks(at=None):
        return Cut(at, accepts_chunks=True)

    options = {"cut": chunks, "batch_size": 1}
    expected = programs.run(tmp_path / "a", 20, chunks(), batch_size=1)
    found, steps = programs.cut_and_resumed(tmp_path / "b", (1, 25), 20, **options)
    assert_equal(found, expected)
    # The backup was made at the first moment at which 20 more batches were done, of 25 at a time.
    assert steps[0] == ((1, 25) if current().compiles else (1, 10))
    programs.model.steps_per_execution = 3  # 3 and 3 of 7, the last one alone
    try:
        options = {"cut": chunks, "batches": Batches()}
        expected = programs.run(tmp_path / "c", 1, chunks(), Batches())
        for at in ((1, 3), (1, 6), (2, 0)):
            found, steps = programs.cut_and_resumed(tmp_path / "d", at, 1, **options)
            assert_equal(found, expected)
            assert steps[0] == at
    finally:
        programs.model.steps_per_execution = 1


# Models and callbacks -----------------------------------------------------------------------


def own_optimizers():
    found = {"accumulating": lambda: lamina.optimizers.AdamW(
        0.01, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.9, clipnorm=1.0
    )}  # fmt: skip
    if current().name == "torch":
        import torch

        found["torch.optim"] = lambda: torch.optim.AdamW
    if current().name == "jax":
        import optax

        found["optax"] = lambda: optax.adam(0.01)
    return found


@pytest.mark.parametrize("name", own_optimizers())
def test_every_kind_of_optimizer(tmp_path, name):
    def make():
        lamina.utils.set_random_seed(2)
        model = lamina.Sequential([lamina.Input((4,)), layers.Dropout(0.2), layers.Dense(1)])
        model.compile(own_optimizers()[name](), "mse")
        return model

    def run(folder, *callbacks):
        model, backup = make(), BackupAndRestore(tmp_path / folder, 3)
        history = model.fit(X, Y, BATCH, 3, callbacks=callbacks, resume=backup, verbose=0).history
        return {"loss": np.array(history["loss"]), **dict(enumerate(model.get_weights()))}

    expected = run("a")
    with pytest.raises(KeyboardInterrupt):
        run("b", Cut((1, 5)))
    assert_equal(run("b"), expected)


def test_what_is_frozen_and_what_an_own_step_makes(tmp_path):
    class Own(lamina.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = layers.Dense(3), layers.Dense(1)

        def call(self, x):
            return self.outer(self.inner(x))

        def train_step(self, data):
            x, y = data

            def loss():
                return lamina.ops.mean(lamina.ops.square(self(x) - y))

            value, gradients = lamina.value_and_grad(loss, self.trainable_variables)()
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"distance": value}

    class Freeze(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.inner.trainable = False

    def run(folder, *callbacks):
        lamina.utils.set_random_seed(3)
        model = Own()
        model.compile(lamina.optimizers.Adam(0.01))
        backup = BackupAndRestore(tmp_path / folder, 2)
        every = [Freeze(), *callbacks]
        history = model.fit(X, Y, BATCH, 4, callbacks=every, resume=backup, verbose=0).history
        found = {"distance": np.array(history["distance"])}
        return {**found, **dict(enumerate(model.get_weights()))}, model

    expected, _ = run("a")
    with pytest.raises(KeyboardInterrupt):
        run("b", Cut((2, 5)))
    found, model = run("b")
    assert_equal(found, expected)
    assert not model.inner.trainable and model.outer.trainable


def test_a_stop_and_the_best_weights_outlast_a_cut(programs, expected, tmp_path):
    """Row C11: the run that resumes waits no longer than the one that was cut off would have."""

    class Ask(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (1, 3):
                self.model.stop_training = True

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    class Fail(Callback):
        def on_test_begin(self, logs=None):
            if self.model.stop_training:
                raise KeyboardInterrupt

    uncut = programs.run(tmp_path / "a", 1, callbacks=[Ask()])
    assert len(uncut["epochs"]) == 2
    with pytest.raises(KeyboardInterrupt):  # after the backup of the batch that was the last
        programs.run(tmp_path / "b", 1, callbacks=[Ask(), Fail()])
    last = Cut()
    assert_equal(programs.run(tmp_path / "b", 1, last, callbacks=[Ask()]), uncut)
    assert last.steps == []


def test_csv_rows_go_on(programs, tmp_path):
    def log(name):
        return [CSVLogger(tmp_path / f"{name}.csv")]

    programs.run(tmp_path / "a", callbacks=log("a"))
    with pytest.raises(KeyboardInterrupt):
        programs.run(tmp_path / "b", 6, Cut((3, 5)), callbacks=log("b"))
    with (tmp_path / "b.csv").open("a") as file:
        file.write("3,what was trained after the last backup\r\n")
    programs.run(tmp_path / "b", 6, callbacks=log("b"))
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


# Backups of others --------------------------------------------------------------------------


def small(units=3, optimizer="adam"):
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(units), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


@pytest.fixture
def backup(tmp_path):
    """The folder of a training that was cut off in its second epoch."""
    folder = tmp_path / "backup"
    lamina.utils.set_random_seed(1)
    with pytest.raises(KeyboardInterrupt):
        small().fit(X, Y, BATCH, 3, 0, [Cut((1, 4)), Draws()], resume=BackupAndRestore(folder, 2))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"model": lambda: small(5)},
            r"variable 0 is '.*kernel' \(float32, shape \(4, 3\)\), here",
        ),
        ({"model": lambda: small(optimizer="sgd")}, "its optimizer is Adam, here SGD"),
        ({"batch_size": 5}, "`x` was class='arrays', rows=50, batch_size=8"),
        ({"x": X[:-1], "y": Y[:-1]}, "rows=50, .* here class='arrays', rows=49"),
        ({"validation_data": (X, Y)}, "`validation_data` was not given"),
        ({"callbacks": [Cut()]}, "the state of the callback Draws, which is not among"),
        ({"callbacks": [Draws(), EarlyStopping("loss")]}, "no state of the callback EarlyStopping"),
    ],
)
def test_a_backup_of_another_training_is_refused_before_anything_changes(backup, change, said):
    """Row C13."""
    options = {"x": X, "y": Y, "batch_size": BATCH, "callbacks": [Draws()], **change}
    model = options.pop("model", small)()
    before, random_state = model.get_weights(), random.getstate()
    with pytest.raises(ValueError, match=said) as raised:
        model.fit(**options, epochs=3, verbose=0, resume=backup)
    assert len(str(raised.value)) <= 600 and "Nothing was changed" in str(raised.value)
    assert random.getstate()[1][:5] == random_state[1][:5]
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_backup_is_passed_over(programs, expected, tmp_path):
    """Row C6, in a training."""
    with pytest.raises(KeyboardInterrupt):
        programs.run(tmp_path / "b", 1, Cut((2, 2)))
    newest = sorted((tmp_path / "b").glob("generation-*"))[-1] / "arrays.h5"
    newest.write_bytes(newest.read_bytes()[:-100])
    last = Cut()
    with pytest.warns(UserWarning, match="is damaged"):
        found = programs.run(tmp_path / "b", 1, last)
    assert_equal(found, expected)
    assert last.steps[0] == (2, 1)


def test_the_callback_takes_data_as_it_comes_and_says_so(tmp_path):
    def endless():
        while True:
            yield from slices()

    def run(*callbacks):
        model = small()
        every = [BackupAndRestore(tmp_path / "b"), *callbacks]
        return model.fit(endless(), steps_per_epoch=3, epochs=3, verbose=0, callbacks=every)

    with pytest.raises(KeyboardInterrupt):
        run(Cut((1, 1)))
    with pytest.warns(UserWarning, match=r"other batches of `x` .*generator can be read only once"):
        assert run().epoch == [0, 1, 2]
    with pytest.raises(KeyboardInterrupt):
        run(Cut((1, 1)))
    with pytest.warns(UserWarning, match=r"other data than before.*`x` was class='generator'"):
        small().fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])


def test_backups_are_kept_where_asked_and_go_without_a_trace_elsewhere(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("mine")
    small().fit(X, Y, epochs=2, verbose=0, resume=tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["mine.txt"]
    backup = BackupAndRestore(tmp_path / "c", delete_checkpoint=False)
    small().fit(X, Y, epochs=2, verbose=0, callbacks=[backup])
    again = small().fit(X, Y, epochs=3, verbose=0, callbacks=[backup])
    assert again.epoch == [0, 1, 2] and len(list((tmp_path / "c").glob("generation*"))) == 2
