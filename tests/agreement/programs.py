"""What is run with an object of each kind: one program, that Lamina and Keras both run."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.agreement.case import Case
from tests.agreement.data import batch, drawn


def numbers(library: Any, tree: Any) -> Any:
    """A tree of tensors as one of arrays."""
    if isinstance(tree, (list, tuple)):
        return [numbers(library, one) for one in tree]
    if isinstance(tree, dict):
        return {key: numbers(library, one) for key, one in tree.items()}
    return None if tree is None else np.asarray(library.ops.convert_to_numpy(tree))


def layer(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """A layer foresees its shapes, gets weights, and is called.

    `given` has the `shape`s with the batch, a tree of them for several inputs; the `dtype`; a
    `call` of keyword arguments; `spread`, whether the inputs are arguments each; `training`,
    whether it does in training something else, which is not random.
    """
    made, given = case.make(library.layers), case.given
    inputs = drawn(given["shape"], given.get("dtype", "float32"))
    inputs = inputs if given.get("spread") else (inputs,)
    call = dict(given.get("call", {}))
    foreseen = made(*_symbols(library, inputs), **_without_arrays(call))
    made.set_weights(_weights(made))
    results = {
        "weights": [[one.name, tuple(one.shape)] for one in made.weights],
        "trainable": len(made.trainable_weights),
        "masking": made.supports_masking,
    }
    outputs = made(*inputs, **call)
    results["outputs"] = numbers(library, outputs)
    results["losses"] = numbers(library, made.losses)
    if given.get("training"):
        results["training"] = numbers(library, made(*inputs, training=True, **call))
        results["state"] = numbers(library, [one.value for one in made.weights])
    # Keras foresees some of its own shapes and types wrongly.
    if library is not keras and not _has_arrays(call):
        _as_foreseen(foreseen, results["outputs"])
    return made, results


def _symbols(library: Any, tree: Any) -> Any:
    """Symbolic tensors, of a batch that is not known, in the place of arrays."""
    if isinstance(tree, np.ndarray):
        return library.KerasTensor((None, *tree.shape[1:]), tree.dtype.name)
    return type(tree)(_symbols(library, one) for one in tree)


def _has_arrays(call: dict[str, Any]) -> bool:
    return any(isinstance(one, (np.ndarray, list)) for one in call.values())


def _without_arrays(call: dict[str, Any]) -> dict[str, Any]:
    return {k: one for k, one in call.items() if not isinstance(one, (np.ndarray, list))}


def _weights(made: Any) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    values = [generator.uniform(0.2, 1.0, tuple(one.shape)) for one in made.weights]
    return [one.astype(made.weights[place].dtype) for place, one in enumerate(values)]


def _as_foreseen(foreseen: Any, outputs: Any) -> None:
    """Shapes and types are those that symbolic tensors had, but for the batch."""
    if isinstance(outputs, list):
        for spec, value in zip(foreseen, outputs, strict=True):
            _as_foreseen(spec, value)
    elif isinstance(outputs, np.ndarray):
        expected = (tuple(foreseen.shape)[1:], foreseen.dtype)
        found = (outputs.shape[1:], outputs.dtype.name)
        assert expected == found, f"foreseen {expected}, came {found}"


def loss(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """A loss of a batch; `given` has what `batch` takes."""
    made = case.make(library.losses)
    return made, {"value": numbers(library, made(*batch(**case.given, seed=0)))}


def metric(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """A metric after each of three batches, and after a reset."""
    made, results = case.make(library.metrics), {}
    for seed in range(3):
        made.update_state(*batch(**case.given, seed=seed))
        results[f"after {seed + 1}"] = numbers(library, made.result())
    results["variables"] = [[one.name, tuple(one.shape), str(one.dtype)] for one in made.variables]
    results["state"] = numbers(library, [one.value for one in made.variables])
    made.reset_state()
    results["reset"] = numbers(library, made.result())
    return made, results


def optimizer(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """Variables and state after three steps."""
    made = case.make(library.optimizers)
    generator = np.random.default_rng(1)

    def values() -> list[np.ndarray]:
        return [generator.normal(size=shape).astype("float32") for shape in case.given["shapes"]]

    variables = [library.Variable(one, name=f"w{i}") for i, one in enumerate(values())]
    made.build(variables)
    for _ in range(3):
        gradients = [library.ops.convert_to_tensor(one) for one in values()]
        made.apply(gradients, variables)
    results = {
        "variables": numbers(library, [one.value for one in variables]),
        "names": [one.name for one in made.variables],
        "state": numbers(library, [one.value for one in made.variables]),
    }
    return made, results


def schedule(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """A schedule's rates."""
    made = case.make(library.optimizers.schedules)
    return made, {"rates": [np.asarray(float(made(step))) for step in (0, 1, 3, 7, 20, 50)]}


def of_a_tensor(kind: str) -> Any:
    """The program of classes whose objects take a tensor; `given` has its `shape`."""

    def program(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
        made = case.make(getattr(library, kind))
        x = library.ops.convert_to_tensor(drawn(case.given["shape"], "float32"))
        return made, {"value": numbers(library, made(x))}

    return program


def initializer(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """An initializer's array; `given` has its `shape`."""
    made = case.make(library.initializers)
    return made, {"value": numbers(library, made(case.given["shape"]))}


def activation(library: Any, case: Case) -> tuple[Any, dict[str, Any]]:
    """An activation of a tensor; the arguments are its keywords."""
    x = library.ops.convert_to_tensor(drawn(case.given["shape"], "float32"))
    function = getattr(library.activations, case.name)
    return function, {"value": numbers(library, function(x, **case.arguments))}
