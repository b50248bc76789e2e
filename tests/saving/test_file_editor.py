"""The editor of files of weights, beside Keras's; and what a file holds of low-rank layers."""

import h5py
import keras
import numpy as np
import pytest

import lamina
from lamina.saving import KerasFileEditor, LoadError, SizeBudgetError

pytestmark = pytest.mark.every_backend


def model(k=lamina, units=2):
    layers = [k.layers.Dense(4), k.layers.BatchNormalization(), k.layers.Dense(units)]
    return k.Sequential([k.Input((6,)), *layers])


@pytest.fixture
def file(tmp_path):
    """A file, and the model that it is of."""
    made = model()
    made.save_weights(tmp_path / "a.weights.h5")
    return tmp_path / "a.weights.h5", made


def test_changes_are_saved_and_keras_reads_them(file, tmp_path):
    path, made = file
    editor = KerasFileEditor(path)
    kernel = np.ones((4, 3), "float32")
    editor.rename_object("layers/dense_1", "old")
    editor.add_object("layers/dense_1", {"0": kernel})
    editor.add_weights("dense_1", {"1": [1.0, 2.0, 3.0], "2": np.zeros(1)})
    editor.delete_weight("dense_1", "2")
    editor.delete_object("old")
    editor.save(tmp_path / "b.weights.h5")
    editor.resave_weights(path)  # the file that it read
    for k in (lamina, keras):
        for saved in (path, tmp_path / "b.weights.h5"):
            found = model(k, units=3)
            found.load_weights(saved)
            weights = found.get_weights()
            np.testing.assert_array_equal(weights[-2], kernel)
            np.testing.assert_array_equal(weights[-1], [1.0, 2.0, 3.0])
            np.testing.assert_array_equal(weights[0], made.get_weights()[0])


@pytest.mark.of_keras
def test_a_model_of_keras(tmp_path, capsys):
    theirs = model(keras)
    theirs.compile("sgd", "mse")
    theirs.save(tmp_path / "a.keras")
    known = keras.saving.KerasFileEditor(str(tmp_path / "a.keras"))
    ours = KerasFileEditor(tmp_path / "a.keras")
    assert f"a.keras', written by Keras {keras.__version__}" in capsys.readouterr().out
    for units in (2, 3):
        reference = model(units=units)
        reference.compile("sgd", "mse")
        expected = known.compare(model(keras, units))
        result = ours.compare(reference)
        assert result["match_count"] == (10 if units == 2 else 8)
        # Keras's model has no optimizer here, which counts as an error.
        assert result["error_count"] == expected["error_count"] - 1
    capsys.readouterr()
    ours.summary()
    text = capsys.readouterr().out
    assert "│  └─ dense_1\n│     ├─ 0: shape=(4, 2), dtype=float32" in text


def test_compare_counts_objects_and_arrays(file, capsys):
    editor = KerasFileEditor(file[0])
    editor.delete_object("batch_normalization")
    editor.delete_weight("dense", "1")
    editor.add_object("extra", {"0": np.zeros(2)})
    assert editor.compare(file[1]) == {"status": "error", "error_count": 3, "match_count": 3}
    text = capsys.readouterr().out
    assert "Object layers/batch_normalization present in reference model, missing from" in text
    assert "Object extra present in saved file, missing from reference model" in text
    assert "Weight layers/dense/1 present in reference model, missing from saved file" in text


def test_what_is_refused(file, tmp_path):
    editor = KerasFileEditor(file[0])
    editor.add_object("dense", {})
    for call, match in (
        (lambda: editor.rename_object("layers/dense", "dense_1"), "already"),
        (lambda: editor.rename_object("layers/dense", "a/b"), "one name"),
        (lambda: editor.rename_object("dense_9", "a"), "no object 'dense_9'"),
        (lambda: editor.rename_object("layers/dense", ".."), "no path"),
        (lambda: editor.delete_weight("dense_1", "7"), "no array '7'"),
        (lambda: editor.add_object("none/dense", {}), "no object 'none'"),
        (lambda: editor.add_object("layers//x", {}), "no path"),
        (lambda: editor.add_object("x", 7), "dictionary"),
        (lambda: editor.add_weights("dense_1", {"0": ["a"]}), "numbers"),
        (lambda: editor.save(tmp_path / "b.keras"), r"\.weights\.h5"),
        (lambda: KerasFileEditor(tmp_path / "a.txt"), r"\.keras or \.weights\.h5"),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    file[0].write_bytes(file[0].read_bytes()[:100])
    with pytest.raises(LoadError, match=r"a\.weights\.h5"):
        KerasFileEditor(file[0])


def test_a_shape_that_the_file_does_not_hold(tmp_path):
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as written:
        written.create_dataset("a/vars/0", (2**20, 2**12), "float32", compression="gzip")
    with pytest.raises(SizeBudgetError, match="17,179,869,184 bytes"):
        KerasFileEditor(path)


LOW_RANK = {
    "dense": (lambda layers: layers.Dense(4, lora_rank=2), (3,)),
    "convolution": (lambda layers: layers.Conv1D(4, 2, lora_rank=2), (6, 3)),
    "embedding": (lambda layers: layers.Embedding(5, 4, lora_rank=2), (6,)),
    "einsum": (lambda layers: layers.EinsumDense("abc,cd->abd", (5, 4), lora_rank=2), (5, 3)),
}


@pytest.mark.parametrize(
    "name",
    ["einsum", *(pytest.param(one, marks=pytest.mark.slow) for one in LOW_RANK if one != "einsum")],
)
@pytest.mark.filterwarnings("ignore::lamina.saving.UnverifiedFileWarning")
def test_low_rank_layers_are_saved_as_the_sum(name, tmp_path):
    make, shape = LOW_RANK[name]
    models = [k.Sequential([k.Input(shape), make(k.layers)]) for k in (lamina, keras)]
    ours, theirs = models
    values = [np.full(one.shape, 0.5 / number) for number, one in enumerate(ours.get_weights(), 1)]
    x = np.ones((2, *shape))
    for made, k in zip(models, (lamina, keras), strict=True):
        made.set_weights(values)
        made.save_weights(tmp_path / f"{k.__name__}.weights.h5")
        made.save(tmp_path / f"{k.__name__}.keras")
    expected = np.asarray(theirs(x))
    editors = [KerasFileEditor(tmp_path / f"{one}.weights.h5") for one in ("lamina", "keras")]
    for one in editors:
        assert one.compare(ours)["status"] == "success"
    theirs.load_weights(tmp_path / "lamina.weights.h5")
    np.testing.assert_allclose(np.asarray(theirs(x)), expected, atol=1e-6)
    for writer in ("lamina", "keras"):
        found = lamina.saving.load_model(tmp_path / f"{writer}.keras")
        ours.load_weights(tmp_path / f"{writer}.weights.h5")
        for one in (found, ours):
            np.testing.assert_allclose(lamina.ops.convert_to_numpy(one(x)), expected, atol=1e-6)
            a, b = one.get_weights()[-2:]
            assert np.any(a)
            assert not np.any(b)
