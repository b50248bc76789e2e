"""`keras.ops.numpy`, `nn`, `linalg` and `image` hold the very ops that `keras.ops` holds."""

import importlib
import inspect

import pytest

from lamina import ops

keras = pytest.importorskip("keras")
NAMESPACES = ["numpy", "nn", "linalg", "image"]


def public(module):
    return {
        name
        for name, entry in vars(module).items()
        if not name.startswith("_") and inspect.isfunction(entry)
    }


@pytest.mark.parametrize("name", NAMESPACES)
def test_a_namespace_lists_the_ops_that_keras_lists_there(name):
    namespace = importlib.import_module(f"lamina.ops.{name}")
    listed = public(getattr(keras.ops, name))
    missing = [
        f"from {getattr(ops, one).__module__} import {one} as {one}"
        for one in sorted(listed & public(ops))
        if getattr(namespace, one, None) is not getattr(ops, one)
    ]
    assert not missing, f"add to lamina/ops/{name}.py:\n" + "\n".join(sorted(missing))


@pytest.mark.parametrize("name", ["numpy", "nn", "linalg"])
def test_a_namespace_lists_nothing_else(name):
    namespace = importlib.import_module(f"lamina.ops.{name}")
    assert public(namespace) <= public(getattr(keras.ops, name))


def test_every_op_of_keras_that_is_here_is_the_same_under_all_its_names():
    places = [importlib.import_module(f"lamina.ops.{name}") for name in NAMESPACES]
    for one in sorted(public(keras.ops) & public(ops)):
        found = {id(vars(place)[one]) for place in (ops, *places) if one in vars(place)}
        assert len(found) == 1, one
