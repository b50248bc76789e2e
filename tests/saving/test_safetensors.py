"""Weights as safetensors: read and written as the package of that name does, or refused."""

import json
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import lamina
from lamina.saving import DamagedFileError, LoadError, SizeBudgetError, UnfitFileError

pytestmark = pytest.mark.every_backend

NAMES = ["layers.dense.kernel", "layers.dense.bias", "layers.dense_1.kernel", "layers.dense_1.bias"]


def model(dtype="float32"):
    layers = [lamina.layers.Dense(size, dtype=dtype) for size in (2, 3)]
    return lamina.Sequential([lamina.Input((3,)), *layers])


@pytest.fixture
def file(tmp_path):
    """A file, and the model that it is of."""
    made = model()
    made.save_weights(tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors", made


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_there_and_back(dtype, tmp_path):
    path, made, other = tmp_path / "x.safetensors", model(dtype), model(dtype)
    made.compile("adam", "mse")
    made.save_weights(path)
    report = other.load_weights(path, report=True)
    assert not (report.unverified or report.ignored or report.converted)
    for value, known in zip(other.get_weights(), made.get_weights(), strict=True):
        assert value.dtype.name == dtype
        np.testing.assert_array_equal(value, known)


def test_both_ways_with_the_package(file):
    path, made = file
    arrays = safetensors.numpy.load_file(path)
    assert sorted(arrays) == sorted(NAMES)
    for name, known in zip(NAMES, made.get_weights(), strict=True):
        np.testing.assert_array_equal(arrays[name], known)
    with safetensors.safe_open(path, "np") as opened:
        assert opened.metadata()["lamina_version"] == lamina.version()
        assert len(opened.metadata()[f"sha256:{NAMES[0]}"]) == 64
    safetensors.numpy.save_file({name: array + 1 for name, array in arrays.items()}, path)
    with pytest.warns(lamina.saving.UnverifiedFileWarning):
        made.load_weights(path)
    np.testing.assert_array_equal(made.get_weights()[0], arrays[NAMES[0]] + 1)
    with pytest.raises(LoadError, match="strict=True"):
        made.load_weights(path, strict=True)


def test_arrays_of_other_names(file):
    path, made = file
    arrays = safetensors.numpy.load_file(path)
    del arrays[NAMES[1]]
    arrays["encoder.kernel"] = np.zeros(3)
    safetensors.numpy.save_file(arrays, path)
    with pytest.raises(UnfitFileError, match=r"'encoder\.kernel'.*which the model lacks"):
        made.load_weights(path)


def test_names_are_unique(tmp_path):
    class Two(lamina.layers.Layer):
        def build(self, shape):
            self.one, self.other = (self.add_weight(shape=(2,), name="w") for _ in range(2))

        def call(self, x):
            return x

    path = tmp_path / "x.safetensors"
    models = [lamina.Sequential([lamina.Input((3,)), Two()]) for _ in range(2)]
    models[0].save_weights(path)
    assert sorted(safetensors.numpy.load_file(path)) == ["layers.two.w", "layers.two.w_1"]
    models[1].load_weights(path)
    for value, known in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_array_equal(value, known)


def packed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(**changed):
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changed}}


UNSOUND = {
    "nothing": (b"", "header"),
    "cut off in its length": (b"\0\0\0", "header"),
    "a header behind its end": (struct.pack("<Q", 2**63) + b"{}", "header"),
    "no JSON": (packed(b"hello"), "JSON"),
    "no object": (packed(b"[1]"), "object"),
    "a name twice": (packed(b'{"a": 1, "a": 2}'), "twice"),
    "no place": (packed({"a": {"dtype": "F32", "shape": [2]}}), "place"),
    "no description": (packed({"a": 7}), "type"),
    "an unknown type": (packed(one(dtype="O"), bytes(8)), "'O'"),
    "a negative size": (packed(one(shape=[-2]), bytes(8)), "shape"),
    "a size that is no number": (packed(one(shape=[True, 2]), bytes(8)), "shape"),
    "another number of bytes": (packed(one(shape=[2**40]), bytes(8)), "number of bytes"),
    "a gap": (packed(one(data_offsets=[4, 12]), bytes(12)), "between"),
    "an overlap": (packed({**one(), "b": one()["a"]}, bytes(8)), "overlap"),
    "bytes too few": (packed(one(), bytes(7)), "8 bytes, and 7"),
    "bytes too many": (packed(one(), bytes(9)), "8 bytes, and 9"),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_unsound_files(what, tmp_path):
    path = tmp_path / "x.safetensors"
    content, match = UNSOUND[what]
    path.write_bytes(content)
    with pytest.raises(LoadError, match=match) as caught:
        model().load_weights(path)
    assert str(path) in str(caught.value)


def test_a_header_of_spaces(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(packed(b"{}" + b" " * 17 * 2**20))
    with pytest.raises(SizeBudgetError):
        model().load_weights(path)


def test_cuts_and_bit_flips_are_seen(file):
    path, made = file
    known, whole, other = made.get_weights(), path.read_bytes(), model()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFileError):
            other.load_weights(path)
    for place in np.random.default_rng(0).integers(0, 8 * len(whole), 300):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        other.set_weights([one * 0 for one in known])
        try:
            other.load_weights(path)
        except (LoadError, lamina.saving.UnverifiedFileWarning):
            continue
        for value, right in zip(other.get_weights(), known, strict=True):
            np.testing.assert_array_equal(value, right)
