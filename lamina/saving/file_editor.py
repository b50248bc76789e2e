"""Looking into a file of weights, and writing another one with changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamina.core.atomic import atomic_path
from lamina.core.load_errors import SizeBudgetError
from lamina.core.messages import say
from lamina.saving import model_file
from lamina.saving.array_file import is_numeric
from lamina.saving.hdf5 import Hdf5Reader, Hdf5Writer
from lamina.saving.paths import MODEL, WEIGHTS, as_path, check_kind, check_there, loading_from
from lamina.saving.report import LoadReport
from lamina.saving.tree import OWN
from lamina.saving.weights import Stored, array_of, by_group, group_of, own_arrays

# How much more than the file itself its arrays may take in memory: files of weights are not packed.
_SPARE = 64 * 2**20

Tree = dict[str, Any]


class KerasFileEditor:
    """What a file of weights holds, to be looked at, changed, and written to another file.

    For weights that were saved before a model was changed. Objects (layers, the optimizer) are
    known by their path, `layers/dense_1`, or by its last name where only one has it; their arrays
    by "0", "1", …. The file itself is never changed, unless it is also where `save` writes to.

    Args:
        filepath: a `.weights.h5` or `.keras` file.

    Raises:
        ValueError: if its name ends in something else.
        LoadError: if it is damaged, or no file of weights; see `load_weights`.

    Example:
        >>> import lamina, os, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        >>> model.save_weights(os.path.join(folder, "a.weights.h5"))
        >>> editor = KerasFileEditor(os.path.join(folder, "a.weights.h5"))  # doctest: +ELLIPSIS
        Keras model file '...a.weights.h5'
        >>> editor.rename_object("dense", "dense_1")
        >>> editor.add_object("layers/dense", {"0": np.ones((4, 3)), "1": np.zeros(3)})
        >>> editor.summary()
        Weights structure
        └─ layers
           ├─ dense
           │  ├─ 0: shape=(4, 3), dtype=float64
           │  └─ 1: shape=(3,), dtype=float64
           └─ dense_1
              ├─ 0: shape=(3, 2), dtype=float32
              └─ 1: shape=(2,), dtype=float32
        >>> editor.save(os.path.join(folder, "b.weights.h5"))

    Unlike in Keras, `compare` counts each array once, and names only what a model lacks or has
    more as a whole, not what is in it; layers of one class in nested models are all listed.
    """

    def __init__(self, filepath: Any) -> None:
        path = self.filepath = as_path(filepath)
        if not path.name.endswith((*MODEL, *WEIGHTS)):
            raise ValueError(f"A file to be edited ends in .keras or .weights.h5; {path} does not.")
        check_there(path)
        self.config: Any = None
        report = LoadReport(str(path))
        with loading_from(path), _opened(self, path, report) as stored:
            self._objects = _read(path, stored)
        said = f"Keras model file '{path}'"
        say(f"{said}, {report.written_by}" if report.written_by else said)

    def summary(self) -> None:
        """Print the objects of the file, with the shape and type of each array."""
        say("\n".join(["Weights structure", *_lines(self._tree())]))

    def _tree(self) -> Tree:
        """The objects as nested dictionaries, with arrays at their ends."""
        tree: Tree = {}
        for path in sorted(self._objects):
            below = tree
            for name in path.split("/") if path else [OWN]:
                below = below.setdefault(name, {})
            below.update(sorted(self._objects[path].items(), key=lambda one: _in_order(one[0])))
        return tree

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Print what differs between the file and a model.

        Args:
            reference_model: a model that is built.

        Returns:
            `{"status": "success" or "error", "error_count": …, "match_count": …}`: the numbers of
            objects and arrays that differ, and of arrays with the same place and shape.
        """
        model = {
            path: {name: array_of(value) for name, value in store.items()}
            for path, _, store in own_arrays(reference_model)
            if store
        }
        errors = [*_only_in(model, self._objects, "reference model", "saved file")]
        errors += _only_in(self._objects, model, "saved file", "reference model")
        matches = 0
        for path in sorted(model.keys() & self._objects.keys()):
            mine, its = self._objects[path], model[path]
            for name in sorted(mine.keys() | its.keys(), key=_in_order):
                where = f"{path}/{name}"
                if name not in mine or name not in its:
                    has, lacks = ("reference model", "saved file")[:: 1 if name in its else -1]
                    errors.append(f"Weight {where} present in {has}, missing from {lacks}")
                elif mine[name].shape != its[name].shape:
                    errors.append(
                        f"Weight shape mismatch for {where}\n    In reference model: shape="
                        f"{its[name].shape}\n    In saved file: shape={mine[name].shape}"
                    )
                else:
                    matches += 1
        found = (
            f"Found {len(errors)} errors: the saved file does not fit the reference model"
            if errors
            else f"The saved file fits the reference model: {matches} arrays match"
        )
        say("\n".join(["Running comparison", *(f"...{one}" for one in errors), found]))
        status = "error" if errors else "success"
        return {"status": status, "error_count": len(errors), "match_count": matches}

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object another name, in the place where it is.

        Args:
            object_name: its path, or its name.
            new_name: without "/".

        Raises:
            ValueError: if there is no such object, or one of the new name beside it.
        """
        if "/" in new_name:
            raise ValueError(f"new_name is one name and no path: it has a '/' in {new_name!r}.")
        path = self._find(object_name)
        above = path.rpartition("/")[0]
        target = _valid(f"{above}/{new_name}" if above else new_name)
        if any(_is_in(one, target) for one in self._objects):
            raise ValueError(
                f"There is an object at {target!r} already: delete or rename that one first."
            )
        self._objects = {
            target + one[len(path) :] if _is_in(one, path) else one: arrays
            for one, arrays in self._objects.items()
        }

    def delete_object(self, object_name: str) -> None:
        """Leave out an object, and those inside it.

        Args:
            object_name: its path, or its name.
        """
        path = self._find(object_name)
        self._objects = {
            one: arrays for one, arrays in self._objects.items() if not _is_in(one, path)
        }

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Put in an object; one that is at this path is replaced.

        Args:
            object_path: its whole path. What is above it must be there.
            weights: its arrays, by "0", "1", ….
        """
        above = _valid(object_path).rpartition("/")[0]
        if above:
            self._find(above, whole=True)
        self._objects[object_path] = _checked(weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Leave out one array of an object.

        Args:
            object_name: the object's path, or its name.
            weight_name: "0", "1", ….
        """
        path = self._find(object_name)
        arrays = self._objects.get(path, {})
        if weight_name not in arrays:
            raise ValueError(
                f"{path!r} has no array {weight_name!r}. It has: {', '.join(arrays) or 'none'}."
            )
        del arrays[weight_name]

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Put arrays into an object; those that it has under the same names are replaced.

        Args:
            object_name: the object's path, or its name.
            weights: arrays by "0", "1", ….
        """
        self._objects.setdefault(self._find(object_name), {}).update(_checked(weights))

    def save(self, filepath: Any) -> None:
        """Write what the editor holds to a `.weights.h5` file, whole or not at all.

        Args:
            filepath: where to; it may be the file that was opened.
        """
        path = as_path(filepath)
        if not path.name.endswith(WEIGHTS):
            raise ValueError(f"A file of weights ends in .weights.h5, and {path} does not.")
        with (
            model_file.saving_to(path),
            atomic_path(path) as temporary,
            Hdf5Writer(temporary) as writer,
        ):
            for one, arrays in self._objects.items():
                writer.group(group_of(one))
                for name, array in arrays.items():
                    writer.array(f"{group_of(one)}/{name}", array)

    def resave_weights(self, filepath: Any) -> None:
        """Do what `save` does: its older name."""
        self.save(filepath)

    def _find(self, name: str, whole: bool = False) -> str:
        """The path of the object that is called `name`, which may be its path."""
        known = {one for path in self._objects for one in _and_above(path)}
        if name in known or (name == OWN and "" in known):
            return "" if name == OWN else name
        found = [one for one in known if not whole and one.rpartition("/")[2] == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{name!r} is the name of {sorted(found)}: pass a whole path.")
        raise ValueError(f"There is no object {name!r} in the file: summary() shows all of them.")


@contextlib.contextmanager
def _opened(editor: KerasFileEditor, path: Path, report: LoadReport) -> Iterator[Stored]:
    if path.is_dir() or path.name.endswith(MODEL):
        with model_file.opened(path) as members:
            editor.config = model_file.read_config(members, report)
            with model_file.arrays_of(members, report) as stored:
                yield stored
    else:
        check_kind(path, "HDF5")
        with Hdf5Reader(path, str(path)) as reader:
            yield by_group(reader.arrays)


def _read(path: Path, stored: Stored) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of a file, in no more memory than the file suggests."""
    entries = [entry for arrays in stored.values() for entry in arrays.values()]
    size = sum(entry.nbytes for entry in entries)
    files = path.rglob("*") if path.is_dir() else [path]
    limit = _SPARE + 2 * sum(one.stat().st_size for one in files)
    if size > limit:
        raise SizeBudgetError(
            f"The arrays of {path} would take {size:,} bytes, and a file of its size may ask for "
            f"{limit:,}. Nothing was read."
        )
    found: dict[str, dict[str, np.ndarray]] = {}
    for one, arrays in stored.items():
        for name, entry in arrays.items():
            value = entry.read()
            entry.verify(value)
            found.setdefault(one, {})[name] = value
    return found


def _in_order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (2**31, name)


def _is_in(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}/")


def _and_above(path: str) -> Iterator[str]:
    names = path.split("/")
    for count in range(1, len(names) + 1):
        yield "/".join(names[:count])


def _valid(path: str) -> str:
    names = path.split("/")
    if any(name in ("", ".", "..", OWN) or "\0" in name for name in names):
        raise ValueError(
            f"{path!r} is no path of an object: names stand between single '/', and none is "
            f"empty, '.', '..' or {OWN!r}."
        )
    return path


def _checked(weights: Any) -> dict[str, np.ndarray]:
    if not isinstance(weights, Mapping):
        raise ValueError(
            "weights is a dictionary of arrays by '0', '1', …, and not of type "
            f"{type(weights).__name__}."
        )
    found = {}
    for name, value in weights.items():
        array = array_of(value)
        if not isinstance(name, str) or not name or "/" in name or not is_numeric(array.dtype):
            raise ValueError(
                f"weights are arrays of numbers by names without '/', and {name!r} is of type "
                f"{array.dtype}."
            )
        found[name] = array
    return found


def _only_in(
    some: Mapping[str, Any], others: Mapping[str, Any], here: str, there: str
) -> Iterator[str]:
    """What is said of the objects in `some` that `others` lack, the uppermost of each."""
    known = {one for path in others for one in _and_above(path)}
    said = set()
    for path in sorted(some):
        missing = next((one for one in _and_above(path) if one not in known), None)
        if missing is None and path not in others:
            missing = path
        if missing is not None and missing not in said:
            said.add(missing)
            yield f"Object {missing or OWN} present in {here}, missing from {there}"


def _lines(tree: Tree, before: str = "") -> Iterator[str]:
    for number, (name, below) in enumerate(tree.items(), 1):
        last = number == len(tree)
        head = f"{before}{'└─' if last else '├─'} {name}"
        if isinstance(below, dict):
            yield head
            yield from _lines(below, before + ("   " if last else "│  "))
        else:
            yield f"{head}: shape={below.shape}, dtype={below.dtype}"
