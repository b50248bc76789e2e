"""Files as older versions of Keras wrote them load, give what they gave, and go on training alike.

`golden/README.md` says what is in the corpus. The versions in `QUICK` are in the quick form, the
others in the slow one, as are evaluation and training but for one model.
"""

import functools
import pathlib
import tarfile
import tempfile
import types

import h5py
import numpy as np
import pytest

import lamina
from tests.saving.golden.make import flat, total_loss, train
from tests.saving.golden.models import MODELS, custom_objects

ARCHIVES = pathlib.Path(__file__).parent / "golden"
VERSIONS = sorted(
    (path.name.removesuffix(".tar.xz") for path in ARCHIVES.glob("*.tar.xz")),
    key=lambda version: [int(part) for part in version.split(".")],
)
QUICK = ("3.0.5", "3.15.1")
# Of the other versions one model for each form.
QUICK_MODELS = {
    "2.10.0": {".h5": "nested", "_weights.h5": "sequence"},
    "2.12.0": {".keras": "mlp", ".weights.h5": "nested", "_weights.h5": "subclassed"},
    "2.14.0": {".keras": "attention", ".weights.h5": "subclassed"},
    "2.15.0": {".keras": "operators", ".h5": "shared", ".weights.h5": "subclassed", ".json": "cnn"},
}
QUICK_LEGACY = ("mlp", "operators")
QUICK_TRAINED = (("3.15.1", "mlp.keras"), ("2.15.0", "mlp.keras"), ("2.10.0", "mlp.h5"))
CENTERED = pytest.mark.xfail(
    reason="Keras 3.0.5's RMSprop(centered=True) made other steps than those since; 3.15.1 differs "
    "from it by the same 3e-3"
)
NADAM = pytest.mark.xfail(
    reason="Keras 2.10's Nadam let its momenta grow by schedule_decay, other than those since"
)
pytestmark = pytest.mark.filterwarnings("ignore::lamina.saving.UnverifiedFileWarning")


@functools.cache
def unpacked(version: str) -> pathlib.Path:
    folder = tempfile.TemporaryDirectory(prefix="golden-")
    unpacked.kept.append(folder)
    with tarfile.open(ARCHIVES / f"{version}.tar.xz") as archive:
        archive.extractall(folder.name, filter="data")
    return pathlib.Path(folder.name) / version


unpacked.kept = []


@functools.cache
def contents(version: str) -> tuple[str, ...]:
    with tarfile.open(ARCHIVES / f"{version}.tar.xz") as archive:
        return tuple(sorted(name.partition("/")[2] for name in archive.getnames() if "/" in name))


def files(suffix: str) -> list:
    """Each file with that end as `version, name of the model`."""
    found = []
    for version in VERSIONS:
        for file in contents(version):
            name = file.removesuffix(suffix)
            if file.endswith(suffix) and name in MODELS:
                quick = version in QUICK and (suffix != ".h5" or name in QUICK_LEGACY)
                quick |= QUICK_MODELS.get(version, {}).get(suffix) == name
                marks = [] if quick else [pytest.mark.slow]
                found.append(pytest.param(version, name, marks=marks, id=f"{version}-{name}"))
    return found


def expected(version: str, name: str, kind: str) -> dict[str, np.ndarray]:
    with np.load(unpacked(version) / "expected.npz") as arrays:
        start = f"{name}/{kind}"
        found = {
            key[len(start) :].lstrip("/"): arrays[key]
            for key in arrays.files
            if key == start or key.startswith(f"{start}/")
        }
    return found


def check(found, version: str, name: str, kind: str, tolerance: float) -> None:
    tolerance = tolerance if MODELS[name].exact else 5e-3
    found = flat(found)
    for part, value in expected(version, name, kind).items():
        np.testing.assert_allclose(
            np.asarray(found[part], "float32"), value, rtol=tolerance, atol=tolerance, err_msg=kind
        )


@functools.cache
def library(version: str):
    """Lamina as a program for that version sees it: Keras 2 had no `ops`."""
    if not version.startswith("2."):
        return lamina
    found = types.ModuleType("lamina")
    vars(found).update({name: one for name, one in vars(lamina).items() if name != "ops"})
    return found


def outputs(model, name: str):
    inputs, _ = MODELS[name].data()
    return lamina.tree.map_structure(lamina.ops.convert_to_numpy, model(inputs, training=False))


def load(version: str, file: str):
    return lamina.saving.load_model(unpacked(version) / file, custom_objects=custom_objects(lamina))


@pytest.mark.parametrize(("version", "name"), files(".keras"))
def test_a_model_gives_what_it_gave(version, name):
    model = load(version, f"{name}.keras")
    check(outputs(model, name), version, name, "output", 1e-6)


@pytest.mark.parametrize(("version", "name"), files(".h5"))
def test_a_legacy_model_gives_what_it_gave(version, name):
    model = load(version, f"{name}.h5")
    check(outputs(model, name), version, name, "output", 1e-6)


def trained() -> list:
    """Each whole model that was compiled: in the quick form a few."""
    found = []
    for suffix in (".keras", ".h5"):
        for case in files(suffix):
            version, name = case.values
            file = f"{name}{suffix}"
            marks = [] if (version, file) in QUICK_TRAINED else [pytest.mark.slow]
            if name == "sequence" and version in ("2.10.0", "3.0.5"):
                marks.append(CENTERED)
            if (name, version) == ("operators", "2.10.0"):
                marks.append(NADAM)
            found.append(pytest.param(version, file, marks=marks, id=f"{version}-{file}"))
    return found


@pytest.mark.parametrize(("version", "file"), trained())
def test_it_goes_on_training_alike(version, file):
    name = file.partition(".")[0]
    inputs, targets = MODELS[name].data()
    model = load(version, file)
    check(total_loss(model, inputs, targets), version, name, "loss", 1e-5)
    if MODELS[name].repeatable:
        train(model, inputs, targets)
        check(model.predict(inputs, verbose=0), version, name, "trained", 1e-5)


@pytest.mark.parametrize(("version", "name"), files(".weights.h5"))
def test_weights_give_what_they_gave(version, name):
    model = MODELS[name].build(library(version))
    model.load_weights(unpacked(version) / f"{name}.weights.h5")
    check(outputs(model, name), version, name, "output", 1e-6)


@pytest.mark.parametrize(("version", "name"), files("_weights.h5"))
def test_legacy_weights_give_what_they_gave(version, name):
    model = MODELS[name].build(library(version))
    model.load_weights(unpacked(version) / f"{name}_weights.h5")
    check(outputs(model, name), version, name, "output", 1e-6)


@pytest.mark.parametrize(("version", "name"), files(".json"))
def test_json_makes_the_model_that_it_describes(version, name):
    folder = unpacked(version)
    text = (folder / f"{name}.json").read_text()
    model = lamina.models.model_from_json(text, custom_objects=custom_objects(lamina))
    model.load_weights(folder / f"{name}.weights.h5", load_optimizer=False)
    check(outputs(model, name), version, name, "output", 1e-6)


def having(file: str) -> list[str]:
    return [version for version in VERSIONS if file in contents(version)]


@pytest.mark.parametrize("version", having("attention_folder"))
def test_an_unzipped_model_gives_what_it_gave(version):
    model = load(version, "attention_folder")
    check(outputs(model, "attention"), version, "attention", "output", 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("version", having("attention.weights.json"))
def test_weights_in_shards_give_what_they_gave(version):
    model = MODELS["attention"].build(lamina)
    model.load_weights(unpacked(version) / "attention.weights.json", load_optimizer=False)
    check(outputs(model, "attention"), version, "attention", "output", 1e-6)


@pytest.mark.parametrize("version", having("long_names.h5"))
def test_a_list_of_names_split_over_attributes_is_read(version):
    with h5py.File(unpacked(version) / "long_names.h5") as file:
        assert "layer_names" not in file["model_weights"].attrs
        found = []
        file["model_weights"].visititems(
            lambda _, one: found.append(np.asarray(one)) if isinstance(one, h5py.Dataset) else None
        )
    model = load(version, "long_names.h5")
    assert len(model.layers) == 71
    for weight, value in zip(
        model.get_weights(), sorted(found, key=lambda one: -one.ndim), strict=True
    ):
        np.testing.assert_array_equal(weight, value)
