"""Programs killed, or told that the disk is full, at each moment at which they write to it.

    for point in sampled(points(program, folder, prepare), 6):
        prepare(folder)
        kill(program, folder, point)
        ...  # see what is left in the folder

A program is Python code; `sys.argv[1]` is the folder that it works in.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest

CALLS = "write,pwrite64,ftruncate,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync,fdatasync"
ROOT = pathlib.Path(__file__).parents[2]


class Point(NamedTuple):
    """The moment at which a program makes a system call, counted among those of its kind."""

    call: str
    ordinal: int
    line: str

    def __str__(self):
        return f"{self.call} {self.ordinal}: {self.line}"


def points(program, folder, prepare=None):
    """The moments at which `program` writes, renames, removes or flushes something in `folder`.

    Args:
        program: Python code.
        folder: what it works in.
        prepare: called with the folder before the program is run.
    """
    if prepare is not None:
        prepare(folder)
    log = folder.with_name(folder.name + ".strace")
    finished = _traced(program, folder, "-e", f"trace={CALLS}", "-o", log)
    assert finished.returncode == 0, finished.stderr[-2000:]
    lines = [re.match(r"(\d+) +(\w+)\((.*)", line) for line in log.read_text().splitlines()]
    log.unlink()
    calls = [line.groups() for line in lines if line is not None]
    # Calls are counted thread by thread; one thread does the saving.
    saver = next((process for process, _, what in calls if str(folder) in what), None)
    found, counts = [], {}
    for process, call, what in calls:
        if process == saver:
            counts[call] = counts.get(call, 0) + 1
            if str(folder) in what:
                found.append(Point(call, counts[call], what[:200]))
    assert found, f"the program did nothing in {folder}"
    return found


def kill(program, folder, point):
    """Run `program`, and kill it where it is about to make the call of `point`."""
    finished = _injected(program, folder, point, "signal=KILL")
    assert finished.returncode in (-9, 137), f"not killed at {point}\n{finished.stderr[-2000:]}"


def fail(program, folder, point, error="ENOSPC"):
    """Run `program`, in which the call of `point` fails; returns the finished process."""
    return _injected(program, folder, point, f"error={error}")


def sampled(found, count):
    """Some of the points, from the first to the last."""
    places = {round(i * (len(found) - 1) / max(count - 1, 1)) for i in range(count)}
    return [found[place] for place in sorted(places)]


@functools.cache
def available():
    """Whether programs can be traced here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0


needs_strace = pytest.mark.skipif(not available(), reason="strace cannot trace programs here")


def environment():
    """For programs: NumPy is the backend that starts fastest, and files are alike with each."""
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
        "LAMINA_BACKEND": "numpy",
    }


def _injected(program, folder, point, effect):
    inject = f"inject={point.call}:{effect}:when={point.ordinal}"
    return _traced(program, folder, "-e", f"trace={point.call}", "-e", inject, "-o", os.devnull)


def _traced(program, folder, *options):
    return subprocess.run(
        [
            *("strace", "-f", "-qq", "-y", "-s", "1000", *map(str, options)),
            *(sys.executable, "-c", program, str(folder)),
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def writers(program, path, count, seconds):
    """Programs that write to `path` at the same time, all of them ready to.

    Each finds in `sys.argv` the path, its number, from 1 on, and how long to write, and prints
    "ready" once it could begin.
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(number), str(seconds)],
            env=environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for number in range(1, count + 1)
    ]
    for writer in started:
        assert writer.stdout.readline() == b"ready\n"
    return started
