"""`jit` on TensorFlow: one graph for each structure, shapes and types of the arguments."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import optree
import tensorflow as tf

from lamina.backend.contract import LEAKED_TENSOR, LeakedTraceError
from lamina.backend.frames import local
from lamina.backend.session import guard
from lamina.backend.tensorflow.graphs import as_tensor, flatten
from lamina.backend.tensorflow.operations import operations_of

Function = Callable[..., Any]

_COMPOSITES = (tf.RaggedTensor, tf.SparseTensor, tf.IndexedSlices)
_DYNAMIC = (tf.Tensor, np.ndarray, np.generic, int, float, complex, *_COMPOSITES)
# Stands in the arguments of a trace for what each call brings.
_INPUT: Any = object()


def _is_dynamic(leaf: Any) -> bool:
    if isinstance(leaf, _DYNAMIC):
        return not isinstance(leaf, bool)
    # An array of another framework; variables are what the function itself reads.
    return hasattr(leaf, "__array__") and not hasattr(leaf, "__tf_tensor__")


class _Trace:
    """One graph of a function, and where its inputs and outputs belong.

    Variables are not among them: the graph reads and assigns them itself.
    """

    def __init__(
        self, function: Function, leaves: list[Any], treedef: Any, jit_compile: bool | None
    ) -> None:
        def flat(*tensors: Any) -> list[Any]:
            remaining = iter(tensors)
            merged = [next(remaining) if leaf is _INPUT else leaf for leaf in template]
            args, kwargs = optree.tree_unflatten(treedef, merged)
            found, self.structure = flatten(function(*args, **kwargs))
            found = [_output(leaf) for leaf in found]
            self.places = [i for i, leaf in enumerate(found) if _is_dynamic(leaf)]
            self.constants = [None if _is_dynamic(leaf) else leaf for leaf in found]
            return [found[i] for i in self.places]

        template = [_INPUT if _is_dynamic(leaf) else leaf for leaf in leaves]
        self.flat = flat
        self.specs = [tf.type_spec_from_value(leaf) for leaf in leaves if _is_dynamic(leaf)]
        self.untried = bool(jit_compile)
        self._trace(bool(jit_compile))

    def _trace(self, jit_compile: bool) -> None:
        made = tf.function(self.flat, autograph=False, jit_compile=jit_compile or None)
        self.graph = made.get_concrete_function(*self.specs)
        self.captured = self.graph.captured_inputs
        self.composite = not all(isinstance(one, tf.TensorSpec) for one in self.specs)

    def _run(self, tensors: list[Any]) -> Any:
        if self.composite:
            return self.graph(*tensors)
        # Without the checks of a call, which take a third of it: the key of the trace has them.
        return self.graph._call_flat(tensors, self.captured)

    def __call__(self, tensors: list[Any]) -> Any:
        found = self._first(tensors) if self.untried else self._run(tensors)
        results = list(self.constants)
        for i, one in zip(self.places, found, strict=True):
            results[i] = one
        return optree.tree_unflatten(self.structure, results)

    def _first(self, tensors: list[Any]) -> Any:
        """The first call, in which XLA compiles, or says that it cannot; nothing has run then."""
        self.untried = False
        try:
            return self._run(tensors)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
            reason = str(error).strip().splitlines()[0]
            warnings.warn(
                f"XLA cannot compile this function, which runs as a graph instead: {reason[:300]} "
                "Pass jit_compile=False to be spared the attempt.",
                RuntimeWarning,
                stacklevel=4,
            )
            self._trace(False)
            return self._run(tensors)


def _output(leaf: Any) -> Any:
    if _is_dynamic(leaf) or isinstance(leaf, (bool, np.bool_)):
        return leaf if isinstance(leaf, _COMPOSITES) else as_tensor(leaf)
    return as_tensor(leaf) if hasattr(leaf, "__tf_tensor__") else leaf


def jit(function: Function, jit_compile: bool | None = None, reads: Any = None) -> Function:
    traces: dict[Any, _Trace] = {}
    # What reads variables and its arguments only has one graph, which others call: in a loop it is
    # not traced anew. XLA's refusal would come when these run.
    closed = reads is not None and not jit_compile

    def prepared(args: Any, kwargs: Any) -> tuple[_Trace, list[Any]]:
        leaves, treedef = flatten((args, kwargs))
        tensors: list[Any] = []
        key: list[Any] = [treedef, guard.value]
        for i, leaf in enumerate(leaves):
            if not _is_dynamic(leaf):
                key.append(leaf)
                continue
            if isinstance(leaf, _COMPOSITES):
                key.append(tf.type_spec_from_value(leaf))
            else:
                leaf = as_tensor(leaf)
                key += (leaf.dtype, leaf.shape)
            leaves[i] = leaf
            tensors.append(leaf)
        found = traces.get(tuple(key))
        if found is None:
            with tf.__internal__.eager_context.eager_mode():  # no part of a graph around it
                found = traces[tuple(key)] = _Trace(function, leaves, treedef, jit_compile)
        return found, tensors

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        outside = tf.executing_eagerly() or closed
        inline = local.frame is not None or not outside  # part of a larger trace
        if inline or tf.config.functions_run_eagerly():
            return function(*args, **kwargs)
        try:
            trace, tensors = prepared(args, kwargs)
            return trace(tensors)
        except TypeError as error:
            if "out of scope" in str(error):
                raise LeakedTraceError(LEAKED_TENSOR) from error
            raise

    def operations(*args: Any, **kwargs: Any) -> float:
        return operations_of(prepared(args, kwargs)[0].graph.graph)

    call.operations = operations  # type: ignore[attr-defined]
    return call
