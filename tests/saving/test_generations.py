"""Backups as files: whole or none, the one before where one is damaged, nobody else's touched."""

import json
import shutil
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from lamina import ops
from lamina.saving.generations import Generations
from tests.saving.kills import ROOT, fail, kill, needs_strace, points, sampled

pytestmark = pytest.mark.every_backend  # files are written alike with each

STATE = {
    "none": None,
    "numbers": [1, 2.5, True, float("inf"), -0.0, 2**80],
    "tuple": (1, ("a", [])),
    "by number": {3: "three", "$array": 0},
    "arrays": [np.arange(6, dtype="int16").reshape(2, 3).T, np.float32(0.1), np.zeros((0, 2))],
    "small": np.array([1.5, -2.0], ml_dtypes.bfloat16),
    "big end": np.array([1.0, 2.0], ">f8"),
}


def state(number):
    return {"number": number, "array": np.full(300, float(number))}


def filled(folder, count=2):
    shutil.rmtree(folder, ignore_errors=True)
    generations = Generations(folder)
    for number in range(count):
        generations.write(state(number))
    return generations


def test_state_comes_back_as_it_was(tmp_path):
    generations = Generations(tmp_path / "new" / "folder")
    assert generations.read() is None
    generations.write({**STATE, "tensor": ops.ones(2)})
    found = Generations(tmp_path / "new" / "folder").read()
    assert found.pop("tensor").tolist() == [1, 1]
    np.testing.assert_equal(found, STATE)
    kinds = [type(one) for one in found["arrays"]]
    assert kinds == [np.ndarray, np.float32, np.ndarray] and type(found["tuple"]) is tuple
    assert found["small"].dtype == ml_dtypes.bfloat16 and found["arrays"][2].shape == (0, 2)
    files = sorted(path.name for path in next(tmp_path.rglob("generation-*")).iterdir())
    assert files == ["COMMIT", "arrays.h5", "state.json"]
    text = next(tmp_path.rglob("state.json")).read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not plain JSON"))


@pytest.mark.parametrize("value", [object(), {1.5: 0}, {"a": [print]}, np.array(["text"])])
def test_what_is_no_plain_data_is_refused_where_it_is(tmp_path, value):
    generations = filled(tmp_path / "b", 1)
    with pytest.raises(TypeError, match=r"state\['mine'\].* no plain data"):
        generations.write({"mine": value})
    assert generations.read()["number"] == 0 and len(generations.paths()) == 1


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


DAMAGES = [
    *[(name, harm) for name in ("arrays.h5", "state.json") for harm in (truncate, flip, empty)],
    *[("arrays.h5", remove), ("COMMIT", truncate), ("COMMIT", flip), ("COMMIT", empty)],
]


@pytest.mark.parametrize(("name", "harm"), DAMAGES)
def test_a_damaged_generation_is_named_and_the_one_before_taken(tmp_path, name, harm):
    """Rows C6 and C7."""
    generations = filled(tmp_path / "b")
    harm(generations.paths()[-1] / name)
    with pytest.warns(UserWarning, match=r"generation-000002' is damaged .*The one before"):
        assert generations.read()["number"] == 0
    generations.write(state(7))  # the damaged one goes, the good one before it stays
    assert [path.name[-1] for path in generations.paths()] == ["1", "3"]
    assert generations.read()["number"] == 7


def test_nothing_to_fall_back_on_is_an_error(tmp_path):
    generations = filled(tmp_path / "b")
    for path in generations.paths():
        truncate(path / "arrays.h5")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"All backups in .* damaged"):
        generations.read()


def test_a_newer_format_is_not_taken_for_damaged(tmp_path, monkeypatch):
    generations = filled(tmp_path / "b")
    monkeypatch.setattr("lamina.saving.generations._FORMAT", 0)
    with pytest.raises(RuntimeError, match=r"of format 1, .* reads format 0"):
        generations.read()


def test_an_array_outside_of_the_file_is_not_read(tmp_path):
    import h5py

    from lamina.saving.array_file import open_arrays, read_array

    np.zeros(8, np.uint8).tofile(tmp_path / "other")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["0"] = h5py.ExternalLink("other.h5", "x")
        file["1"] = h5py.SoftLink("/2")
        file.create_dataset("2", (8,), "u1", external=[(tmp_path / "other", 0, 8)])
    with open_arrays(tmp_path / "a.h5") as file:
        for name in ("0", "1", "2", "3"):
            with pytest.raises(ValueError, match=f"no array '{name}' of 8 bytes"):
                read_array(file, name, "float64", (1,))


def test_only_our_files_are_removed(tmp_path):
    """Row C12."""
    generations = filled(tmp_path / "b")
    generations.hold()
    generations.remove()
    generations.release()
    assert not (tmp_path / "b").exists()
    generations = filled(tmp_path / "b")
    for name in ("mine.txt", "generation-000002/mine.txt", "generation-x/mine.txt"):
        path = tmp_path / "b" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    generations.remove()
    left = sorted(str(p.relative_to(tmp_path / "b")) for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["generation-000002/mine.txt", "generation-x/mine.txt", "mine.txt"]
    assert generations.read() is None


def test_two_processes_do_not_train_with_one_folder(tmp_path):
    program = (
        "import sys; from lamina.saving.generations import Generations\n"
        "held = Generations(sys.argv[1]); held.hold(); print('held', flush=True); sys.stdin.read()"
    )
    generations = filled(tmp_path / "b")
    leftover = tmp_path / "b" / ".generation-000003.0123456789abcdef.tmp"
    leftover.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "b"],
        env={"PYTHONPATH": str(ROOT), "LAMINA_BACKEND": "numpy"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RuntimeError, match="Another process is training with the backup"):
            generations.hold()
        other.kill()
    generations.hold()  # the lock is gone with the process
    generations.release()
    assert not leftover.exists() and generations.read()["number"] == 1


PROGRAM = """
import sys, numpy as np
from lamina.saving.generations import Generations
generations = Generations(sys.argv[1])
generations.hold()
number = generations.read()["number"] + 1
generations.write({"number": number, "array": np.full(300, float(number))})
"""


@needs_strace
@pytest.mark.parametrize("count", [2, pytest.param(None, marks=pytest.mark.slow)])
def test_a_kill_at_any_moment_leaves_the_state_before_or_after(tmp_path, count):
    """Row C8: a state is never half of one and half of another."""
    found = points(PROGRAM, tmp_path / "b", filled)
    for point in sampled(found, count or len(found)):
        filled(tmp_path / "b")
        kill(PROGRAM, tmp_path / "b", point)
        left = Generations(tmp_path / "b").read()
        assert left["number"] in (1, 2) and set(left["array"]) == {left["number"]}, point
        assert len(Generations(tmp_path / "b").paths()) >= 2


@needs_strace
@pytest.mark.parametrize("count", [1, pytest.param(None, marks=pytest.mark.slow)])
def test_a_full_disk_leaves_the_state_before_and_no_litter(tmp_path, count):
    found = points(PROGRAM, tmp_path / "b", filled)
    for error in ("ENOSPC", "EIO"):
        writes = [point for point in found if "write" in point.call]
        for point in sampled(writes, count or len(writes)):
            filled(tmp_path / "b")
            finished = fail(PROGRAM, tmp_path / "b", point, error)
            assert finished.returncode == 1 and "Error" in finished.stderr, point
            assert Generations(tmp_path / "b").read()["number"] == 1
            assert not list((tmp_path / "b").glob(".generation*"))
