"""Files that were changed at random, loaded by the thousand in a process of its own.

    python -m tests.saving.fuzz COUNT SEED PROGRESS

Whatever was changed, a load ends with a `LoadError` or with a model, within bounds of memory and
time, and never in a crash: the number of the case under way is in the file PROGRESS. Nothing else
is opened, imported or run. The kinds take turns: of 41 cases, 36 are a `.weights.h5` with other
bytes, three one of another structure, one is a config, and one a whole `.keras`.
"""

import contextlib
import copy
import io
import json
import os
import pathlib
import random
import resource
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile

import h5py
import numpy as np

import lamina
from lamina.saving import LoadError, load_model
from tests.saving.attacks import Watch, small

# Most are of the kind that is tried fastest.
KINDS = (*(("bytes",) * 12 + ("structure",)) * 3, "config", "archive")
MOST_SECONDS, MOST_BYTES = 5, 64 * 2**20
GOLDEN = pathlib.Path(__file__).parent / "golden" / "3.15.1.tar.xz"
# What stands in places of configs where something else was.
ODD = (
    *(None, True, -1, 0, 1, 3, 2**31, 2**63, 10**13, -1.5, 1e300, "", "x", "relu", "..", "/x"),
    *([], [None, 3], [2**40] * 3, {}, {"class_name": "Dense"}, {"class_name": 3, "config": []}),
    {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "U9999999"}},
    {"class_name": "__tensor__", "config": {"value": [[1]], "dtype": "float32"}},
    {"class_name": "__slice__", "config": {"start": None, "stop": 2**60, "step": None}},
    {"module": "os", "class_name": "system", "config": {"command": "true"}},
    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2**40}},
)


def model():
    """One layer of each kind that differs in how it is described or stored."""
    inner = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(4, name="within")])
    source = lamina.Input((3,))
    x = lamina.layers.Dense(4, activation="relu", kernel_regularizer="l2")(source)
    x = lamina.layers.BatchNormalization()(x)
    x = inner(x) + lamina.layers.Dropout(0.5)(x)
    x = lamina.layers.Reshape((2, 2))(x)
    x = lamina.layers.Bidirectional(lamina.layers.GRU(2))(x)
    made = lamina.Model(source, lamina.layers.Dense(2)(x))
    made.compile(lamina.optimizers.Adam(0.01), "mse", metrics=["mae"])
    made.optimizer.build(made.trainable_variables)
    return made


def changed_bytes(draw, content):
    """`content` with some bytes other, left out, repeated or from another place."""
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        place, size = draw.randrange(len(found)), draw.choice((1, 1, 2, 4, 8, 64))
        how = draw.randrange(6)
        if how == 0:
            found[place] ^= 1 << draw.randrange(8)
        elif how == 1:
            found[place : place + size] = draw.randbytes(size)
        elif how == 2:
            found[place : place + size] = draw.choice((b"\0", b"\xff", b"\x7f")) * size
        elif how == 3:
            other = draw.randrange(len(found))
            found[place : place + size] = found[other : other + size]
        elif how == 4 and len(found) > 2 * size:
            del found[place : place + size]
        else:
            found[place:place] = found[place : place + size]
    return bytes(found)


def changed_structure(draw, content):
    """An HDF5 file with something in it renamed, replaced, removed, linked or packed otherwise."""
    held = io.BytesIO(content)
    with h5py.File(held, "r+") as file:
        names = []
        file.visit(names.append)
        for _ in range(draw.choice((1, 1, 3))):
            # What came before may have taken the place away, or made a loop of links.
            with contextlib.suppress(KeyError, RuntimeError, ValueError, OSError, TypeError):
                _change_one(draw, file, draw.choice(names), draw.choice(names))
    return held.getvalue()


def _change_one(draw, file, name, other):
    how = draw.randrange(9)
    if how == 0 and other in file and not other.startswith(name):
        file.move(name, f"{other}x")
    elif how == 1:
        file[name].attrs[draw.choice(("name", "sha256", "dtype"))] = draw.choice(
            ("bfloat16", "x" * 300, 3, [1.5] * 9, np.zeros(2, [("a", "f4")]))
        )
    elif how == 2 and isinstance(file[name], h5py.Group):
        file[name].create_group(draw.choice(("..x", "9", "vars2", "é")))
    else:
        del file[name]
        if how == 3:
            file[name] = h5py.SoftLink(f"/{other}")
        elif how == 4:
            file[name] = h5py.ExternalLink("/etc/passwd", "/x")
        elif how == 5 and other in file:
            file[name] = file[other]
        elif how == 6:
            shape = draw.choice(((), (0,), (3, 4), (2**20, 2**20), (2**40,)))
            packed = {"compression": "gzip", "chunks": (1,) * len(shape)} if shape else {}
            packed = packed if 0 not in shape else {}
            file.create_dataset(name, shape, draw.choice(("f4", "f8", "i1", "c8", "S3")), **packed)
        elif how == 7:
            file[name] = np.dtype("f4")


def changed_config(draw, tree):
    """A copy of plain data with some places holding something else."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw.choice((1, 1, 2, 5))):
        places = list(_places(tree))
        holder, key = draw.choice(places)
        how = draw.randrange(5)
        if how == 0:
            del holder[key]
        elif how == 1:
            other, name = draw.choice(places)
            holder[key] = json.loads(json.dumps(other.get(name) if isinstance(other, dict) else 0))
        elif how == 2 and isinstance(holder, dict):
            holder[draw.choice(("units", "name", "odd", "dtype", "class_name"))] = copy.deepcopy(
                draw.choice(ODD)
            )
        else:
            holder[key] = copy.deepcopy(draw.choice(ODD))
    return tree


def _places(tree):
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        for key in one if isinstance(one, dict) else range(len(one)):
            yield one, key
            if isinstance(one[key], (dict, list)):
                waiting.append(one[key])


class Fuzz:
    """The files to begin with, and how a changed one is loaded."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "members").mkdir()
        self.model = small()
        self.known = self.model.get_weights()
        self.model.save_weights(folder / "a.weights.h5")
        model().save(folder / "a.keras")
        self.weights = (folder / "a.weights.h5").read_bytes()
        with zipfile.ZipFile(folder / "a.keras") as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        # Tried as a whole: small, since most of a large one are numbers.
        self.model.save(folder / "small.keras")
        self.whole = (folder / "small.keras").read_bytes()
        self.tree = json.loads(self.members["config.json"])
        with tarfile.open(GOLDEN) as archive:
            file = archive.extractfile("3.15.1/mlp.weights.h5")
            self.structures = (self.weights, self.members["model.weights.h5"], file.read())
        # Digests as texts of any length, which lie in a heap of their own.
        with h5py.File(folder / "a.weights.h5", "r+") as file:
            for name in ("0", "1"):
                attributes = file[f"layers/dense/vars/{name}"].attrs
                attributes["sha256"] = attributes.pop("sha256").decode()
        self.older = (folder / "a.weights.h5").read_bytes()

    def case(self, number, seed):
        """Load what comes of the case's number; the kind, and whether it was loaded."""
        draw, kind = random.Random(seed * 1_000_003 + number), KINDS[number % len(KINDS)]
        return kind, getattr(self, kind)(draw)

    def bytes(self, draw):
        content = draw.choice((*(self.weights, self.older) * 4, self.structures[-1]))
        return self._into(self.model, changed_bytes(draw, content), exact=True)

    def structure(self, draw):
        return self._into(
            self.model,
            changed_structure(draw, draw.choice((*(self.weights,) * 3, *self.structures))),
        )

    def _into(self, target, content, exact=False):
        path = self.folder / "case.weights.h5"
        path.write_bytes(content)
        try:
            report = target.load_weights(path, report=True)
        except LoadError:
            report = None
        values = target.get_weights()
        if report is None or (exact and not report.unverified):
            for value, known in zip(values, self.known, strict=True):
                np.testing.assert_array_equal(value, known)
        target.set_weights(self.known)
        return report is not None

    def config(self, draw):
        """The config of a folder, whose arrays are as they were."""
        members = self.folder / "members"
        for name, content in self.members.items():
            if not (members / name).exists():
                (members / name).write_bytes(content)
        (members / "metadata.json").write_text('{"keras_version": "3.15.1"}')
        text = json.dumps(changed_config(draw, self.tree))
        if draw.randrange(4) == 0:
            text = changed_bytes(draw, text.encode()).decode(errors="replace")
        (members / "config.json").write_text(text)
        return _loads(members)

    def archive(self, draw):
        path = self.folder / "case.keras"
        path.write_bytes(changed_bytes(draw, self.whole))
        return _loads(path)


def _loads(path):
    try:
        load_model(path)
    except LoadError as error:
        assert len(str(error)) <= 600, str(error)
        return False
    return True


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(count, seed, progress):
    """Load `count` cases; how many there were of each kind, and how many of them loaded."""
    warnings.simplefilter("ignore")
    counts, slowest = {}, 0.0
    # In memory where there is such a folder: opening a file on a disk takes longer than loading it.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        open(progress, "w+b", buffering=0) as log,
    ):
        fuzz = Fuzz(pathlib.Path(folder))
        for number in range(len(KINDS)):
            fuzz.case(number, seed + 1)
        # A case that asks for more than there may be fails here, and not the machine.
        size = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
        resource.setrlimit(resource.RLIMIT_AS, (size + 2**31, resource.RLIM_INFINITY))
        watch = Watch(folder)
        for number in range(count):
            log.seek(0)
            log.write(b"%d " % number)
            before, began = _peak(), time.perf_counter()
            try:
                with watch:
                    kind, loaded = fuzz.case(number, seed)
            except BaseException as error:
                error.add_note(f"It was case {number} of seed {seed}.")
                raise
            seconds, more = time.perf_counter() - began, _peak() - before
            assert not watch.events, f"case {number} ({kind}): {watch.events}"
            assert seconds < MOST_SECONDS, f"case {number} ({kind}) took {seconds:.1f} s"
            assert more < MOST_BYTES, f"case {number} ({kind}) took {more:,} bytes"
            slowest = max(slowest, seconds)
            tried, good = counts.get(kind, (0, 0))
            counts[kind] = tried + 1, good + loaded
    return {"counts": counts, "slowest": slowest, "peak": _peak()}


if __name__ == "__main__":
    json.dump(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]), sys.stdout)
