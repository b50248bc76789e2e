"""Files that are not what they should be: each is refused by name, and nothing is changed."""

import json
import os
import subprocess
import sys
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest

import lamina
from lamina.saving import (
    DamagedFileError,
    LoadError,
    MissingFileError,
    SizeBudgetError,
    UnfitFileError,
    UnsafeContentError,
    load_model,
)
from tests.saving.loading import quietly, refused


def small():
    return lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2, name="d")])


@pytest.fixture
def file(tmp_path):
    small().save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def repacked(path, **changed):
    """The archive with members replaced, or left out where None."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update({name.replace("__", "."): content for name, content in changed.items()})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


STARTS = {
    "is empty": b"",
    "b'hello wo'": b"hello world",
    r"b'\x89PNG": b"\x89PNG\r\n\x1a\n" + bytes(40),
    r"b'\x80\x04": b"\x80\x04\x95\x04\x00\x00\x00\x00" + bytes(8),
}


@pytest.mark.parametrize("said", STARTS)
def test_f2_what_is_no_model(said, tmp_path):
    """At each entry point: what was expected, and what the file begins with."""
    model, editor = small(), lamina.saving.KerasFileEditor
    for name, kind, calls in (
        ("a.keras", "zip", (load_model, model.load_weights, editor)),
        ("a.weights.h5", "HDF5", (load_model, model.load_weights, editor)),
        ("a.h5", "HDF5", (load_model, lambda path: model.load_weights(path, by_name=True))),
        ("a.safetensors", "safetensors", (model.load_weights,)),
    ):
        path = tmp_path / name
        path.write_bytes(STARTS[said])
        for call in calls:
            with pytest.raises(DamagedFileError) as caught:
                call(path)
            text = str(caught.value)
            assert str(path) in text and kind in text and said in text and len(text) <= 600


def test_f2_folders_and_checkpoints_of_others(tmp_path):
    model = small()
    for names, words in (
        ((), "it has nothing, and no config.json"),
        (("saved_model.pb", "variables"), "of TensorFlow"),
        (("checkpoint", "a.index", "a.data-00000-of-00001"), "of TensorFlow"),
    ):
        for one in tmp_path.iterdir():
            one.unlink()
        for name in names:
            (tmp_path / name).write_bytes(b"x")
        for call in (load_model, model.load_weights):
            with pytest.raises(LoadError, match=words):
                call(tmp_path)
    for call in (load_model, model.load_weights):
        with pytest.raises(LoadError, match=r"a is a checkpoint of TensorFlow.*\.weights\.h5"):
            call(tmp_path / "a")


def test_f5_a_member_is_missing(file):
    repacked(file, config__json=None)
    refused(DamagedFileError, file, "config.json")


def test_f6_a_wrong_shape_changes_nothing(tmp_path):
    path = tmp_path / "a.weights.h5"
    model = lamina.Sequential([lamina.Input((3,)), *map(lamina.layers.Dense, (2, 3))])
    other = lamina.Sequential([lamina.Input((3,)), *map(lamina.layers.Dense, (2, 4))])
    model.save_weights(path)
    before = other.get_weights()
    with pytest.raises(UnfitFileError, match=r"\(2, 4\).*\(2, 3\)"):
        other.load_weights(path)
    for value, known in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, known)
    with pytest.warns(UserWarning, match="left as it is"):
        other.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    np.testing.assert_array_equal(other.get_weights()[2], before[2])


@pytest.mark.parametrize("dtype", ["complex64", "float64", "int8", "S4", [("a", "f4")]])
def test_f7_types(dtype, tmp_path):
    path, model = tmp_path / "a.weights.h5", small()
    model.save_weights(path)
    with h5py.File(path, "r+") as stored:
        del stored["layers/dense/vars/1"]
        value = np.full(2, 1e300) if dtype == "float64" else np.zeros(2, dtype)
        stored["layers/dense/vars/1"] = value
    before = model.get_weights()
    with pytest.raises(LoadError, match=r"a.weights.h5"):
        quietly(model.load_weights, path)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_f8_renamed_missing_and_more(tmp_path):
    path, model = tmp_path / "a.weights.h5", small()
    model.save_weights(path)
    with h5py.File(path, "r+") as stored:
        stored.move("layers/dense/vars/1", "layers/dense/vars/bias")
    with pytest.raises(UnfitFileError, match=r"lacks 'sequential.*/d/bias' and has 'bias' more"):
        model.load_weights(path)
    with h5py.File(path, "r+") as stored:
        stored.move("layers/dense", "layers/other")
    with pytest.raises(UnfitFileError, match=r"'layers/other'.*none for 'layers/dense'"):
        model.load_weights(path)


def test_f9_not_finite(tmp_path):
    path, model = tmp_path / "a.keras", small()
    model.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
    with pytest.warns(lamina.saving.NonFiniteWarning, match="layers/dense/0"):
        model.save(path)
    with pytest.warns(lamina.saving.NonFiniteWarning, match="layers/dense/0"):
        load_model(path)
    with pytest.raises(UnfitFileError, match="NaN"):
        load_model(path, strict=True)


def test_f10_another_optimizer(tmp_path):
    path = tmp_path / "a.weights.h5"
    one, other = small(), small()
    data = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    one.compile("adam", "mse")
    one.fit(*data, verbose=0)
    one.save_weights(path)
    other.compile("sgd", "mse")
    with pytest.raises(UnfitFileError, match="load_optimizer=False"):
        other.load_weights(path)
    other.load_weights(path, load_optimizer=False)
    np.testing.assert_array_equal(other.get_weights()[0], one.get_weights()[0])


def test_f11_a_newer_version(file):
    repacked(file, metadata__json=json.dumps({"keras_version": "99.0.0"}))
    with pytest.warns(UserWarning, match="Keras 99.0.0.*3.15"):
        quietly(load_model, file)


def test_f12_unknown_names(file):
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json").decode()
    repacked(file, config__json=config.replace('"Dense"', '"Dens"'))
    refused(LoadError, file, "'Dens'", "dense", "custom_objects")
    repacked(file, config__json=config.replace('"units"', '"unitz"'))
    refused(LoadError, file, "'units'", "Dense 'd'")
    repacked(file, config__json=config.replace('"activation"', '"activatio"'))
    refused(LoadError, file, "'activatio'", "Dense 'd'")


@pytest.mark.parametrize("link", ["soft", "external", "virtual", "storage", "loop"])
def test_l6_ways_out_of_the_file(link, tmp_path):
    path, other, model = tmp_path / "a.weights.h5", tmp_path / "other.h5", small()
    model.save_weights(path)
    with h5py.File(other, "w") as file:
        file["data"] = np.zeros((3, 2), "float32")
    with h5py.File(path, "r+") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        if link == "soft":
            group["0"] = h5py.SoftLink("/layers/dense/vars/1")
        elif link == "external":
            group["0"] = h5py.ExternalLink(str(other), "/data")
        elif link == "virtual":
            layout = h5py.VirtualLayout((3, 2), "float32")
            layout[:] = h5py.VirtualSource(str(other), "data", (3, 2))
            group.create_virtual_dataset("0", layout)
        elif link == "storage":
            group.create_dataset("0", (3, 2), "float32", external=[(str(other), 0, 24)])
        else:
            group["0"] = file["/"]
    with pytest.raises(UnsafeContentError, match=r"'layers/dense/vars/0'|''"):
        model.load_weights(path)


def test_l7_l8_a_shape_that_was_not_asked_for(tmp_path):
    path, model = tmp_path / "a.weights.h5", small()
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", (2**20, 2**20), "float32", compression="gzip")
    with pytest.raises(UnfitFileError, match="1048576"):
        quietly(model.load_weights, path)


MEASURED = """
import sys, warnings, lamina
from lamina.saving import LoadError, load_model
warnings.simplefilter("ignore")
model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2, name="d")])
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 // 2**20
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
for path in sys.argv[1:]:
    before = resident()
    try:
        (load_model if path.endswith(".keras") else model.load_weights)(path)
    except LoadError as error:
        print(max(peak() - before, 0), type(error).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_l7_l8_l9_bombs_take_no_memory(tmp_path):
    """3.6 PB and 1 GiB that are not in the file, and 150 MB of spaces in a config."""
    paths = [tmp_path / name for name in ("a.weights.h5", "b.weights.h5", "c.keras")]
    for path, shape in zip(paths, ((3 * 10**7, 3 * 10**7), (2**28,)), strict=False):
        small().save_weights(path)
        with h5py.File(path, "r+") as file:
            del file["layers/dense/vars/0"]
            file.create_dataset(
                "layers/dense/vars/0", shape, "f4", compression="gzip", chunks=True, fillvalue=0
            )
    small().save(paths[2])
    with zipfile.ZipFile(paths[2]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(paths[2], "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, b" " * 150_000_000 if name == "config.json" else content)
    assert paths[2].stat().st_size < 200_000
    command = [sys.executable, "-c", MEASURED, *map(str, paths)]
    printed = subprocess.check_output(command, text=True).splitlines()
    assert [line.split()[1] for line in printed] == [
        *("UnfitFileError", "UnfitFileError", "SizeBudgetError")
    ]
    assert all(int(line.split()[0]) < 64 for line in printed), printed


def test_l9_l12_l13_configs(file):
    repacked(file, config__json=b" " * (17 * 2**20))
    refused(SizeBudgetError, file, "config.json")
    for text, words in (
        ("[" * 200_000, "deeper"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[1]", "list"),
        ("null", "NoneType"),
        ("{", "no JSON"),
        ('{"a": NaN}', "NaN"),
    ):
        repacked(file, config__json=text)
        refused(LoadError, file, "config.json", words)


def test_l10_l16_l17_l18_archives(file):
    whole = file.read_bytes()
    file.write_bytes(b"junk" + whole)
    refused(DamagedFileError, file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("config.json", "../x", "/x", "else.txt"):
            file.write_bytes(whole)
            with zipfile.ZipFile(file, "a") as archive:
                archive.writestr(name, "{}")
            refused(UnsafeContentError, file, name)
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    file.write_bytes(whole)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(UnsafeContentError, file, "assets/link")
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"assets/{number}", b"")
    refused(UnsafeContentError, file)


def test_l11_more_memory_than_there_is(file):
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json").decode()
    repacked(file, config__json=config.replace('"units": 2', '"units": 10000000000000'))
    refused(SizeBudgetError, file, "d/kernel", "bytes")
    with pytest.raises(SizeBudgetError, match="kernel"):
        lamina.layers.Dense(10**8).build((None, 10**6))


WAYS = {
    "keras": lambda model, path: load_model(path / "a.keras"),
    "h5": lambda model, path: load_model(path / "a.h5"),
    "json": lambda model, path: lamina.models.model_from_json(model.to_json()),
    "from_config": lambda model, path: lamina.Sequential.from_config(model.get_config()),
    "layer": lambda model, path: lamina.layers.deserialize(
        keras.layers.serialize(model.layers[-1])
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_l1_code_in_a_file(way, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x, name="code")])
    model.save(tmp_path / "a.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that the form is old
        model.save(tmp_path / "a.h5")
    with pytest.raises(UnsafeContentError, match="'code'"):
        WAYS[way](model, tmp_path)


def test_c3_an_error_while_saving_keeps_the_old_file(file):
    class Failing(lamina.layers.Identity):
        def save_own_variables(self, store):
            raise RuntimeError("no")

    before = file.read_bytes()
    model = lamina.Sequential([lamina.Input((3,)), Failing()])
    with pytest.raises(RuntimeError, match="no"):
        model.save(file)
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_c5_missing_folders_and_files(tmp_path):
    """The callbacks' own tests have what is said before training begins."""
    for name in ("d.keras", "d.h5"):
        (tmp_path / name).mkdir()
        with pytest.raises(IsADirectoryError, match=name):
            small().save(tmp_path / name)
    (tmp_path / "link.keras").symlink_to(tmp_path / "none" / "a.keras")
    with pytest.raises(FileNotFoundError, match=r"link\.keras.*no folder .*none"):
        small().save(tmp_path / "link.keras")
    (tmp_path / "link.keras").unlink()
    with pytest.raises(FileNotFoundError, match="no folder"):
        small().save(tmp_path / "none" / "a.keras")
    with pytest.raises(MissingFileError):
        load_model(tmp_path / "a.keras")
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        small().save(tmp_path / "a.txt")
    small().save(tmp_path / "a.keras")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        small().save(tmp_path / "a.keras", overwrite=False)
