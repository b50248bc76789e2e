"""The signature of a layer's `call`, read once when its class is made."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

import optree

from lamina.core.context import CallContext
from lamina.ops.row import ShapeError
from lamina.symbolic import dimension
from lamina.symbolic.tensor import KerasTensor, leaves


class CallSignature:
    """The arguments of a `call` method, and which of them a layer fills in by itself."""

    def __init__(self, call: Any) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        self.names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        keyword = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} | set(self.names)
        self.any_keyword = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.has_training = "training" in keyword or self.any_keyword
        self.declares_training = "training" in keyword
        defaults = {p.name: p.default for p in parameters}
        # Where it is given by position: beyond all arguments if it cannot be.
        known = "training" in self.names
        self.training_position = self.names.index("training") if known else sys.maxsize
        training = defaults.get("training")
        self.training_default = training if isinstance(training, bool) else None
        # An argument `query` has its mask in `query_mask`; the first one in `mask` too, where no
        # other argument is a tensor.
        self.masks: dict[str, str] = {}
        for position, name in enumerate(self.names):
            for mask in (f"{name}_mask", "mask" if position == 0 else None):
                if mask in keyword and mask not in self.masks:
                    self.masks[mask] = name
        self.has_mask = bool(self.masks)

    def named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, those given by position included."""
        return {**dict(zip(self.names, args, strict=False)), **kwargs}


def build_arguments(build: Any, named: dict[str, Any]) -> dict[str, Any]:
    """What to call `build` with: shapes of the call's tensors, under the names that it has.

    `build(self, input_shape)` gets the shape of the first argument; `build(self, query_shape,
    key_shape)` those of `query` and `key`; one that takes any keyword gets `input_shape`.
    """
    function = getattr(build, "__func__", None)
    declared = _declared(function) if function else inspect.signature(build).parameters.values()
    parameters = [p for p in declared if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    tensors = {name: value for name, value in named.items() if is_tensors(value)}
    by_name = {f"{name}_shape": shapes(value) for name, value in tensors.items()}
    if not parameters or not tensors:
        open_to_any = tensors and any(p.kind is p.VAR_KEYWORD for p in declared)
        return {"input_shape": next(iter(by_name.values()))} if open_to_any else {}
    if len(parameters) == 1 and parameters[0].name not in by_name:
        return {parameters[0].name: next(iter(by_name.values()))}
    found = {p.name: by_name[p.name] for p in parameters if p.name in by_name}
    found = found or {parameters[0].name: next(iter(by_name.values()))}
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in found]
    if missing:
        needed = ", ".join(name.removesuffix("_shape") for name in missing)
        raise TypeError(
            f"The layer must be called with {needed} too: it was given {', '.join(tensors)} only, "
            "and its variables depend on the shapes of all of these."
        )
    return found


@functools.lru_cache(maxsize=1024)
def accepts(function: Any, name: str) -> bool:
    """Whether a function takes an argument of that name."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


@functools.lru_cache(maxsize=1024)
def _declared(function: Any) -> list[inspect.Parameter]:
    """The parameters of a method's function, without `self`."""
    return list(inspect.signature(function).parameters.values())[1:]


def is_tensors(value: Any) -> bool:
    """Whether `value` is a tensor, or a nest of tensors alone."""
    found = leaves(value)
    return bool(found) and all(hasattr(leaf, "shape") for leaf in found)


def shapes(value: Any) -> Any:
    """The shapes of nested tensors in the same nesting, unknown dimensions None."""
    if isinstance(value, dict):
        return {key: shapes(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        found = [shapes(one) for one in value]
        return found if isinstance(value, list) else tuple(found)
    return None if value is None else dimension.reveal(value.shape)


def memo_key(tree: Any) -> Any:
    """What the shapes of outputs depend on: the specs of tensors and plain arguments.

    None where an argument is neither, and may change without notice.
    """
    flat, structure = optree.tree_flatten(tree, none_is_leaf=True)
    if not all(isinstance(leaf, _PLAIN) for leaf in flat):
        return None
    described = [
        (leaf.shape, leaf.dtype, leaf._keras_mask is None)
        if isinstance(leaf, KerasTensor)
        else (type(leaf), leaf)
        for leaf in flat
    ]
    return (structure, *described)


_PLAIN = (KerasTensor, str, int, float, bool, type(None))


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        size is None or isinstance(size, int) for size in value
    )


def as_shapes(value: Any) -> Any:
    """Nested shapes with tuples for those that a file has as lists."""
    if _is_shape(value):
        return tuple(value)
    if isinstance(value, dict):
        return {key: as_shapes(one) for key, one in value.items()}
    return [as_shapes(one) for one in value] if isinstance(value, (list, tuple)) else value


def tensors_of(shape: Any, dtype: str) -> Any:
    """Symbolic tensors for nested shapes."""
    if shape is None or isinstance(shape, KerasTensor):
        return shape
    if _is_shape(shape):
        return KerasTensor(shape, dtype)
    if isinstance(shape, dict):
        return {key: tensors_of(one, dtype) for key, one in shape.items()}
    return type(shape)(tensors_of(one, dtype) for one in shape)


def locate(
    error: Exception, context: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Say in an error, once, the path of the innermost layer that it came from."""
    if getattr(error, "_lamina_located", False):
        return
    layer: Any = context.layer
    given = ", ".join(
        f"{key}: {shapes(value)}"
        for key, value in layer._signature.named(args, kwargs).items()
        if leaves(value) and all(hasattr(leaf, "shape") for leaf in leaves(value))
    )
    where = f"layer {context.path()!r} ({type(layer).__name__}), called on {given or 'no tensor'}"
    if isinstance(error, ShapeError):
        error.args = (
            f"{error} It happened in {where}. Check the shape that the layer before it returns "
            "(model.summary() lists them), or put a Reshape, Flatten or Permute between.",
        )
    elif context.path() not in str(error):
        error.add_note(f"It happened in {where}.")
    error._lamina_located = True  # type: ignore[attr-defined]
