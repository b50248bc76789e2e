"""The data sets whose files hold pickles or tables, beside Keras, on small files of their formats.

A number in a name is that of a row of the table of bad inputs.
"""

import functools
import hashlib
import io
import json
import pickle
import subprocess
import sys
import tarfile

import keras
import numpy as np
import pytest

import lamina
from lamina.datasets import boston_housing, california_housing, cifar10, cifar100, imdb, reuters
from lamina.utils.download import DownloadError
from tests.datasets import originals
from tests.server import tree

NEWS = originals.npz_bytes(x=originals.lists(*range(1, 14), *range(1, 8)), y=np.arange(20))
REVIEWS = originals.npz_bytes(
    x_train=originals.lists(7, 3, 9, 1, 12, 5), y_train=np.array([0, 1, 1, 0, 1, 0]),
    x_test=originals.lists(4, 2, 8, 6, most=100_000), y_test=np.array([1, 1, 0, 0]),
)  # fmt: skip
TABLE = originals.npz_bytes(x=np.arange(1400.0).reshape(700, 2), y=np.arange(700.0))
BATCHES = [originals.cifar10_batch(3, number) for number in range(1, 7)]
PARTS = [originals.cifar100_part(rows, rows) for rows in (6, 4)]
FILES = {
    boston_housing: TABLE,
    california_housing: TABLE,
    cifar10: originals.cifar10(BATCHES),
    cifar100: originals.cifar100(*PARTS),
    imdb: REVIEWS,
    reuters: NEWS,
}


def name_of(module):
    return module.__name__.split(".")[-1]


@pytest.fixture
def serve(server, tmp_path, monkeypatch):
    """Has a data set come from the server, whose file counts as the right one."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def run(module, content, right=None):
        base = "_BASE" if hasattr(module, "_BASE") else "_ORIGIN"
        monkeypatch.setattr(module, base, server.url + "/")
        monkeypatch.setattr(module, "_SHA256", hashlib.sha256(right or content).hexdigest())
        server.files.update({f"/{name_of(module)}.npz": content, "/": content})

    return run


@pytest.fixture
def of_keras(tmp_path, monkeypatch):
    """Keras's function of the same name, on a file or folder of ours."""

    def run(module, path, *arguments, **options):
        theirs = getattr(keras.datasets, name_of(module)).load_data
        fetched = sys.modules[theirs.__module__]
        monkeypatch.setattr(fetched, "get_file", lambda *_, **__: str(path))
        return theirs(*arguments, **options)

    return run


def assert_same(found, expected):
    for ours, theirs in zip(sum(found, ()), sum(expected, ()), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        assert ours.tolist() == theirs.tolist()
        assert ours.flags.writeable


TEXTS = [{}, {"num_words": 50_000}, {"skip_top": 20_000}, {"oov_char": None, "num_words": 40_000},
         {"start_char": None}, {"start_char": 0, "index_from": 0},
         {"index_from": None, "start_char": None}, {"maxlen": 8}, {"maxlen": 0, "seed": 5},
         {"num_words": 60_000, "skip_top": 9, "maxlen": 7, "seed": 1, "start_char": 5,
          "oov_char": 6, "index_from": 7}]  # fmt: skip
TABLES = [{}, {"test_split": 0}, {"test_split": 0.37, "seed": 4}]
CASES = [
    *[(imdb, options) for options in TEXTS],
    *[(reuters, options) for options in [*TEXTS, {"test_split": 1.0}, {"test_split": 0}]],
    *[(module, options) for options in TABLES for module in (boston_housing, california_housing)],
    (california_housing, {"version": "small", "seed": 2}),
]


@pytest.mark.parametrize(("module", "options"), CASES, ids=str)
def test_npz_data_set_is_keras(serve, of_keras, tmp_path, module, options):
    serve(module, FILES[module])
    found = module.load_data(**options)
    path = tmp_path / "datasets" / f"{name_of(module)}.npz"
    assert_same(found, of_keras(module, path, **options))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numpy_own_pickles_are_read_too(serve, protocol):
    dump = functools.partial(pickle.dumps, protocol=protocol)
    texts = originals.lists(3, 1, 2)
    serve(reuters, originals.npz_bytes(dump, x=texts, y=np.arange(3)))
    plain = {"start_char": None, "index_from": 0, "num_words": 100_000}
    (x, y), _ = reuters.load_data(test_split=0, **plain)
    assert x.tolist() == [texts[place] for place in y]


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_cifar100_is_keras(serve, of_keras, tmp_path, layout):
    for library in (lamina, keras):
        library.config.set_image_data_format(layout)
    try:
        serve(cifar100, FILES[cifar100])
        with tarfile.open(fileobj=io.BytesIO(FILES[cifar100])) as archive:
            archive.extractall(tmp_path / "content", filter="data")
        for mode in ("fine", "coarse"):
            expected = of_keras(cifar100, tmp_path / "content", mode)
            assert_same(cifar100.load_data(label_mode=mode), expected)
    finally:
        for library in (lamina, keras):
            library.config.set_image_data_format("channels_last")
    assert tree(tmp_path / "datasets") == ["cifar-100-python-target_archive"]


def test_cifar10_joins_the_batches(serve, tmp_path):
    # Keras's own wants 10,000 rows a batch, too many for a test.
    serve(cifar10, FILES[cifar10])
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    rows = np.concatenate([batch["data"] for batch in BATCHES]).reshape(-1, 3, 32, 32)
    pictures = np.concatenate([x_train, x_test])
    assert (x_train.shape, x_test.shape) == ((15, 32, 32, 3), (3, 32, 32, 3))
    np.testing.assert_array_equal(pictures, np.moveaxis(rows, 1, -1))
    assert pictures.dtype == y_train.dtype == y_test.dtype == np.uint8
    assert y_train.ravel().tolist() == [n for b in BATCHES[:5] for n in b["labels"]]
    assert y_test.tolist() == [[label] for label in BATCHES[5]["labels"]]
    assert tree(tmp_path / "datasets") == ["cifar-10-batches-py-target_archive"]


@pytest.mark.parametrize("module", [imdb, reuters], ids=name_of)
def test_word_index(serve, server, monkeypatch, module):
    words = json.dumps({"the": 1, "é": 2}).encode()
    serve(module, b"")
    server.files[f"/{name_of(module)}_word_index.json"] = words
    with pytest.raises(ValueError, match="thrown away"):
        module.get_word_index()
    monkeypatch.setattr(module, "_WORDS_MD5", hashlib.md5(words).hexdigest())
    assert module.get_word_index() == {"the": 1, "é": 2}


def test_label_names_are_keras():
    assert reuters.get_label_names() == keras.datasets.reuters.get_label_names()


@pytest.mark.parametrize(
    ("load", "match"),
    [(functools.partial(boston_housing.load_data, test_split=1), "test_split is the share"),
     (functools.partial(reuters.load_data, test_split=1.5), "test_split is the share"),
     (functools.partial(california_housing.load_data, "medium"), "'large' or 'small'"),
     (functools.partial(cifar100.load_data, "both"), "'fine' or 'coarse'")],
)  # fmt: skip
def test_wrong_argument_is_refused_before_any_download(load, match):
    with pytest.raises(ValueError, match=match):
        load()


@pytest.mark.parametrize("module", [imdb, reuters], ids=name_of)
def test_no_text_left_is_an_error(serve, module):
    serve(module, FILES[module])
    with pytest.raises(ValueError, match="no text is shorter than maxlen"):
        module.load_data(maxlen=1)


@pytest.mark.parametrize("module", FILES, ids=name_of)
def test_l24_tampered_file_never_reaches_the_reader(serve, server, tmp_path, monkeypatch, module):
    serve(module, FILES[module] + b"x", right=FILES[module])
    with pytest.raises(ValueError, match="thrown away"):
        module.load_data()
    assert tree(tmp_path) == ["datasets"]
    # Nor one that was tampered with in the cache.
    server.files.update(dict.fromkeys(server.files, FILES[module]))
    module.load_data()
    [cached] = (tmp_path / "datasets").iterdir()
    cached.write_bytes(FILES[module] + b"x")
    server.files.clear()
    with pytest.raises(DownloadError, match="404"):
        module.load_data()


class Attack:
    """Pickled, it calls a function on arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Marker:
    pass


def attacks(marker):
    """Pickles that would write the marker, look something up, or take much memory."""
    write = f"open({str(marker)!r}, 'w')"
    named = [
        Attack(eval, write), Attack(exec, write), Attack(subprocess.getoutput, f"touch {marker}"),
        Attack(getattr, "", "join"), Attack(np.load, str(marker)),
        Attack(__import__, "antigravity"), Attack(np.fromfile, "/etc/passwd"),
        Attack(bytearray, 10**12), Marker(),
        [1, Attack(eval, write)], {"data": Attack(eval, write), "labels": [1]},
    ]  # fmt: skip
    yield from (pickle.dumps(one, protocol) for one in named for protocol in range(6))
    yield b"\x80\x02" + b"(" + f"V{write}\n".encode() + b"i__builtin__\neval\n."  # INST
    yield b"(c__builtin__\neval\n" + f"V{write}\no.".encode()  # OBJ
    yield b"\x80\x02cos\nsystem\n" + f"(Vtouch {marker}\ntR.".encode()
    yield b"\x80\x02Ppersistent\n."
    yield b"\x80\x02\x82\x01."  # an extension of the registry
    yield b"\x80\x02]r\xff\xff\xff\xff."  # a memory of 4 billion places: a list, and no array
    array = originals.python2_pickle(np.arange(3, dtype="u1"))
    yield array.replace(b"K\x03t", b"J\xff\xff\xff\x7ft")  # of 2 GB
    yield array.replace(b"numpy\nndarray", b"numpy\nmemmap")
    yield array.replace(b"U\x02u1", b"U\x02V9")


WATCHED = """
import sys, tracemalloc
from pathlib import Path
import lamina
from lamina.datasets import cifar10, cifar100, imdb, reuters, mnist
from lamina.datasets.npz import read_npz

seen, folder = [], Path(sys.argv[1])
for module in (cifar10, imdb, reuters):  # after this, nothing is left to import
    module.get_file = lambda *_, **__: str(folder / f"{module.__name__}.good")
    module.load_data()

def watch(event, arguments):
    if event != "open" or Path(str(arguments[0])).parent != folder:
        seen.append((event, arguments))

paths = sorted(folder.glob("*.bad"))
tracemalloc.start()
sys.addaudithook(watch)
kinds = {"cifar10": [cifar10], "cifar100": [cifar100], "npz": [imdb, reuters, mnist]}
for path in paths:
    for module in kinds[path.name.split("-")[0]]:
        module.get_file = lambda *_, **__: str(path)
        try:
            module.load_data()
        except ValueError as error:
            assert len(str(error)) <= 600 and "Delete it and load again" in str(error), error
        else:
            raise SystemExit(f"{path} was read")
assert not seen, seen[:3]
assert tracemalloc.get_traced_memory()[1] < 2**26, tracemalloc.get_traced_memory()
"""


def test_l24_tampered_pickle_is_never_executed(tmp_path):
    """Behind the hash, as if an attacker knew how to keep it: the reader itself is safe."""
    folder, marker = tmp_path / "files", tmp_path / "marker"
    folder.mkdir()
    for module in (cifar10, imdb, reuters):
        (folder / f"{module.__name__}.good").write_bytes(FILES[module])
    names = ("x", "y", "x_train", "y_train", "x_test", "y_test")
    for number, attack in enumerate(attacks(marker)):
        arrays = {name: originals.lists(2, 1) for name in names}
        bad = originals.npz_bytes(lambda array, attack=attack: attack, **arrays)
        (folder / f"npz-{number}.bad").write_bytes(bad)
        for name, parts in (("cifar10", ["cifar-10-batches-py/data_batch_1"]),
                            ("cifar100", ["cifar-100-python/train"])):  # fmt: skip
            bad = originals.tar_gz(dict.fromkeys(parts, attack))
            (folder / f"{name}-{number}.bad").write_bytes(bad)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not marker.exists()


@pytest.mark.parametrize(
    ("change", "match"),
    [({"x": np.array(["a", "b"])}, "numbers or lists"),
     ({"x": np.zeros(2, [("a", "i4")])}, "numbers or lists"),
     ({"x": np.arange(2)}, "no list of numbers"),
     ({"y": np.arange(5)}, "2 rows and 5 labels"),
     ({"x": None}, r"x\.npy")],
    ids=str,
)  # fmt: skip
def test_file_of_other_arrays_is_named(serve, change, match):
    arrays = {"x": originals.lists(2, 1), "y": np.arange(2)} | change
    arrays = {name: array for name, array in arrays.items() if array is not None}
    serve(reuters, originals.npz_bytes(**arrays))
    with pytest.raises(ValueError, match=match):
        reuters.load_data()


@pytest.mark.parametrize(
    "change",
    [{"data": np.zeros((3, 3072))}, {"data": np.zeros((3, 5), "u1")}, {"labels": [1, 2]},
     {"labels": ["a", "b", "c"]}, {"data": [1]}],
    ids=lambda change: str(change)[:20],
)  # fmt: skip
def test_batch_of_other_content_is_named(serve, change):
    serve(cifar10, originals.cifar10([BATCHES[0] | change, *BATCHES[1:]]))
    with pytest.raises(ValueError, match="cifar-10-batches-py-target_archive is damaged or"):
        cifar10.load_data()
    serve(cifar10, originals.tar_gz({"cifar-10-batches-py/data_batch_1": b""}))
    with pytest.raises(ValueError, match="cifar-10-batches-py-target_archive is damaged or"):
        cifar10.load_data()
