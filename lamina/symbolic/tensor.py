"""Symbolic tensors: a shape and an element type that stand for data to come."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import optree

from lamina.backend.dtypes import standardize_dtype
from lamina.backend.session import get_uid
from lamina.backend.symbolic import Symbolic
from lamina.symbolic import dimension
from lamina.symbolic.operators import Operators, table


class FrameworkCallError(TypeError):
    """A framework, or NumPy, was handed a symbolic tensor where it needs numbers."""


class KerasTensor(Operators, Symbolic):
    """A tensor without data: what `Input` returns and what layers called on it return.

    Args:
        shape: its dimensions; None for a dimension that is not known yet.
        dtype: its element type.
        name: its name; made up where None.

    Example:
        >>> KerasTensor((None, 3)).shape
        (None, 3)
    """

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged or kwargs:
            unknown = [key for key, on in (("sparse", sparse), ("ragged", ragged)) if on]
            raise ValueError(
                f"KerasTensor cannot honour {', '.join([*unknown, *kwargs])}: symbolic tensors "
                "are dense. Convert the data to a dense tensor."
            )
        self.shape = tuple(shape)
        self.dtype = standardize_dtype(dtype)
        self._name = name
        # Where it comes from: a `lamina.symbolic.graph.History`, or None.
        self.history: Any = None
        self._keras_mask: Any = None
        self.record_history = record_history

    @property
    def name(self) -> str:
        # Counted only when asked for: most symbolic tensors live for one shape inference.
        if self._name is None:
            count = get_uid("keras_tensor") - 1
            self._name = f"keras_tensor_{count}" if count else "keras_tensor"
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def sparse(self) -> bool:
        """False: symbolic tensors are dense."""
        return False

    @property
    def ragged(self) -> bool:
        """False: symbolic tensors are dense."""
        return False

    def reshape(self, *newshape: Any) -> Any:
        """`lamina.ops.reshape(self, newshape)`."""
        return table["reshape"](self, newshape[0] if len(newshape) == 1 else newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """`lamina.ops.squeeze(self, axis)`."""
        return table["squeeze"](self, axis)

    # In a model's definition symbolic tensors are themselves, so that `x in outputs` finds them, as
    # in Keras (whose `!=` is elementwise); while a layer's shapes are inferred they stand for the
    # tensors of its call.
    def __eq__(self, other: object) -> Any:
        return super().__eq__(other) if inferring() else self is other

    __hash__ = Operators.__hash__

    def __repr__(self) -> str:
        shape = dimension.reveal(self.shape)
        return f"<KerasTensor shape={shape}, dtype={self.dtype}, name={self.name}>"

    def _no_numbers(self, *args: Any, **kwargs: Any) -> Any:
        raise FrameworkCallError(
            f"{self!r} has no numbers yet: it is the input or output of a layer in a model being "
            "defined, so NumPy and framework functions cannot take it. Use the functions of "
            "lamina.ops, or put the code in the call method of a layer."
        )

    __array__ = __jax_array__ = __tf_tensor__ = __iter__ = __len__ = _no_numbers
    __bool__ = __int__ = __float__ = __index__ = _no_numbers


def any_symbolic(tree: Any) -> bool:
    """Whether a leaf of `tree` is a symbolic tensor."""
    return any(isinstance(leaf, KerasTensor) for leaf in leaves(tree))


def leaves(tree: Any) -> list[Any]:
    """The leaves of nested tuples, lists and dictionaries, None ones left out."""
    return optree.tree_leaves(tree)


def map_leaves(function: Any, tree: Any) -> Any:
    """`tree` with `function` applied to each leaf, None left as it is."""
    if type(tree) is KerasTensor:
        return function(tree)
    return optree.tree_map(function, tree)


class _Local(threading.local):
    inferring = False


_local = _Local()
# An entry for each inference under way, in whatever thread: a cheap look before `inferring`.
inferences: list[None] = []


def inferring() -> bool:
    """Whether shapes are being inferred: ops compute shapes only, and record nothing."""
    return bool(inferences) and _local.inferring


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """A block in which every op, even one on numbers, is symbolic and leaves no trace."""
    before, _local.inferring = _local.inferring, True
    inferences.append(None)
    try:
        yield
    finally:
        inferences.pop()
        _local.inferring = before


@contextlib.contextmanager
def computation() -> Iterator[None]:
    """A block inside `inference` in which ops on numbers compute numbers."""
    before, _local.inferring = _local.inferring, False
    try:
        yield
    finally:
        _local.inferring = before


def infer(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run `function` on symbolic tensors and return its outputs as new symbolic tensors.

    Unknown dimensions are filled by `dimension.unknown`. It runs a second time with the fillings
    exchanged if there are any, to catch code that turned a filled dimension into a plain number:
    a dimension is known where both runs agree.
    """
    if inferring():
        return function(*args, **kwargs)
    first = _infer(function, args, kwargs, swapped=False)
    has_unknown = any(
        None in leaf.shape for leaf in leaves((args, kwargs)) if isinstance(leaf, KerasTensor)
    )
    if not has_unknown:
        return map_leaves(_revealed, first)
    second = _infer(function, args, kwargs, swapped=True)
    return optree.tree_map(_agreed, first, second)


def renewed(tensor: KerasTensor, reshape: Any = tuple, name: str | None = None) -> KerasTensor:
    """A tensor like `tensor`, of no graph, with its mask; `reshape` maps the shapes of both."""
    new = KerasTensor(reshape(tensor.shape), tensor.dtype, name=name)
    mask = tensor._keras_mask
    new._keras_mask = renewed(mask, reshape) if isinstance(mask, KerasTensor) else mask
    return new


def _infer(function: Any, args: Any, kwargs: Any, swapped: bool) -> Any:
    def filled(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        return renewed(leaf, lambda shape: dimension.fill(shape, swapped), leaf.name)

    args, kwargs = map_leaves(filled, (args, kwargs))
    with inference():
        return function(*args, **kwargs)


def _revealed(leaf: Any) -> Any:
    return renewed(leaf, dimension.reveal) if isinstance(leaf, KerasTensor) else leaf


def _agreed(first: Any, second: Any) -> Any:
    if not isinstance(first, KerasTensor):
        return first
    pairs = zip(dimension.reveal(first.shape), dimension.reveal(second.shape), strict=True)
    shape = [one if one == two else None for one, two in pairs]
    agreed = renewed(first, dimension.reveal)
    agreed.shape = tuple(shape)
    return agreed
