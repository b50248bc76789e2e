"""Files and configs that try to do what none may, and a process of its own that loads them all.

    prepare(folder)              # writes the files
    python -m tests.saving.attacks FOLDER    # loads them, and prints what came of each as JSON

Each case is an advisory that Keras had, or a row of the table of promises, tried at each entry
point that it could concern. While a case runs, every event that Python reports to its audit hooks
is looked at: nothing may be imported, run or connected to, and no file opened but the one named.
"""

import base64
import contextlib
import inspect
import json
import marshal
import os
import pathlib
import pickle
import resource
import shutil
import sys
import time
import warnings
import zipfile

import h5py
import numpy as np

import lamina
from lamina.core import registry
from lamina.saving import load_model

FORBIDDEN = {
    *("import", "exec", "compile", "marshal.loads", "pickle.find_class", "subprocess.Popen"),
    *("os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "ctypes.dlopen"),
    *("os.putenv", "os.remove", "os.rename", "os.mkdir", "shutil.rmtree", "urllib.Request"),
}
# How much memory the machine has left, by which the budget of a load is set.
SYSTEM_FILES = ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")


def small():
    return lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2, name="d")], name="m")


class Harm:
    def __reduce__(self):
        return os.system, ("true",)


def described(class_name, config, module="keras.layers", registered_name=None):
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }


def lambda_of(function, **more):
    return described("Lambda", {"name": "attack", "function": function, **more})


def function(module, name):
    return described("function", name, module, name)


CODE = base64.b64encode(marshal.dumps((lambda x: __import__("os").system("true")).__code__))
BYTECODE = lambda_of(
    {
        "class_name": "__lambda__",
        "config": {"code": CODE.decode(), "defaults": None, "closure": None},
    }
)
PICKLED = base64.b64encode(pickle.dumps(Harm())).decode()
MODULE = described(
    "TorchModuleWrapper",
    {"name": "attack", "module": {"class_name": "__bytes__", "config": {"value": PICKLED}}},
)
# Fifty texts of 80 MB each, and an array of 8 TB.
TEXTS, CONSTANT = (
    described(
        "Constant",
        {"value": {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}},
        "keras.initializers",
    )
    for value, dtype in (([PICKLED] * 50, "U20000000"), ([], f"({2**40},)f8"))
)
# What a model's layers are in the config of each case.
LAYERS = {
    "cve_2024_3660": [BYTECODE],
    "cve_2025_1550 class": [described("system", {"command": "true"}, "os")],
    "cve_2025_1550 function": [lambda_of(function("builtins", "exec"))],
    "cve_2025_1550 call": [described("run", {"args": ["true"]}, "subprocess", "run")],
    "cve_2025_8747": [
        lambda_of(
            function("keras.utils", "get_file"),
            arguments={"fname": "x", "origin": "http://127.0.0.1:9/secret"},
        )
    ],
    "cve_2025_9906": [
        described("function", "enable_unsafe_deserialization", "keras.config"),
        BYTECODE,
    ],
    "cve_2025_49655": [MODULE],
    "cve_2025_12058 path": [described("StringLookup", {"vocabulary": "{folder}/secret.txt"})],
    "cve_2025_12058 address": [
        described("StringLookup", {"vocabulary": "http://127.0.0.1:9/secret"})
    ],
    "cve_2026_1462": [
        described("TFSMLayer", {"name": "attack", "filepath": "{folder}/secret", "trainable": True})
    ],
    "l2 function": [lambda_of(function("os", "getcwd"))],
    "l2 class": [described("PathLike", {}, "os")],
    "l2 activation": [described("Dense", {"units": 2, "activation": function("os", "getcwd")})],
    "l3": [lambda_of(function("keras.config", "set_floatx"))],
    "l4 pickle": [described("__pickle__", {"value": PICKLED}, "pickle", "loads")],
    "l4 jax": [described("JaxLayer", {"name": "attack", "call_fn": PICKLED})],
    "l4 flax": [described("FlaxLayer", {"name": "attack", "module": {"pickle": PICKLED}})],
    "l4 texts": [described("Dense", {"units": 2, "kernel_initializer": TEXTS})],
    "l11 tensors": [described("Dense", {"units": 2, "bias_initializer": CONSTANT})],
}
# Those that stay as dangerous where the layer is made by its class, or copied with its model.
BY_CLASS = {
    "cve_2026_12481": (BYTECODE, lambda: lamina.layers.Lambda),
    "cve_2026_12484": (MODULE, lambda: lamina.layers.TorchModuleWrapper),
    "cve_2026_1462": (LAYERS["cve_2026_1462"][0], lambda: lamina.layers.TFSMLayer),
    "l4 jax": (LAYERS["l4 jax"][0], lambda: lamina.layers.JaxLayer),
    "l4 flax": (LAYERS["l4 flax"][0], lambda: lamina.layers.FlaxLayer),
}


def _external_storage(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (3, 2), "f4", external=[("secret.bin", 0, 24)])


def _virtual(file):
    del file["layers/dense/vars/0"]
    layout = h5py.VirtualLayout((3, 2), "float32")
    layout[:] = h5py.VirtualSource("secret.h5", "data", (3, 2))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def _link(place, link):
    def change(file):
        del file[place]
        file[place] = link

    return change


def _bomb(**options):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", dtype="float32", **options)

    return change


ARRAYS = {
    "cve_2026_1669": _external_storage,
    "cve_2026_12480": _virtual,
    "cve_2026_9335 array": _link("layers/dense/vars/0", h5py.ExternalLink("secret.h5", "data")),
    "cve_2026_9335 group": _link("layers/dense/vars", h5py.ExternalLink("secret.h5", "/")),
    "cve_2026_9335 parent": _link("layers", h5py.ExternalLink("secret.h5", "/")),
    "cve_2026_9335 soft": _link("layers/dense/vars", h5py.SoftLink("/vars")),
    "cve_2026_0897": _bomb(shape=(2**30, 2**20), chunks=(64, 64)),
    "cve_2026_12570": _bomb(shape=(2**14, 2**14), chunks=(2**10, 2**10), compression="gzip"),
}


NAMES = (*LAYERS, *BY_CLASS, *ARRAYS, "cve_2021_37678", "cve_2025_9905", "cve_2026_12479")


def _model_of(layers, folder):
    text = json.dumps(
        described(
            "Sequential",
            {
                "name": "m",
                "layers": [described("InputLayer", {"batch_shape": [None, 3]}), *layers],
            },
            "keras",
        )
    )
    return text.replace("{folder}", str(folder))


def prepare(folder):
    """Write the files of all cases into a new folder, and what they would like to read."""
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    (folder / "secret.bin").write_bytes(b"\0" * 24)
    with h5py.File(folder / "secret.h5", "w") as file:
        file["data"] = np.zeros((3, 2), "float32")
    small().save(folder / "good.keras")
    small().save(folder / "good", zipped=False)
    small().save_weights(folder / "good.weights.h5")
    with zipfile.ZipFile(folder / "good.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def write(name, changed):
        whole = {**members, **changed}
        with zipfile.ZipFile(folder / f"{name}.keras", "w") as archive:
            for member, content in whole.items():
                archive.writestr(member, content)
        (folder / name).mkdir()
        for member, content in whole.items():
            if ".." not in member:
                (folder / name / member).write_bytes(content)

    bare = {k: v for k, v in json.loads(members["metadata.json"]).items() if "sha256" not in k}
    for name, layers in LAYERS.items():
        text = _model_of(layers, folder)
        (folder / f"{name}.json").write_text(text)
        write(name, {"config.json": text.encode(), "metadata.json": json.dumps(bare).encode()})
    for name, change in ARRAYS.items():
        path = folder / f"{name}.weights.h5"
        shutil.copy(folder / "good.weights.h5", path)
        with h5py.File(path, "r+") as file:
            change(file)
        write(name, {"model.weights.h5": path.read_bytes()})
    write("cve_2026_12479", {"assets/../../secret.out": b"out"})
    with h5py.File(folder / "cve_2025_9905.h5", "w") as file:
        file.attrs["model_config"] = _model_of([BYTECODE], folder)
        file.attrs["keras_version"] = "3.15.1"
        file.create_group("model_weights").attrs["layer_names"] = []


def cases(folder):
    """Each case as its name, and what it calls: `advisory, what of it: entry point`."""
    for name in LAYERS:
        config = json.loads((folder / f"{name}.json").read_text())
        inner = config["config"]["layers"]
        yield f"{name}: .keras", lambda n=name: load_model(folder / f"{n}.keras")
        yield (
            f"{name}: .keras without safe_mode",
            lambda n=name: load_model(folder / f"{n}.keras", safe_mode=False),
        )
        yield f"{name}: folder", lambda n=name: load_model(folder / n)
        yield (
            f"{name}: model_from_json",
            lambda n=name: lamina.models.model_from_json((folder / f"{n}.json").read_text()),
        )
        yield f"{name}: deserialize", lambda c=config: lamina.saving.deserialize_keras_object(c)
        yield (
            f"{name}: from_config",
            lambda c=config: lamina.Sequential.from_config(c["config"]),
        )
        yield (
            f"{name}: layers.deserialize",
            lambda layers=inner: [lamina.layers.deserialize(one) for one in layers],
        )
    for name, (layer, cls) in BY_CLASS.items():
        yield f"{name}: its class", lambda c=cls, given=layer: c().from_config(given["config"])
        yield f"{name}: clone_model", lambda c=cls, given=layer: _cloned(c(), given["config"])
    for name in ARRAYS:
        model = small()
        for entry, path in ((".weights.h5", f"{name}.weights.h5"), (".keras", f"{name}.keras")):
            yield (
                f"{name}: load_weights of {entry}",
                lambda p=path, m=model: m.load_weights(folder / p),
            )
        yield f"{name}: .keras", lambda n=name: load_model(folder / f"{n}.keras")
        yield f"{name}: folder", lambda n=name: load_model(folder / n)
    yield "l5 every argument", lambda: _paths_everywhere(folder)
    yield "cve_2026_12479: .keras", lambda: load_model(folder / "cve_2026_12479.keras")
    yield "cve_2025_9905: .h5", lambda: load_model(folder / "cve_2025_9905.h5")
    yield (
        "cve_2021_37678: model_from_json",
        lambda: lamina.models.model_from_json("!!python/object/apply:os.system ['true']"),
    )


def _paths_everywhere(folder):
    """Give each argument of each layer a path and an address; all that it may do is refuse them."""
    for cls in {*registry.slots["layers"].values(), *registry.slots["initializers"].values()}:
        names = inspect.signature(cls).parameters
        needed = {n: 2 for n, one in names.items() if one.default is one.empty and one.kind == 1}
        for name in names:
            for value in (f"{folder}/secret.txt", "http://127.0.0.1:9/secret"):
                with contextlib.suppress(Exception):
                    cls.from_config({**needed, name: value})


def _cloned(cls, config):
    """Clone a model with a layer of a class whose config is a hostile one."""

    class Copied(lamina.layers.Identity):
        def get_config(self):
            return config

        from_config = cls.from_config

    return lamina.models.clone_model(lamina.Sequential([lamina.Input((3,)), Copied()]))


class Watch:
    """An audit hook that notes what happens in a block, in which a case runs."""

    def __init__(self, folder):
        self.folder, self.active, self.events = str(folder), False, []
        sys.addaudithook(self)

    def __enter__(self):
        self.events, self.active = [], True

    def __exit__(self, *exception):
        self.active = False

    def __call__(self, event, args):
        if not self.active:
            return
        if event in FORBIDDEN:
            self.events.append(f"{event} {args[:1]!r}"[:200])
        elif event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
            path = os.fsdecode(args[0])
            own = path.startswith(self.folder) and "secret" not in path
            if not own and path not in SYSTEM_FILES:
                self.events.append(f"open {path}")


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def watched(watch, call):
    """What came of a call: its error, what it did, its seconds, and the memory it took more."""
    before, began = _peak(), time.perf_counter()
    classes, text = [], ""
    try:
        with watch:
            call()
    except BaseException as error:
        classes, text = [one.__name__ for one in type(error).__mro__], str(error)
    return {
        "error": classes,
        "text": text,
        "events": watch.events,
        "seconds": time.perf_counter() - began,
        "more": _peak() - before,
    }


def run(folder):
    """Load everything in the folder; what came of each case."""
    warnings.simplefilter("ignore")
    for path in ("good.keras", "good"):  # what is imported once is imported here
        load_model(folder / path)
    lamina.models.model_from_json(small().to_json())
    small().load_weights(folder / "good.weights.h5")
    lamina.models.clone_model(small())
    _paths_everywhere(folder)
    watch = Watch(folder)
    found = {"nothing wrong": watched(watch, lambda: load_model(folder / "good.keras"))}
    for name, call in list(cases(folder)):
        found[name] = watched(watch, call)
    return found


if __name__ == "__main__":
    json.dump(run(pathlib.Path(sys.argv[1])), sys.stdout)
