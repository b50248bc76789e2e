"""The HDF5 form of Keras 2: written as Keras 3 writes it, read by layer, old configs by rules."""

import json

import h5py
import keras
import numpy as np
import pytest

import lamina
from lamina.core import registry
from lamina.saving import DamagedFileError, LoadError, LoadReport, UnfitFileError, load_model
from lamina.saving.config_rules import modernised

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


def made(k, units=3):
    given = k.Input((4,))
    x = k.layers.BatchNormalization(name="scaled")(k.layers.Dense(units, name="hidden")(given))
    model = k.Model(given, k.layers.Dense(1, name="last")(x * 2.0 if k is lamina else x), name="m")
    model.compile(k.optimizers.Adam(0.01), k.losses.MeanSquaredError())
    model.fit(X, X[:, :1], epochs=1, batch_size=4, verbose=0)
    return model


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    model = made(lamina)
    path = tmp_path_factory.mktemp("legacy") / "m.h5"
    model.save(path)
    return model, path


def values(model):
    return [np.array(one) for one in model.get_weights()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_model_comes_back_with_its_optimizer(ours):
    model, path = ours
    found, report = load_model(path, report=True)
    assert same(values(found), values(model)) and not report.unverified
    first, second = (one.optimizer.variables for one in (found, model))
    for mine, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())


@pytest.mark.of_keras
def test_keras_opens_what_is_written(tmp_path):
    model = lamina.Sequential(
        [lamina.Input((4,)), lamina.layers.Dense(3), lamina.layers.BatchNormalization()]
    )
    model.compile("adam", lamina.losses.MeanSquaredError(), metrics=["mae"])
    path = tmp_path / "m.h5"
    model.save(path, include_optimizer=True, save_format="h5")
    found = keras.saving.load_model(path)
    np.testing.assert_allclose(found(X), lamina.ops.convert_to_numpy(model(X)), atol=1e-6)
    assert type(found.optimizer).__name__ == "Adam"


def long_names(k):
    """A model whose names have no room in one attribute, in a nested model and its optimizer."""

    def layers(count):
        return [k.layers.Dense(2, name=f"{number}{'é' * 9_000}") for number in range(count)]

    inner = k.Sequential([k.Input((2,)), *layers(3)], name="inner")
    model = k.Sequential([k.Input((4,)), *layers(4), inner])
    model.compile("sgd")
    model.optimizer.build(model.trainable_variables)
    return model


def names_of(file):
    """What lists of names there are, each with its length and type."""
    found = {}
    for path in ("model_weights", "model_weights/inner", "optimizer_weights"):
        for name, value in file[path].attrs.items():
            if "_names" in name:
                found[path, name] = len(value), value.dtype.kind
    return found


@pytest.mark.of_keras
def test_lists_of_names_are_split_as_keras_splits_them(tmp_path):
    models, paths = zip(
        *((long_names(k), tmp_path / f"{k.__name__}.h5") for k in (keras, lamina)), strict=True
    )
    for model, path in zip(models, paths, strict=True):
        model.save(path)
    with h5py.File(paths[0]) as theirs, h5py.File(paths[1]) as ours:
        known = names_of(theirs)
        assert names_of(ours) == known
        assert {"model_weights", "model_weights/inner"} <= {
            path for path, name in known if name.endswith("1")
        }
        assert theirs.attrs["backend"] == "jax"
        assert ours.attrs["backend"] == lamina.config.backend()
    with pytest.warns(lamina.saving.UnverifiedFileWarning):
        assert same(values(load_model(paths[0])), values(models[0]))
    assert same(values(load_model(paths[1])), values(models[1]))
    assert same(values(keras.saving.load_model(paths[1])), values(models[1]))


def test_a_name_that_no_attribute_holds_leaves_the_old_file(ours, tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(ours[1].read_bytes())
    model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(2, name="x" * 70_000)])
    with pytest.raises(ValueError, match=r"70,000 bytes.*shorter name") as caught:
        model.save(path)
    assert len(str(caught.value)) <= 600
    assert path.read_bytes() == ours[1].read_bytes()


class Own(lamina.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.hidden = lamina.layers.Dense(units)
        self.scaled = lamina.layers.BatchNormalization()

    def call(self, x):
        return self.scaled(self.hidden(x))


def test_a_subclassed_model_comes_back_built(tmp_path):
    """Keras writes such a file too, and cannot load a model from it: its layers have no arrays."""
    path, model = tmp_path / "m.h5", Own(3)
    model.compile("adam", "mse")
    model.fit(X, X[:, :3], epochs=1, batch_size=4, verbose=0)
    model.save(path)
    found = load_model(path, custom_objects={"Own": Own})
    assert same(values(found), values(model))
    known = [one.numpy() for one in model.optimizer.variables]
    assert same([one.numpy() for one in found.optimizer.variables], known)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_what_no_file_can_say_is_named(name, tmp_path):
    model = Own(3)
    model(X)
    model.get_config = lambda: {"name": "own", "units": object()}
    with pytest.raises(TypeError, match=r"'units' of Own 'own' is .* of type object.*get_config"):
        model.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_arguments_of_keras_2(ours, tmp_path):
    """Keras 3.15 takes any `save_format`, and follows the path; so is it here, with a warning."""
    model, path = ours[0], tmp_path / "m.h5"
    with pytest.warns(UserWarning, match="save_format='tf' was not followed"):
        model.save(path, save_format="tf")
    assert h5py.is_hdf5(path)
    model.save(path, save_format="hdf5", zipped=True)
    assert h5py.is_hdf5(path)
    with pytest.warns(UserWarning, match="include_optimizer=False was not followed.*compile=False"):
        model.save(tmp_path / "m.keras", include_optimizer=False, save_format="keras")
    assert load_model(tmp_path / "m.keras").optimizer.iterations.numpy() == 2
    with pytest.raises(ValueError, match=r"whatever save_format='tf' says.*export"):
        model.save(tmp_path / "folder", save_format="tf")
    for name, call in {"signatures": model.save, "options": model.save_weights}.items():
        with pytest.raises(ValueError, match=f"no argument {name}"):
            call(
                path.with_suffix(".weights.h5" if call == model.save_weights else ".h5"),
                **{name: 1},
            )
    with pytest.raises(ValueError, match=r"form 'tf'.*\.weights\.h5"):
        model.save_weights(tmp_path / "m.weights.h5", save_format="tf")


def test_a_file_without_the_optimizer_is_not_compiled(ours, tmp_path):
    model, _ = ours
    path = tmp_path / "m.h5"
    model.save(path, include_optimizer=False)
    with h5py.File(path) as file:
        assert "optimizer_weights" not in file and "training_config" not in file.attrs
    found, report = load_model(path, report=True)
    assert not found.compiled
    assert any("no training_config" in one for one in report.defaulted)


def test_weights_end_in_weights_h5(ours, tmp_path):
    with pytest.raises(ValueError, match=r"\.weights\.h5"):
        ours[0].save_weights(tmp_path / "w.h5")


def test_a_changed_number_is_seen(ours, tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(ours[1].read_bytes())
    with h5py.File(path, "r+") as file:
        group = file["model_weights/hidden"]
        group[group.attrs["weight_names"][0]][0] = 7.0
    with pytest.raises(DamagedFileError, match="digest"):
        load_model(path)


def test_f4_a_changed_config_is_seen(ours, tmp_path):
    path = tmp_path / "m.h5"
    for name in ("model_config", "training_config"):
        path.write_bytes(ours[1].read_bytes())
        with h5py.File(path, "r+") as file:
            file.attrs[name] = file.attrs[name].replace('"config"', '"config" ', 1)
        with pytest.raises(DamagedFileError, match="config_sha256"):
            load_model(path)


def test_weights_come_in_order_or_by_name(ours):
    model, path = ours
    other = made(lamina)
    other.load_weights(path)
    assert same(values(other), values(model))
    few = lamina.Sequential(
        [lamina.Input((4,)), lamina.layers.Dense(3, name="hidden"), lamina.layers.Dense(9)]
    )
    before = values(few)
    with pytest.raises(UnfitFileError, match="by_name=True"):
        few.load_weights(path)
    assert same(values(few), before)
    report = few.load_weights(path, by_name=True, report=True)
    assert same(values(few)[:2], values(model)[:2]) and same(values(few)[2:], before[2:])
    assert "layer last, which the model lacks" in report.ignored


def test_what_does_not_fit_is_left_out_where_asked(ours):
    model, path = ours
    layers = lamina.layers
    wide = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)]
    )
    before = values(wide)
    with pytest.raises(UnfitFileError, match="has the shape"):
        wide.load_weights(path)
    assert same(values(wide), before)
    with pytest.warns(UserWarning, match="left as it is"):
        wide.load_weights(path, skip_mismatch=True)
    assert same(values(wide)[:-2], values(model)[:-2])
    assert same(values(wide)[-2:], before[-2:])


@pytest.mark.of_keras
@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.filterwarnings("ignore::lamina.saving.UnverifiedFileWarning")
def test_what_is_taken_is_what_keras_takes(by_name, tmp_path):
    """Array by array where some do not fit, by name or in order; and no state of an optimizer."""

    def model(k, inputs, units, optimizer):
        layers = [k.layers.Dense(one, name=name) for one, name in zip(units, "ab", strict=True)]
        made = k.Sequential([k.Input((inputs,)), *layers])
        made.compile(optimizer, "mse")
        made.set_weights([np.full(one.shape, inputs, "float32") for one in made.get_weights()])
        return made

    path, found = tmp_path / "m.h5", []
    saved = model(lamina, 4, (3, 2), "adam")
    saved.fit(X, X[:, :2], epochs=1, verbose=0)
    saved.save(path)
    for k in (keras, lamina):
        other = model(k, 5, (3, 6), "sgd")
        with pytest.warns(UserWarning):
            other.load_weights(path, skip_mismatch=True, by_name=by_name)
        assert int(other.optimizer.iterations.numpy()) == 0
        found.append(values(other))
    assert same(*found)
    assert not np.array_equal(found[0][1], np.full(3, 5))


def test_f9_not_finite_in_either_direction(ours, tmp_path):
    path, model = tmp_path / "m.h5", made(lamina)
    weights = values(model)
    weights[0][0] = np.nan
    model.set_weights(weights)
    for _ in range(2):
        with pytest.warns(lamina.saving.NonFiniteWarning, match="model_weights/hidden/.*kernel"):
            model.save(path)
    with pytest.warns(lamina.saving.NonFiniteWarning, match="layers/dense/0"):
        load_model(path)
    with pytest.raises(UnfitFileError, match="NaN"):
        load_model(path, strict=True)
    before = values(ours[0])
    with pytest.raises(UnfitFileError, match="NaN"):
        ours[0].load_weights(path, strict=True)
    assert same(values(ours[0]), before)


def test_the_old_form_is_known_by_its_content(ours, tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(ours[1].read_bytes())
    assert same(values(load_model(path)), values(ours[0]))


def test_weights_alone_are_no_model(ours, tmp_path):
    path = tmp_path / "w.h5"
    with h5py.File(ours[1]) as file, h5py.File(path, "w") as weights:
        for name, value in file["model_weights"].attrs.items():
            weights.attrs[name] = value
        for name in file["model_weights"]:
            file.copy(f"model_weights/{name}", weights)
    with pytest.raises(LoadError, match="holds weights and no model"):
        load_model(path)
    other = made(lamina)
    other.load_weights(path)
    assert same(values(other), values(ours[0]))


def test_a_class_of_another_module_is_not_ours():
    config = {"module": "my_package.layers", "class_name": "Dense", "config": {"units": 2}}
    with pytest.raises(ValueError, match="nothing called 'Dense'"):
        registry.deserialize(config)

    class Dense(lamina.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

    assert type(registry.deserialize(config, {"Dense": Dense})) is Dense
    for module in ("keras.layers", "keras.src.layers.core.dense", "tf_keras.layers", None):
        assert type(registry.deserialize(config | {"module": module})) is lamina.layers.Dense


OLD = {
    "class_name": "Sequential",
    "config": {
        "name": "old",
        "layers": [
            {
                "module": "keras.src.layers.core.embedding",
                "class_name": "Embedding",
                "config": {"batch_input_shape": [None, 3], "input_dim": 5, "output_dim": 2},
            },
            {"class_name": "LeakyReLU", "config": {"name": "leaky", "alpha": 0.5}},
        ],
    },
    "compile_config": {
        "optimizer": {
            "class_name": "Custom>SGD",
            "config": {"learning_rate": 0.5, "decay": 0.25, "is_legacy_optimizer": False},
        },
        "loss": {"class_name": "Huber", "config": {"reduction": "auto", "fn": "huber"}},
        "metrics": [
            [
                {
                    "class_name": "MeanMetricWrapper",
                    "config": {"name": "mae", "fn": "mean_absolute_error"},
                }
            ]
        ],
    },
}


def test_rules_say_what_they_did():
    report = LoadReport("old.h5")
    kept = json.dumps(OLD)
    model = registry.deserialize(modernised(OLD, report))
    assert json.dumps(OLD) == kept
    assert model.input_shape == (None, 3) and model.layers[1].negative_slope == 0.5
    assert float(model.optimizer.learning_rate) == 0.5
    model.optimizer.iterations.assign(4)
    assert float(model.optimizer.learning_rate) == 0.25
    assert sorted(report.mapped) == [
        "'decay' of an optimizer to the schedule InverseTimeDecay",
        "MeanMetricWrapper of mean_absolute_error to MeanAbsoluteError",
        "field 'alpha' of LeakyReLU to 'negative_slope'",
        "field 'batch_input_shape' of a first layer to an InputLayer",
        "module keras.src.layers.core.embedding to keras.layers",
        "optimizer Custom>SGD to SGD",
        "reduction 'auto' to 'sum_over_batch_size'",
    ]
