"""Writes the files of the golden corpus with the Keras that this Python holds.

    PYTHONPATH=. python -m tests.saving.golden.make [--module tf_keras] [--into FOLDER]

Run it by hand, in an environment with one version of Keras and without Lamina. It writes
`FOLDER/<version>.tar.xz`: for each model `<name>.keras`, `<name>.weights.h5`, `<name>.h5` and some
rarer forms, and `expected.npz`. The files compress to a tenth, most of them being empty space.
"""

import argparse
import importlib
import json
import pathlib
import tarfile
import tempfile
import warnings
from typing import Any

import numpy as np

from tests.saving.golden.models import MODELS, long_names

HERE = pathlib.Path(__file__).parent


def flat(value: Any) -> dict[str, np.ndarray]:
    """The arrays in `value` by name or number, "" where it is one array."""
    if isinstance(value, dict):
        return {name: np.asarray(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return {str(number): np.asarray(one) for number, one in enumerate(value)}
    return {"": np.asarray(value)}


def total_loss(model: Any, inputs: Any, targets: Any) -> float:
    found = model.evaluate(inputs, targets, batch_size=8, verbose=0)
    return found[0] if isinstance(found, list) else found


def train(model: Any, inputs: Any, targets: Any) -> None:
    """One epoch of two steps, the same each time unless the model draws random numbers."""
    model.fit(inputs, targets, batch_size=4, epochs=1, shuffle=False, verbose=0)


def write_model(keras: Any, name: str, folder: pathlib.Path, expected: dict[str, Any]) -> None:
    golden = MODELS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    try:
        model = golden.build(keras)
    except AttributeError as error:
        print(f"{name}: not in this version: {error}")
        return
    inputs, targets = golden.data()
    train(model, inputs, targets)
    for suffix in (".keras", ".weights.h5") + (".h5",) * golden.functional:
        attempt(folder / f"{name}{suffix}", model)
    attempt(folder / f"{name}.json", model) if golden.functional else None
    if keras.__version__.startswith("2."):
        attempt(folder / f"{name}_weights.h5", model)
    found = {"output": model.predict(inputs, verbose=0)}
    found["loss"] = total_loss(model, inputs, targets)
    if golden.repeatable:
        train(model, inputs, targets)
        found["trained"] = model.predict(inputs, verbose=0)
    for kind, value in found.items():
        for part, array in flat(value).items():
            expected["/".join([name, kind, part]).rstrip("/")] = array


def attempt(path: pathlib.Path, model: Any, **options: Any) -> None:
    """Write the form that the name says, or say why this version has no such form."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix == ".json" and not path.name.endswith(".weights.json"):
                path.write_text(json.dumps(json.loads(model.to_json()), indent=1))
            elif "weights" in path.name:
                model.save_weights(str(path), **options)
            else:
                model.save(str(path), **options)
    except (TypeError, ValueError, NotImplementedError) as error:
        print(f"{path.name}: not written: {type(error).__name__}: {str(error)[:200]}")
        if path.is_file():
            path.unlink()


def write_rare_forms(keras: Any, folder: pathlib.Path) -> None:
    """Weights in shards, an unzipped model, and lists of names too long for an attribute."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    if not keras.__version__.startswith("2."):
        model = MODELS["attention"].build(keras)
        inputs, targets = MODELS["attention"].data()
        train(model, inputs, targets)
        attempt(folder / "attention.weights.json", model, max_shard_size=1e-6)
        attempt(folder / "attention_folder", model, zipped=False)
    attempt(folder / "long_names.h5", long_names(keras))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--module", default="keras", help="keras, tf_keras, or keras.api._v2.keras for 2.12"
    )
    parser.add_argument("--into", type=pathlib.Path, default=HERE)
    options = parser.parse_args()
    keras = importlib.import_module(options.module)
    label = keras.__version__
    expected: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made) / label
        folder.mkdir()
        for name in MODELS:
            write_model(keras, name, folder, expected)
        write_rare_forms(keras, folder)
        np.savez_compressed(folder / "expected.npz", **expected)
        options.into.mkdir(parents=True, exist_ok=True)
        with tarfile.open(options.into / f"{label}.tar.xz", "w:xz", preset=9) as archive:
            archive.add(folder, label)
    print(f"{label}: {(options.into / f'{label}.tar.xz').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
