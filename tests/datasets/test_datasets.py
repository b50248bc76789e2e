"""The data sets: cached, downloaded, or from the copy in the source tree."""

import functools
import gzip
import hashlib

import numpy as np
import pytest

from lamina.datasets import fashion_mnist, mnist
from lamina.utils import files
from lamina.utils.download import DownloadError

# Without the time, so that the same bytes are the same file, and name the same test.
zipped = functools.partial(gzip.compress, mtime=0)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    def fail(url, path, hash_known):
        raise DownloadError(f"get_file: {url} could not be reached (offline).")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(files, "download", fail)
    return tmp_path


def test_mnist_offline_is_the_shipped_copy(offline, capsys):
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    # The published MD5 of the unpacked test images, t10k-images-idx3-ubyte.
    head = np.array([2051, 10000, 28, 28], ">u4").tobytes()
    assert hashlib.md5(head + x_test.tobytes()).hexdigest() == "2646ac647ad5339dbf082846283269ea"
    note = capsys.readouterr().err
    assert note == "MNIST is not within reach: using the copy that Lamina ships.\n"


def test_mnist_from_the_network(offline, monkeypatch, capsys):
    def serve(url, path, hash_known):
        path.write_bytes((offline / "known.npz").read_bytes())

    arrays = {f"{x}_{part}": np.arange(3) for x in "xy" for part in ("train", "test")}
    np.savez(offline / "known.npz", **arrays)
    sha256 = hashlib.sha256((offline / "known.npz").read_bytes()).hexdigest()
    monkeypatch.setattr(mnist, "_SHA256", sha256)
    monkeypatch.setattr(files, "download", serve)
    (x_train, _), _ = mnist.load_data("digits.npz")
    assert x_train.tolist() == [0, 1, 2]
    assert (offline / "datasets" / "digits.npz").exists()
    assert capsys.readouterr().err == ""


def test_tampered_download_is_an_error(offline, monkeypatch):
    monkeypatch.setattr(files, "download", lambda url, path, hash_known: path.write_bytes(b"no"))
    with pytest.raises(ValueError, match="thrown away"):
        mnist.load_data()
    assert not list(offline.rglob("*.npz"))


def test_fashion_mnist_offline_says_so(offline):
    with pytest.raises(DownloadError, match="could not be reached"):
        fashion_mnist.load_data()


def idx(array):
    shape = np.array(array.shape, ">u4").tobytes()
    return zipped(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes())


def test_fashion_mnist_from_the_network(offline, monkeypatch):
    images, labels = np.arange(24, dtype="uint8").reshape(2, 3, 4), np.array([7, 9], "uint8")
    parts = {name: idx(images if "images" in name else labels) for name in fashion_mnist._FILES}
    hashes = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    monkeypatch.setattr(fashion_mnist, "_FILES", hashes)
    monkeypatch.setattr(
        files, "download", lambda url, path, hash_known: path.write_bytes(parts[url.split("/")[-1]])
    )
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    np.testing.assert_array_equal(x_train, images)
    np.testing.assert_array_equal(x_test, images)
    assert y_train.tolist() == y_test.tolist() == [7, 9]
    folder = offline / "datasets" / "fashion-mnist"
    assert sorted(path.name for path in folder.iterdir()) == sorted(parts)


@pytest.mark.parametrize(
    "content",
    [b"", b"words", zipped(b""), zipped(b"\0\0\x08"), zipped(b"\0\0\x08\2aa"),
     zipped(b"\0\0\x0d\1\0\0\0\1a"), zipped(b"\0\0\x08\1\0\0\0\2a"),
     zipped(b"\0\0\x08\1\0\0\0\2ab")[:-9]],
)  # fmt: skip
def test_damaged_idx_file_is_named(tmp_path, content):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"labels\.gz"):
        fashion_mnist.read_idx(path)
