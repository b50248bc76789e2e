"""What a layer knows while it is being called: who called it, whether it trains, its dtype."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Protocol


class Called(Protocol):
    """What a context knows of the layer being called."""

    name: str


class CallContext:
    """One call of a layer. Calls nest, and an inner one inherits what it does not set."""

    __slots__ = ("autocast", "layer", "parent", "training")

    def __init__(
        self,
        layer: Called | None,
        parent: CallContext | None,
        training: bool | None,
        autocast: str | None,
    ) -> None:
        self.layer = layer
        self.parent = parent
        self.training = training
        self.autocast = autocast

    def names(self) -> list[str]:
        """The names of the layers being called, the outermost first."""
        names = []
        context: CallContext | None = self
        while context is not None:
            if context.layer is not None:
                names.append(context.layer.name)
            context = context.parent
        return names[::-1]

    def root(self) -> Any:
        """The outermost layer being called."""
        context, found = self, self.layer
        while context.parent is not None:
            context = context.parent
            found = context.layer or found
        return found

    def path(self) -> str:
        """The names as a path: `model/block/dense`."""
        return "/".join(self.names())


class _Local(threading.local):
    context: CallContext | None = None
    scopes: tuple[str, ...] = ()


local = _Local()


@contextlib.contextmanager
def autocast(dtype: str | None) -> Iterator[None]:
    """A block in which float variables read as `dtype`; None reads them as they are."""
    before = local.context
    training = None if before is None else before.training
    local.context = CallContext(None, before, training, dtype)
    try:
        yield
    finally:
        local.context = before


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[None]:
    """A block in which the paths of new variables begin with `name`.

    Example:
        >>> from lamina.core.variable import Variable
        >>> with name_scope("encoder"):
        ...     Variable([1.0], name="scale").path
        'encoder/scale'
    """
    before = local.scopes
    local.scopes = (*before, name)
    try:
        yield
    finally:
        local.scopes = before


def current_scopes() -> tuple[str, ...]:
    """What the path of a variable made now begins with: open scopes, and layers being called."""
    context = local.context
    return local.scopes if context is None else (*local.scopes, *context.names())


# Masks of tensors that refuse attributes (traced ones), by identity.
_masks: dict[int, tuple[weakref.ref[Any], Any]] = {}


def get_mask(x: Any) -> Any:
    """The mask that a layer attached to tensor `x`, or None."""
    mask = getattr(x, "_keras_mask", None)
    if mask is None and id(x) in _masks:
        reference, mask = _masks[id(x)]
        return mask if reference() is x else None
    return mask


def set_mask(x: Any, mask: Any) -> None:
    """Attach `mask` (booleans of `x`'s leading dimensions, False where padded) to tensor `x`."""
    try:
        x._keras_mask = mask
    except AttributeError:
        key = id(x)
        _masks[key] = (weakref.ref(x, lambda _: _masks.pop(key, None)), mask)


def masks_of(value: Any) -> Any:
    """The masks of nested tensors in the same nesting; None where none has one."""
    if isinstance(value, (list, tuple)):
        found = [masks_of(one) for one in value]
        return None if all(one is None for one in found) else found
    return None if value is None or isinstance(value, dict) else get_mask(value)


def any_mask(values: Iterable[Any]) -> bool:
    """Whether a tensor among `values`, or in a list there, has a mask."""
    for value in values:
        for one in value if value.__class__ is list else (value,):
            if getattr(one, "_keras_mask", None) is not None or (_masks and id(one) in _masks):
                return True
    return False
