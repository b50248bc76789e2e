"""Layers whose gradient computes their inner values anew instead of keeping them."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from lamina.backend import current
from lamina.core.context import get_mask, local, set_mask
from lamina.core.state import Holder
from lamina.symbolic.tensor import KerasTensor, inferring, leaves, map_leaves

MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class _Scopes(threading.local):
    innermost: RematScope | None = None


_scopes = _Scopes()


class RematScope:
    """A block: the layers made in it keep no inner values for the gradient, as `remat` does it.

    What counts is the innermost block around the constructor of a layer, not where it is called.
    A model made in a block is a layer too, beside those in it.

    Args:
        mode: which layers: `"full"` for all of them; `"larger_than"` for those whose output has
            more than `output_size_threshold` elements; `"list_of_layers"` for those that
            `layer_names` names; `"activations"` for the function in the attribute `activation`
            of each, and no more of the layer; None for no layer.
        output_size_threshold: a number of elements, the batch counted. A dimension that is not
            known while a graph is made counts as 1.
        layer_names: names of layers.

    Raises:
        ValueError: if the mode is none of these, or a threshold or name is no such thing.

    Example:
        >>> import lamina
        >>> with RematScope("list_of_layers", layer_names=["wide"]):
        ...     wide = lamina.layers.Dense(64, activation="gelu", name="wide")
        >>> wide(lamina.ops.ones((2, 3))).shape
        (2, 64)

    Reference:
        Chen et al., 2016, https://arxiv.org/abs/1604.06174
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"The mode of a RematScope is one of {MODES}, not {mode!r}.")
        if isinstance(layer_names, str) or not all(isinstance(n, str) for n in layer_names or ()):
            raise ValueError(f"layer_names is a list of names of layers, not {layer_names!r}.")
        if not isinstance(output_size_threshold, (int, float)):
            raise ValueError(
                f"output_size_threshold is a number of elements, not {output_size_threshold!r}."
            )
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or ())
        self._outer: list[RematScope | None] = []

    def __enter__(self) -> RematScope:
        self._outer.append(_scopes.innermost)
        _scopes.innermost = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _scopes.innermost = self._outer.pop()


def innermost_scope() -> RematScope | None:
    """The scope that holds for a layer made now."""
    return _scopes.innermost


class Rematerialized:
    """The part of a layer that computes its inner values anew where it is to."""

    name: str
    # The scope that the layer was made in.
    _remat: RematScope | None = None

    def rematerialized_call(
        self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """`layer_call` as the `RematScope` has it that the layer was made in; all of it anew
        where it was made in none.

        Args:
            layer_call: the layer's `call`, or another function that computes what it does.
            *args: what it is to be called on: the mode `"larger_than"` looks at the output's size.
            **kwargs: likewise.

        Returns:
            A function of the same arguments and results.

        Example:
            >>> import lamina
            >>> layer = lamina.layers.Dense(2, kernel_initializer="ones")
            >>> layer.build((None, 3))
            >>> x = lamina.ops.ones((1, 3))
            >>> lamina.ops.convert_to_numpy(layer.rematerialized_call(layer.call, x)(x)).tolist()
            [[3.0, 3.0]]
        """
        scope = self._remat
        if inferring():
            return layer_call
        if scope is None or scope.mode == "full":
            return _anew(self, layer_call)
        if scope.mode == "activations":
            return _activation_anew(self, layer_call)
        if scope.mode == "list_of_layers":
            return _anew(self, layer_call) if self.name in scope.layer_names else layer_call
        large = (
            scope.mode == "larger_than"
            and _output_size(self, args, kwargs) > scope.output_size_threshold
        )
        return _anew(self, layer_call) if large else layer_call


def _output_size(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The number of elements of the outputs, found without computing them."""
    args, kwargs = map_leaves(_spec, (args, kwargs))
    outputs = leaves(layer.compute_output_spec(*args, **kwargs))
    return sum(math.prod(size or 1 for size in one.shape) for one in outputs)


def _spec(leaf: Any) -> Any:
    return KerasTensor(leaf.shape, leaf.dtype) if hasattr(leaf, "shape") else leaf


def _activation_anew(layer: Any, layer_call: Callable[..., Any]) -> Callable[..., Any]:
    activation = vars(layer).get("activation")
    if not callable(activation) or isinstance(activation, Holder):
        return layer_call

    def call(*args: Any, **kwargs: Any) -> Any:
        layer.activation = current().remat(activation)
        try:
            return layer_call(*args, **kwargs)
        finally:
            layer.activation = activation

    return call


def _anew(layer: Any, layer_call: Callable[..., Any]) -> Callable[..., Any]:
    """`layer_call` under `remat`, with what it leaves behind handed on: masks and losses.

    The gradient runs it a second time, when the calls around it are over: it gets their context.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        context = local.context
        root = layer if context is None else context.root()
        owners: list[Any] = []

        def run() -> Any:
            with _calling(context), _own_losses(root) as added:
                outputs = layer_call(*args, **kwargs)
            owners[:] = [owner for owner, _ in added]
            masks = {i: get_mask(one) for i, one in enumerate(leaves(outputs))}
            masks = {i: mask for i, mask in masks.items() if mask is not None}
            return outputs, [loss for _, loss in added], masks

        # What it is called on comes in from outside, with the masks that are attached to it.
        outputs, losses, masks = current().remat(run)()
        for owner, loss in zip(owners, losses, strict=True):
            owner._call_losses.append(loss)
            root._loss_layers.append(owner)
        tensors = leaves(outputs)
        for i, mask in masks.items():
            set_mask(tensors[i], mask)
        return outputs

    return call


@contextlib.contextmanager
def _calling(context: Any) -> Iterator[None]:
    before, local.context = local.context, context
    try:
        yield
    finally:
        local.context = before


@contextlib.contextmanager
def _own_losses(root: Any) -> Iterator[list[tuple[Any, Any]]]:
    """The layers that add losses in a block, each with its loss, which then is taken from it."""
    known = len(root._loss_layers)
    added: list[tuple[Any, Any]] = []
    try:
        yield added
    finally:
        owners = root._loss_layers[known:]
        del root._loss_layers[known:]
        added.extend((owner, owner._call_losses.pop()) for owner in reversed(owners))
        added.reverse()
