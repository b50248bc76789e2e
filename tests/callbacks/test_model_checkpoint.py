"""When a model is saved and under which name, beside Keras; what is refused before training."""

import os
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.callbacks import (
    BackupAndRestore,
    CallbackList,
    CSVLogger,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
)

NAN = float("nan")
LOSSES = [0.5, 0.6, 0.4, 0.45, 0.3]


def scripted(make, arguments, folder, capsys):
    """What is saved and said while training is acted out: 5 epochs of 4 batches."""
    saved = []
    path = os.path.join(folder, arguments.get("filepath", "a.keras"))
    model = SimpleNamespace(
        save=lambda path, overwrite: saved.append(("model", path, overwrite)),
        save_weights=lambda path, overwrite: saved.append(("weights", path, overwrite)),
        weights=[],
        metrics=[],
    )
    checkpoint = make(**{**arguments, "filepath": path})
    checkpoint.set_model(model)
    checkpoint.on_train_begin()
    for epoch, loss in enumerate(LOSSES):
        checkpoint.on_epoch_begin(epoch)
        for batch in range(4):
            checkpoint.on_train_batch_begin(batch)
            checkpoint.on_train_batch_end(batch, {"loss": loss + batch})
        checkpoint.on_epoch_end(epoch, {"loss": loss, "val_loss": 2 * loss, "acc": 1 - loss})
    checkpoint.on_train_end()
    return saved, capsys.readouterr().out


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"save_weights_only": True, "filepath": "{epoch:02d}-{val_loss:.2f}.weights.h5"},
        {"save_best_only": True, "verbose": 1},
        {"save_best_only": True, "monitor": "acc", "mode": "max", "filepath": "{acc:.1f}.h5"},
        {"save_best_only": True, "mode": "max", "verbose": 1},
        {"save_best_only": True, "initial_value_threshold": 0.9, "verbose": 1},
        {"save_freq": 3, "filepath": "{epoch}-{batch}-{loss:.1f}.keras", "verbose": 1},
        {"save_freq": 3, "monitor": "loss", "save_best_only": True, "verbose": 1},
        {"save_freq": 9},
    ],
)
def test_saves_when_and_where_keras_does(arguments, tmp_path, capsys):
    ours = scripted(ModelCheckpoint, arguments, tmp_path, capsys)
    theirs = scripted(keras.callbacks.ModelCheckpoint, arguments, tmp_path, capsys)
    assert ours == theirs and ours[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"filepath": "a"}, "must end in .keras or .h5"),
        ({"filepath": "a.keras", "save_weights_only": True}, r"must end in \.weights\.h5"),
        ({"filepath": "a.keras", "save_freq": "x"}, "'epoch' or a number of batches"),
        ({"filepath": "a.keras", "save_freq": 0}, "at least 1, not 0"),
    ],
)
def test_arguments_out_of_range(arguments, said):
    with pytest.raises(ValueError, match=said):
        ModelCheckpoint(**arguments)


def test_backup_arguments_out_of_range():
    for arguments, said in (({"backup_dir": ""}, "empty"), ({"save_freq": True}, "not True")):
        with pytest.raises(ValueError, match=said):
            BackupAndRestore(**{"backup_dir": "b", **arguments})


KNOWN = ["loss", "val_loss"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"filepath": "{val_los:.2f}.keras"}, r"\{val_los\}, .* Did you mean 'val_loss'"),
        ({"filepath": "{batch}.keras"}, r"names \{batch\}, which cannot be filled in"),
        ({"filepath": "{val_loss}.keras", "save_freq": 2}, r"names \{val_loss\}"),
        (
            {"filepath": "a.keras", "save_best_only": True, "monitor": "val_acc"},
            "monitors 'val_acc'",
        ),
    ],
)
def test_unknown_names_are_refused_before_training(arguments, said, tmp_path):
    """Row D27."""
    path = str(tmp_path / arguments.get("filepath", "a.keras"))
    checkpoint = ModelCheckpoint(**{**arguments, "filepath": path})
    with pytest.raises(ValueError, match=said) as raised:
        CallbackList([checkpoint]).check_before_training(KNOWN)
    assert len(str(raised.value)) <= 600
    CallbackList([checkpoint]).check_before_training(None)  # logs of an own step: not known
    # A callback that may add anything to the logs comes before.
    adds = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_acc=1.0))
    CallbackList([adds, checkpoint]).check_before_training(KNOWN)


def test_what_is_not_known_by_the_batch_saves_nothing_and_says_so(tmp_path):
    """As in Keras: validation comes after the last batch."""
    path = tmp_path / "a.keras"
    checkpoint = ModelCheckpoint(path, save_best_only=True, save_freq=2)
    CallbackList([checkpoint]).check_before_training(KNOWN)
    with pytest.warns(UserWarning, match="monitors 'val_loss', which is not available"):
        for batch in range(4):
            checkpoint.on_train_batch_end(batch, {"loss": 1.0})
    assert not path.exists()


def test_names_that_other_callbacks_add_are_known(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{learning_rate}-{loss}.keras")
    CallbackList([LearningRateScheduler(lambda e: 1.0), checkpoint]).check_before_training(KNOWN)
    with pytest.raises(ValueError, match=r"\{learning_rate\}"):
        CallbackList([checkpoint]).check_before_training(KNOWN)


def places(folder):
    (folder / "file").write_text("")
    (folder / "folder.keras").mkdir()
    (folder / "link.keras").symlink_to(folder / "nowhere" / "a.keras")
    (folder / "gone").symlink_to(folder / "nowhere")
    return [
        (folder / "folder.keras", IsADirectoryError, "which is a folder"),
        (folder / "file" / "a.keras", NotADirectoryError, "is a file, not a folder"),
        (folder / "gone" / "a.keras", FileNotFoundError, "is a link to .*does not exist"),
        ("/proc/none/a.keras", PermissionError, "no file can be made in '/proc'"),
    ]


def test_paths_that_cannot_be_written_are_named_before_training(tmp_path):
    """Row C5."""
    for path, error, said in places(tmp_path):
        made = [ModelCheckpoint(path), CSVLogger(path)]
        if error is not IsADirectoryError:
            made.append(BackupAndRestore(os.path.dirname(path)))
        for callback in made:
            with pytest.raises(error, match=said) as raised:
                callback.check_before_training(KNOWN)
            assert type(callback).__name__ in str(raised.value)
    for path in ("new/folder/a.keras", "{epoch}/a.keras", "link.keras"):
        if path != "link.keras":
            ModelCheckpoint(tmp_path / path).check_before_training(KNOWN)
    assert not (tmp_path / "new").exists()  # made when there is something to save


def test_a_model_that_is_not_finite_is_never_the_best(tmp_path):
    """Row D3."""
    saved = []
    weight = lamina.Variable([1.0])
    model = SimpleNamespace(save=lambda path, overwrite: saved.append(path), weights=[weight])
    checkpoint = ModelCheckpoint(str(tmp_path / "{epoch}.keras"), "acc", save_best_only=True)
    checkpoint.set_model(model)
    scripts = [(0.1, 1.0), (NAN, 1.0), (float("inf"), 1.0), (0.5, NAN), (0.6, 1.0), (0.7, 1.0)]
    with pytest.warns(UserWarning, match="saves no model as the best one while acc is not") as told:
        for epoch, (accuracy, loss) in enumerate(scripts):
            weight.assign([np.inf if epoch == 4 else 1.0])
            checkpoint.on_epoch_end(epoch, {"acc": accuracy, "loss": loss})
    assert [os.path.basename(path) for path in saved] == ["1.keras", "6.keras"] and len(told) == 1
    with pytest.warns(UserWarning, match="'acc', which is not available"):
        checkpoint.on_epoch_end(6, {"loss": 0.1})  # Keras saves then, over the best
    assert len(saved) == 2


def test_the_best_is_remembered_by_a_resumed_training(tmp_path):
    first = ModelCheckpoint(tmp_path / "a.keras", "loss", save_best_only=True, save_freq=3)
    first.set_model(SimpleNamespace(save=lambda path, overwrite: None, weights=[]))
    for batch in range(5):
        first.on_train_batch_end(batch, {"loss": 0.5})
    second = ModelCheckpoint(tmp_path / "a.keras", "loss", save_best_only=True, save_freq=3)
    second.set_state(first.get_state())
    assert second.best == 0.5 and second.get_state() == first.get_state()


def test_a_training_saves_its_model(tmp_path):
    class Saving(lamina.Sequential):
        def save(self, path, overwrite):
            np.savetxt(path, self.get_weights()[0])

        save_weights = save

    x = np.ones((8, 2), "float32")
    model = Saving([lamina.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    paths = [tmp_path / "new" / "{epoch}.keras", tmp_path / "new" / "{epoch}.weights.h5"]
    checkpoints = [ModelCheckpoint(path, save_weights_only=i == 1) for i, path in enumerate(paths)]
    model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=checkpoints)
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["1.keras", "1.weights.h5", "2.keras", "2.weights.h5"]
    saved = np.loadtxt(tmp_path / "new" / "2.keras", dtype="float32")
    np.testing.assert_array_equal(saved, model.get_weights()[0][:, 0])
