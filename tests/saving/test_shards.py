"""Weights in shards: both ways with Keras, nothing but the index's own shards, old or new."""

import json
import time

import h5py
import keras
import numpy as np
import pytest

import lamina
from lamina.saving import DamagedFileError, LoadError, UnsafeContentError
from tests.saving.kills import kill, needs_strace, points, sampled, writers

pytestmark = pytest.mark.every_backend

# Of a shard: two of the layers, 320 bytes each.
SIZE = 700 / 2**30


def model(k=lamina, layers=3):
    return k.Sequential([k.Input((8,)), *(k.layers.Dense(8) for _ in range(layers))])


def same(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(left, right) for left, right in pairs)


@pytest.fixture
def index(tmp_path):
    """An index of two shards, the model that they are of, and one of other numbers."""
    made = model()
    made.save_weights(tmp_path / "x.weights.json", max_shard_size=SIZE)
    return tmp_path / "x.weights.json", made, model()


def changed(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.of_keras
def test_both_ways_with_keras(tmp_path):
    index = tmp_path / "x.weights.json"
    written = []
    for wrote, reads in ((keras, lamina), (lamina, keras)):
        one, other = model(wrote), model(reads)
        for made in (one, other):
            made.compile("adam", "mse")
            made.fit(np.ones((2, 8)), np.ones((2, 8)), verbose=0)
        one.save_weights(index, max_shard_size=SIZE)
        if reads is lamina:
            with pytest.warns(lamina.saving.UnverifiedFileWarning):
                other.load_weights(index)
        else:
            other.load_weights(index)
        assert same(one, other)
        last = [np.asarray(made.optimizer.variables[-1]) for made in (one, other)]
        np.testing.assert_array_equal(*last)
        found = json.loads(index.read_text())
        written.append((found["weight_map"], found["metadata"]["total_size"]))
        for file in tmp_path.iterdir():
            file.unlink()
    assert written[0] == written[1]


def test_new_shards_replace_the_old_ones(index):
    path, _, other = index
    names = [f"x_0000{number}.weights.h5" for number in range(4)]
    for expected in (names[2:], names[:2]):
        other.save_weights(path.with_name("x.weights.h5"), max_shard_size=SIZE)
        assert sorted(one.name for one in path.parent.iterdir()) == ["x.weights.json", *expected]
    made = model()
    report = made.load_weights(path, report=True)
    assert same(made, other)
    assert not (report.unverified or report.ignored)


def test_l19_shards_of_others_are_not_taken(index):
    path, _, other = index
    before = other.get_weights()

    def refused(error, match):
        with pytest.raises(error, match=match) as caught:
            other.load_weights(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) <= 600

    one, two = sorted(path.parent.glob("*.h5"))
    content = one.read_bytes()
    model().save_weights(one)
    refused(DamagedFileError, "another file's")
    one.unlink()
    refused(DamagedFileError, one.name)
    one.symlink_to(two)
    refused(UnsafeContentError, "link")
    one.unlink()
    one.write_bytes(content)

    whole = path.read_text()
    for name in ("../y_00000.weights.h5", "/y_00000.weights.h5", "x.weights.h5", ".", 7):
        changed(path, lambda found, name=name: found["weight_map"].update({"/vars": [name]}))
        refused(UnsafeContentError, "no shard's file")
        path.write_text(whole)
    changed(path, lambda found: found["weight_map"].pop("/layers/dense/vars"))
    refused(DamagedFileError, "layers/dense/vars")
    path.write_text(whole[:-20])
    refused(DamagedFileError, "JSON")

    # Without digests, as Keras writes it, only what is called after the index.
    path.write_text(whole)
    changed(path, lambda found: found["metadata"].pop("sha256"))
    path.write_text(path.read_text().replace(one.name, "z_00000.weights.h5"))
    one.rename(path.with_name("z_00000.weights.h5"))
    refused(UnsafeContentError, "another index")
    for value, known in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, known)


def test_bit_flips_are_seen(index):
    path, made, _ = index
    draw = np.random.default_rng(0)
    for file in sorted(path.parent.iterdir()):
        whole = file.read_bytes()
        for place in draw.integers(0, 8 * len(whole), 40):
            damaged = bytearray(whole)
            damaged[place // 8] ^= 1 << (place % 8)
            file.write_bytes(damaged)
            other = model()
            try:
                other.load_weights(path)
            except LoadError:
                continue
            assert same(made, other), place
        file.write_bytes(whole)


def test_what_cannot_be_written_leaves_the_old_shards(index):
    path, made, _ = index
    files = {file: file.read_bytes() for file in path.parent.iterdir()}
    for size, match in (
        (100 / 2**30, r"layers/dense/vars/0 has 256 bytes"),
        (0, "positive"),
        (True, "positive"),
        ("1", "positive"),
    ):
        with pytest.raises(ValueError, match=match):
            made.save_weights(path, max_shard_size=size)
    with pytest.raises(ValueError, match="max_shard_size"):
        made.save_weights(path)
    with pytest.raises(ValueError, match=r"weights\.json"):
        made.save_weights(path.with_name("x.keras"), max_shard_size=1)

    def failing(store):
        raise RuntimeError("no")

    made.layers[-1].save_own_variables = failing
    with pytest.raises(RuntimeError, match="no"):
        made.save_weights(path, max_shard_size=SIZE)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == files


SAVE = f"""
import sys, lamina
model = lamina.Sequential([lamina.Input((8,)), *(lamina.layers.Dense(8) for _ in range(3))])
model.set_weights([one * 0 + 2 for one in model.get_weights()])
model.save_weights(sys.argv[1] + "/x.weights.json", max_shard_size={SIZE})
"""


@pytest.mark.slow
@needs_strace
def test_killed_while_saving(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    old = model()
    old.set_weights([one * 0 + 1 for one in old.get_weights()])

    def prepare(folder):
        for file in folder.iterdir():
            file.unlink()
        old.save_weights(folder / "x.weights.json", max_shard_size=SIZE)

    for point in sampled(points(SAVE, folder, prepare), 12):
        prepare(folder)
        kill(SAVE, folder, point)
        found = model()
        found.load_weights(folder / "x.weights.json")
        assert {float(one.max()) for one in found.get_weights()} in ({1.0}, {2.0}), point


def test_an_array_in_two_shards(index):
    path, _, other = index
    two = max(path.parent.glob("*.h5"))
    changed(path, lambda found: found["metadata"].pop("sha256"))
    changed(path, lambda found: found["weight_map"]["/layers/dense/vars"].append(two.name))
    with h5py.File(two, "r+") as file:
        file["layers/dense/vars/0"] = np.zeros((8, 8), "float32")
    with pytest.raises(DamagedFileError, match="in two of its shards"):
        other.load_weights(path)


WRITER = """
import sys, time
import numpy as np
from tests.saving.test_shards import SIZE, model
made, until = model(), time.monotonic() + float(sys.argv[3])
made.set_weights([np.full(one.shape, int(sys.argv[2])) for one in made.get_weights()])
print("ready", flush=True)
while time.monotonic() < until:
    made.save_weights(sys.argv[1], max_shard_size=SIZE)
"""


@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_c4_three_writers_and_a_reader(seconds, tmp_path):
    """The reader sees one writer's shards, all of them, and never some of another's."""
    path, found = tmp_path / "x.weights.json", model()
    found.set_weights([np.full(one.shape, 1.0) for one in found.get_weights()])
    found.save_weights(path, max_shard_size=SIZE)
    started = writers(WRITER, path, 3, seconds)
    reads, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        found.load_weights(path)
        assert len({float(value) for one in found.get_weights() for value in one.flat}) == 1
        reads += 1
    for writer in started:
        writer.communicate()
        assert writer.returncode == 0
    assert reads
    found.load_weights(path)
    found.save_weights(path, max_shard_size=SIZE)
    named = {
        one for shards in json.loads(path.read_text())["weight_map"].values() for one in shards
    }
    assert {file.name for file in tmp_path.iterdir()} == {path.name, *named}
    print(reads, "reads")
