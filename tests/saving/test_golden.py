"""Files as older versions of Keras wrote them load, give what they gave, and go on training alike.

`golden/README.md` says what is in the corpus. The versions in `QUICK` are in the quick form, the
others in the slow one, as are evaluation and training but for one model.
"""

import functools
import pathlib
import tarfile
import tempfile

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
QUICK = ("2.15.0", "3.0.5", "3.15.1")
QUICK_TRAINED = ("mlp",)


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
                marks = [] if version in QUICK else [pytest.mark.slow]
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
    """Each whole model that was compiled: in the quick form one."""
    found = []
    for suffix in (".keras", ".h5"):
        for case in files(suffix):
            version, name = case.values
            marks = case.marks if name in QUICK_TRAINED else [pytest.mark.slow]
            case = pytest.param(version, name + suffix, marks=marks, id=f"{version}-{name}{suffix}")
            found.append(case)
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
    model = MODELS[name].build(lamina)
    model.load_weights(unpacked(version) / f"{name}.weights.h5")
    check(outputs(model, name), version, name, "output", 1e-6)


@pytest.mark.parametrize(("version", "name"), files("_weights.h5"))
def test_legacy_weights_give_what_they_gave(version, name):
    model = MODELS[name].build(lamina)
    model.load_weights(unpacked(version) / f"{name}_weights.h5")
    check(outputs(model, name), version, name, "output", 1e-6)


@pytest.mark.parametrize(("version", "name"), files(".json"))
def test_json_makes_the_model_that_it_describes(version, name):
    folder = unpacked(version)
    text = (folder / f"{name}.json").read_text()
    model = lamina.models.model_from_json(text, custom_objects=custom_objects(lamina))
    model.load_weights(folder / f"{name}.weights.h5")
    check(outputs(model, name), version, name, "output", 1e-6)


def having(file: str) -> list[str]:
    return [version for version in VERSIONS if file in contents(version)]


@pytest.mark.parametrize("version", having("attention.weights.json"))
def test_shards_give_what_they_gave(version):
    model = MODELS["attention"].build(lamina)
    model.load_weights(unpacked(version) / "attention.weights.json")
    check(outputs(model, "attention"), version, "attention", "output", 1e-6)


@pytest.mark.parametrize("version", having("attention_folder"))
def test_an_unzipped_model_gives_what_it_gave(version):
    model = load(version, "attention_folder")
    check(outputs(model, "attention"), version, "attention", "output", 1e-6)


@pytest.mark.parametrize("version", [one for one in having("long_names.h5") if one in QUICK])
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
