"""Pure functions of JAX and modules of Flax inside of layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamina.backend.contract import Backend
from lamina.backend.jax.transforms import outside_trace

Tree = Any


class ForeignFunction:
    """A pure function whose parameters and state are read and assigned as variables are.

    Args:
        backend: the backend whose variables these are.
        call: a function of `params`, `state`, `rng`, `inputs` and `training`, of which it takes
            some, by these names; with `state` it returns the output and the next state.
        init: a function of `rng`, `inputs` and, if it takes that, `training`, that returns
            `params`, or with state `(params, state)`; None where they are given.
        params, state: trees of arrays to begin with; None for those that `init` makes.

    Attributes:
        takes: the names of the arguments that `call` takes.
        made: whether there are parameters and state.
    """

    def __init__(
        self, backend: Backend, call: Callable[..., Any], init: Any, params: Tree, state: Tree
    ) -> None:
        self.takes = frozenset(inspect.signature(call).parameters)
        self.made = params is not None or state is not None or init is None
        self._backend = backend
        self._call = call
        self._init = init
        self._parts = {"params": _Part(backend, params), "state": _Part(backend, state)}

    def make(self, key: Any, inputs: Tree) -> None:
        """Have `init` make parameters and state for `inputs`."""
        known = inspect.signature(self._init).parameters
        training = {"training": True} if "training" in known else {}
        with outside_trace():
            given = {"rng": jnp.asarray(key), "inputs": jax.tree.map(jnp.asarray, inputs)}
            found = self._init(**given, **training)
        params, state = found if "state" in self.takes else (found, None)
        self._parts = {"params": _Part(self._backend, params), "state": _Part(self._backend, state)}
        self.made = True

    def handles(self) -> list[tuple[str, Any, bool]]:
        """The name and handle of each variable, and whether it is learnt."""
        return [
            (name, handle, floating and part == "params")
            for part, kept in self._parts.items()
            for name, handle, floating in kept.variables
        ]

    def trees(self, leaves: Sequence[Any]) -> tuple[Tree, Tree]:
        """`params` and `state` with these for their leaves, in the order of `handles`."""
        params, state = self._parts.values()
        count = len(params.handles)
        return params.tree(leaves[:count]), state.tree(leaves[count:])

    def __call__(self, inputs: Tree, key: Any = None, training: bool = False) -> Any:
        tensors = {"inputs": inputs, "rng": key}
        tensors |= {name: part.value() for name, part in self._parts.items()}
        tensors = {name: one for name, one in tensors.items() if name in self.takes}
        flags = {"training": training} if "training" in self.takes else {}
        output = self._run(tensors, flags)
        if "state" in self.takes:
            output, state = output
            self._parts["state"].assign(state)
        return output

    def _run(self, tensors: dict[str, Tree], flags: dict[str, bool]) -> Any:
        return self._call(**tensors, **flags)


def flax_functions(module: Any, method: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The functions `call` and `init` that `ForeignFunction` takes, of a `flax.linen.Module`.

    Their trees are those of Flax: collections, of which all but `params` are state.
    """
    try:
        from flax import linen
        from flax.core.scope import DenyList
    except ImportError as error:
        raise ImportError("FlaxLayer needs Flax: pip install flax") from error

    if not isinstance(module, linen.Module):
        raise ValueError(
            f"FlaxLayer takes a flax.linen.Module, and got a {type(module).__name__}. Pass an "
            "instance of such a class."
        )
    asked = {} if method is None else {"method": method}
    function = type(module).__call__ if method is None else method
    if isinstance(function, str):
        function = getattr(type(module), function)
    trains = "training" in inspect.signature(function).parameters

    def call(params: Tree, state: Tree, rng: Any, inputs: Tree, training: bool) -> Any:
        flags: dict[str, Any] = {"training": training} if trains else {}
        return module.apply(
            {**params, **state}, inputs, rngs=rng, mutable=DenyList(["params"]), **asked, **flags
        )

    def init(rng: Any, inputs: Tree, training: bool) -> tuple[Tree, Tree]:
        flags: dict[str, Any] = {"training": training} if trains else {}
        made = dict(module.init(rng, inputs, **asked, **flags))
        return {key: made.pop(key) for key in ("params",) if key in made}, made

    return call, init


class _Part:
    """A tree with a variable at each leaf."""

    def __init__(self, backend: Backend, tree: Tree) -> None:
        self._structure: Any
        leaves, self._structure = jax.tree_util.tree_flatten_with_path(tree)
        self._backend = backend
        self.variables: list[tuple[str, Any, bool]] = []
        for path, leaf in leaves:
            value = np.asarray(leaf)
            name = jax.tree_util.keystr(path, simple=True, separator="/") or "value"
            floating = jnp.issubdtype(value.dtype, jnp.inexact)
            # Of a type that the backend holds: what JAX makes of it.
            tensor = backend.array(np.asarray(jnp.asarray(value)))
            self.variables.append((name, backend.variable(tensor, floating, name), floating))
        self.handles = [handle for _, handle, _ in self.variables]

    def tree(self, leaves: Sequence[Any]) -> Tree:
        """The tree with other leaves."""
        return jax.tree.unflatten(self._structure, leaves)

    def value(self) -> Tree:
        """The tree with the values that the variables have now."""
        return self.tree([self._backend.read(handle) for handle in self.handles])

    def assign(self, tree: Tree) -> None:
        """Give the variables the values of a tree of the same structure."""
        leaves, structure = jax.tree.flatten(tree)
        if structure != self._structure:
            raise ValueError(
                f"call_fn returned a state of another structure than it was given: {structure}, "
                f"and not {self._structure}. Return `(outputs, state)` with the same leaves."
            )
        for handle, value in zip(self.handles, leaves, strict=True):
            self._backend.assign(handle, value)
