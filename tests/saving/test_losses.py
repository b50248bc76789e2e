"""Files that are damaged, cut off, or whose program is killed while it saves: nothing is lost."""

import contextlib
import errno
import itertools
import re
import shutil
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from lamina.saving import DamagedFileError, LoadError, load_model, model_file
from tests.saving.attacks import small
from tests.saving.kills import environment, fail, kill, needs_strace, points, sampled, writers

pytestmark = pytest.mark.every_backend  # files are written alike with each

FORMS = ("a.keras", "a.weights.h5", "folder", "a.h5")
# In the quick form one of them, since starting programs takes long.
ONE_QUICK = [FORMS[0], *(pytest.param(form, marks=pytest.mark.slow) for form in FORMS[1:])]


def write(model, path):
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path, zipped=None if path.suffix else False)


def weights(path):
    """What a load of the file gives, without a word of warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not path.name.endswith(".weights.h5"):
            return load_model(path).get_weights()
        model = small()
        model.load_weights(path)
        return model.get_weights()


def files(path):
    return sorted(path.iterdir()) if path.is_dir() else [path]


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", FORMS)
def test_f4_bit_flips_are_seen(form, count, tmp_path):
    path, model = tmp_path / form, small()
    write(model, path)
    known, contents = model.get_weights(), {one: one.read_bytes() for one in files(path)}
    sizes = np.cumsum([len(content) for content in contents.values()])
    for place in np.random.default_rng(0).integers(0, 8 * sizes[-1], count):
        number = int(np.searchsorted(sizes, place // 8, "right"))
        file, whole = list(contents.items())[number]
        damaged = bytearray(whole)
        damaged[place // 8 - sizes[number]] ^= 1 << (place % 8)
        file.write_bytes(damaged)
        try:
            found = weights(path)
        except LoadError:
            found = known
        for value, right in zip(found, known, strict=True):
            np.testing.assert_array_equal(value, right, err_msg=f"{file} bit {place}")
        file.write_bytes(whole)


@pytest.mark.parametrize("step", [131, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", FORMS)
def test_f1_f3_cut_at_any_byte(form, step, tmp_path):
    path = tmp_path / form
    write(small(), path)
    for file in files(path):
        whole = file.read_bytes()
        for length in range(0, len(whole), step):
            file.write_bytes(whole[:length])
            with pytest.raises(DamagedFileError, match=form.replace(".", r"\.")):
                weights(path)
        file.write_bytes(whole)


PROGRAM = """
import pathlib, sys
from tests.saving.attacks import small
from tests.saving.test_losses import filled, write
model = small()
model.set_weights(filled(2))
write(model, next(pathlib.Path(sys.argv[1]).iterdir()))
"""


def filled(number):
    return [np.full((3, 2), number, "float32"), np.full(2, number, "float32")]


def old(form):
    """What makes a folder with the old file in it anew."""

    def prepare(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        model = small()
        model.set_weights(filled(1))
        write(model, folder / form)

    return prepare


@needs_strace
@pytest.mark.parametrize("count", [2, pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", ONE_QUICK)
def test_c1_a_kill_while_a_file_is_replaced_leaves_the_old_or_the_new(form, count, tmp_path):
    folder, prepare = tmp_path / "b", old(form)
    found = points(PROGRAM, folder, prepare)
    for point in sampled(found, count or len(found)):
        prepare(folder)
        kill(PROGRAM, folder, point)
        left = weights(folder / form)
        assert {float(value) for one in left for value in one.flat} in ({1.0}, {2.0}), point
    print(form, len(found), "points")


RANDOM_KILLS = """
import itertools, os, pathlib, random, signal, sys, time
from tests.saving.attacks import small
from tests.saving.test_losses import filled, weights, write
path, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
model, draw = small(), random.Random(0)
model.set_weights(filled(1))
began = time.perf_counter()
write(model, path)
once = time.perf_counter() - began
for _ in range(count):
    if not (child := os.fork()):
        for number in itertools.cycle((2, 1)):
            model.set_weights(filled(number))
            write(model, path)
    time.sleep(draw.uniform(0, 4 * once))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    left = {float(value) for one in weights(path) for value in one.flat}
    assert left in ({1.0}, {2.0}), left
"""


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", FORMS)
def test_c1_kills_at_random_leave_the_old_or_the_new(form, count, tmp_path):
    """Where no program can be traced, this is what there is."""
    old(form)(tmp_path / "b")
    finished = subprocess.run(
        [sys.executable, "-c", RANDOM_KILLS, str(tmp_path / "b" / form), str(count)],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]


@needs_strace
@pytest.mark.parametrize("count", [1, pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", ONE_QUICK)
def test_c2_a_full_disk_leaves_the_old_file_and_no_litter(form, count, tmp_path):
    folder, prepare = tmp_path / "b", old(form)
    calls = ("write", "pwrite64", "ftruncate", "rename", "fsync")
    found = [one for one in points(PROGRAM, folder, prepare) if one.call in calls]
    # Of the flushes of folders only the one before the new one is put in its place is an error:
    # the others come after something was put in place, and some systems have none.
    flushes = [one for one in found if re.search(r"^\d+<[^>]*(/b|/\.folder\.\w+\.tmp)>", one.line)]
    flushes = [one for one in flushes if one.call == "fsync"]
    strict = [one for one in flushes if ".tmp>" in one.line][-1:]
    found = [one for one in found if one not in flushes or one in strict]
    for error in ("ENOSPC", "EIO"):
        for point in sampled(found, count or len(found)):
            prepare(folder)
            finished = fail(PROGRAM, folder, point, error)
            assert finished.returncode == 1, (point, finished.stderr[-500:])
            last = finished.stderr.strip().splitlines()[-1]
            assert str(folder / form) in last and "bytes are free" in last, (point, last)
            left = weights(folder / form)
            assert {float(value) for one in left for value in one.flat} == {1.0}, point
            assert [one.name for one in folder.iterdir()] == [form], point
    print(form, len(found), "points, two errors each")


class FullAt:
    """A file whose write number `number` finds the disk full."""

    def __init__(self, file, number):
        self.file, self.left = file, number

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        self.left -= 1
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(content)


def test_c2_a_disk_that_is_full_at_any_write_of_an_archive(monkeypatch, tmp_path):
    path, model = tmp_path / "a.keras", small()
    model.save(path)
    whole, atomic_write = path.read_bytes(), model_file.atomic_write
    for number in itertools.count(1):

        @contextlib.contextmanager
        def full(path, number=number):
            with atomic_write(path) as file:
                yield FullAt(file, number)

        monkeypatch.setattr(model_file, "atomic_write", full)
        try:
            model.save(path)
        except OSError as error:
            assert str(path) in str(error) and "bytes are free" in str(error)
            assert path.read_bytes() == whole and list(tmp_path.iterdir()) == [path]
        else:
            break
    assert number > 20


WRITER = """
import pathlib, sys, time
from tests.saving.attacks import small
from tests.saving.test_losses import filled, write
model, path, number = small(), pathlib.Path(sys.argv[1]), int(sys.argv[2])
model.set_weights(filled(number))
print("ready", flush=True)
until = time.monotonic() + float(sys.argv[3])
while time.monotonic() < until:
    write(model, path)
"""


@pytest.mark.parametrize("seconds", [1, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", ONE_QUICK)
def test_c4_two_writers_and_a_reader(form, seconds, tmp_path):
    """The reader sees one writer's file or the other's, never half of one."""
    path, model = tmp_path / form, small()
    model.set_weights(filled(1))
    write(model, path)
    started = writers(WRITER, path, 2, seconds)
    reads, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        found = weights(path)
        assert {float(value) for one in found for value in one.flat} in ({1.0}, {2.0})
        reads += 1
    for writer in started:
        writer.communicate()
        assert writer.returncode == 0
    print(form, reads, "reads")
    assert reads and [one.name for one in tmp_path.iterdir()] == [form]
