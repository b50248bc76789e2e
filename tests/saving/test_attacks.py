"""What past advisories were about, and files changed at random: nothing runs, nothing is lost.

`attacks.py` has the cases and `fuzz.py` the changes; both load them in one process of their own.
"""

import copy
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import lamina
from lamina.core import registry
from lamina.saving import LoadError, UnsafeContentError, load_model
from tests.saving import attacks
from tests.saving.kills import ROOT, available

pytestmark = pytest.mark.every_backend  # files are read alike with each


def program(*arguments, trace=None):
    """Run a module of tests on NumPy, the backend that starts fastest; what it printed."""
    tracing = ("strace", "-f", "-qq", "-e", "trace=open,openat,connect", "-o", str(trace))
    finished = subprocess.run(
        [*(tracing if trace else ()), sys.executable, "-m", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAMINA_BACKEND": "numpy"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of every case, and every file and address that the process opened."""
    folder = tmp_path_factory.mktemp("attacks") / "files"
    attacks.prepare(folder)
    trace = folder.with_name("trace") if available() else None
    found = program("tests.saving.attacks", folder, trace=trace)
    opened = trace.read_text() if trace else ""
    assert not [
        line
        for line in opened.splitlines()
        if f"{folder.name}/secret" in line or "connect(" in line
    ]
    assert not [path for path in folder.rglob("*") if path.name == "secret.out"]
    return found


NAMES = {case.partition(":")[0].split()[0] for case in attacks.NAMES}
ADVISORIES = sorted(name for name in NAMES if name.startswith("cve"))


def check_refused(outcomes, name):
    tried = {case: one for case, one in outcomes.items() if case.split(":")[0].split()[0] == name}
    assert tried
    for case, found in tried.items():
        assert not found["events"], (case, found)
        expected = {"LoadError"} if "load" in case or "." in case.split(": ")[1] else {"ValueError"}
        if "layers." in case or "model_from" in case:
            expected = {"ValueError"}
        assert expected & set(found["error"]), (case, found)
        assert found["seconds"] < 5 and found["more"] < 64 * 2**20, (case, found)
        if name in UNSAFE:
            assert "UnsafeContentError" in found["error"], (case, found)


# Where what is refused is refused as such, and not as a name that nothing has.
UNSAFE = {
    *("cve_2024_3660", "cve_2025_49655", "cve_2026_12481", "cve_2026_12484", "cve_2026_1462"),
    *("cve_2026_1669", "cve_2026_12480", "cve_2026_9335", "cve_2026_12479"),
}


def test_what_is_watched_is_silent_where_nothing_is_wrong(outcomes):
    found = outcomes["nothing wrong"]
    assert not found["error"] and not found["events"]


@pytest.mark.parametrize("name", ADVISORIES)
def test_advisory(outcomes, name):
    """One test for each advisory, at every entry point that it could concern."""
    check_refused(outcomes, name)


def test_l2_names_of_other_modules(outcomes):
    check_refused(outcomes, "l2")


def test_l4_pickles_and_programs_in_configs(outcomes):
    check_refused(outcomes, "l4")


def test_l5_paths_and_addresses_in_configs(outcomes):
    check_refused(outcomes, "cve_2025_12058")
    found = outcomes["l5 every argument"]
    assert not found["events"], found["events"][:3]


def test_l11_arrays_in_configs(outcomes):
    check_refused(outcomes, "l11")


def public_functions():
    """The name of every public function and class of Lamina, and the thing itself."""
    for module in list(sys.modules.values()):
        if module.__name__.partition(".")[0] == "lamina":
            for name, value in vars(module).items():
                if callable(value) and not name.startswith("_"):
                    yield name, value


def test_l3_a_slot_resolves_what_its_table_holds():
    things = dict(public_functions())
    assert len(things) > 1000
    for slot, table in registry.slots.items():
        for name in things:
            try:
                found = registry.resolve(slot, name)
            except ValueError:
                assert name not in table
            else:
                assert found is table[name]
    ops = lamina.ops.row.rows
    allowed = {*registry.slots["activations"], *ops}
    for name in things:
        config = {"name": "a", "function": attacks.function("keras", name)}
        try:
            lamina.layers.Lambda.from_config(config)
        except ValueError:
            assert name not in allowed
        else:
            assert name in allowed


def test_l4_pickled_models_hold_data_only():
    model = attacks.small()
    model.compile("adam", "mse")
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        for value, known in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(value, known)
    # Of what has no name in a module, such as a function written in place, there is no pickle.
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pickle.dumps(lamina.Sequential([lamina.Input((3,)), lamina.layers.Lambda(lambda x: x)]))


def test_l4_a_module_of_the_callers_own_is_taken():
    config = {"name": "a", "call_fn": {"class_name": "function", "config": "own"}}
    with pytest.raises(ValueError, match="own"):
        lamina.layers.JaxLayer.from_config(config)
    with lamina.saving.custom_object_scope({"own": lambda inputs: inputs}):
        if lamina.config.backend() in ("jax", "tensorflow"):
            assert lamina.layers.JaxLayer.from_config(config).name == "a"


def functional_config():
    source = lamina.Input((3,), name="i")
    x = lamina.layers.Dense(2, name="a")(source)
    return json.loads(lamina.Model(source, lamina.layers.Dense(2, name="b")(x)).to_json())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["i", 0, 0], "dtype"', "", r"'a', 'b'.*wait for each other"),
        ('["a", 0, 0]', '["nosuch", 0, 0]', r"'b' come from 'nosuch'"),
        ('"name": "a"', '"name": "b"', r"two layers called 'b'"),
    ],
    ids=["l14_cycle", "l14_unknown", "l15_twice"],
)
def test_l14_l15_graphs_that_cannot_be(old, new, words):
    config = functional_config()
    if not new:
        call = config["config"]["layers"][1]["inbound_nodes"][0]["args"][0]
        call["config"]["keras_history"] = ["b", 0, 0]
        text = json.dumps(config)
    else:
        text = json.dumps(config).replace(old, new)
    with pytest.raises(ValueError, match=words):
        lamina.models.model_from_json(text)


def test_l11_a_call_without_inputs_is_not_made():
    config = functional_config()
    config["config"]["layers"][2]["inbound_nodes"][0]["args"] = [3]
    with pytest.raises(ValueError, match="'b' in the config has no input"):
        lamina.models.model_from_json(json.dumps(config))


def nested(depth):
    model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(2)])
    for _ in range(depth - 1):
        model = lamina.Sequential([lamina.Input((2,)), model])
    return model


def test_f13_models_in_models(tmp_path):
    path = tmp_path / "a.keras"
    model = nested(64)
    model.save(path)
    np.testing.assert_array_equal(load_model(path).get_weights()[0], model.get_weights()[0])
    with pytest.raises(ValueError, match="nested 65 models deep, and 64 is the most"):
        lamina.Sequential([lamina.Input((2,)), model])


class Own(lamina.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.me = self
        self.inner = lamina.layers.Dense(2)
        self.inner.outer = self

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, x):
        return self.inner(x)


def test_f14_a_layer_that_holds_itself(tmp_path):
    model = lamina.Sequential([lamina.Input((3,)), Own()])
    model.save(tmp_path / "a.keras")
    again = load_model(tmp_path / "a.keras", custom_objects={"Own": Own})
    assert len(again.weights) == 2
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("name", ["é日本", "x" * 10_000, "/", "a/b", "..", ".", "a\nb", "d'\"\\"])
def test_f15_names_that_are_kept(name, tmp_path):
    model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2, name=name)])
    for path in (tmp_path / "é.keras", tmp_path / "folder"):
        model.save(path, zipped=path.suffix == ".keras")
        assert load_model(path).layers[0].name == name
    model.save_weights(tmp_path / "a.weights.h5")
    model.load_weights(tmp_path / "a.weights.h5")
    assert {one.name for one in tmp_path.iterdir()} == {"é.keras", "folder", "a.weights.h5"}


@pytest.mark.parametrize("name", ["", "\0", "a\0b", "\ud800"])
def test_f15_names_that_no_file_holds(name):
    with pytest.raises(ValueError, match="A name is"):
        lamina.layers.Dense(2, name=name)


@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_l25_files_changed_at_random(count, tmp_path):
    found = program("tests.saving.fuzz", count, count, tmp_path / "progress")
    assert sum(tried for tried, _ in found["counts"].values()) == count
    assert all(0 < loaded < tried for tried, loaded in found["counts"].values())
    assert found["slowest"] < 5


def test_l25_a_heap_in_which_hdf5_would_go_round_for_ever(tmp_path):
    """A single byte: the size of an entry of the heap in which texts lie is 0."""
    import h5py

    path, model = tmp_path / "a.weights.h5", attacks.small()
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file["layers/dense/vars/0"].attrs["sha256"] = "a text of any length"
    whole = bytearray(path.read_bytes())
    place = whole.find(b"GCOL") + 16
    while int.from_bytes(whole[place : place + 2], "little"):
        place += 16 + (int.from_bytes(whole[place + 8 : place + 16], "little") + 7) // 8 * 8
    whole[place + 8 : place + 16] = bytes(8)
    path.write_bytes(whole)
    with pytest.raises(LoadError, match="cannot be told apart"):
        model.load_weights(path)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_l25_a_text_that_says_it_is_longer_than_memory(libver, tmp_path):
    """HDF5 would take the memory before it looks whether there is such a text."""
    import h5py

    path, model = tmp_path / "a.weights.h5", attacks.small()
    model.save_weights(path)
    with h5py.File(path, "r") as old, h5py.File(tmp_path / "b", "w", libver=libver) as file:
        known = {
            name: str(old[f"layers/dense/vars/{name}"].attrs["sha256"].decode()) for name in "01"
        }
        for name in "01":
            file[f"layers/dense/vars/{name}"] = old[f"layers/dense/vars/{name}"][()]
            file[f"layers/dense/vars/{name}"].attrs["sha256"] = known[name]
    whole = (tmp_path / "b").read_bytes()
    path.write_bytes(whole)
    assert not model.load_weights(path, report=True).unverified
    heap = (64).to_bytes(4, "little") + whole.find(b"GCOL").to_bytes(8, "little")
    assert whole.count(heap) == 2
    path.write_bytes(whole.replace(heap, (2**31).to_bytes(4, "little") + heap[4:]))
    with pytest.raises(LoadError):
        model.load_weights(path)


def test_an_array_with_two_names_is_refused(tmp_path):
    import h5py

    path, model = tmp_path / "a.weights.h5", attacks.small()
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = file["layers/dense/vars/0"]
    with pytest.raises(UnsafeContentError, match="another name as well"):
        model.load_weights(path)
