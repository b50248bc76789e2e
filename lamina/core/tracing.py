"""The shapes that a function of tensors returns, found without computing anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

from lamina.backend import Spec, current
from lamina.symbolic import dimension
from lamina.symbolic.tensor import KerasTensor, infer, map_leaves


def infer_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Symbolic outputs of `function(*args, **kwargs)`.

    The function runs on symbolic tensors. Where it hands them to a framework's own functions,
    which cannot take them, the backend traces it instead.
    """
    try:
        return infer(function, *args, **kwargs)
    except Exception as error:
        try:
            return _traced(function, args, kwargs)
        except Exception:
            raise error from None


def _traced(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    first, second = (
        current().eval_shape(
            lambda args, kwargs: function(*args, **kwargs), _specs((args, kwargs), swapped)
        )
        for swapped in (False, True)
    )

    def merged(one: Spec, other: Spec) -> KerasTensor:
        pairs = zip(one.shape, other.shape, strict=True)
        return KerasTensor([a if a == b else None for a, b in pairs], one.dtype)

    return optree.tree_map(merged, first, second)


def _specs(tree: Any, swapped: bool) -> Any:
    def spec(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        return Spec([int(size) for size in dimension.fill(leaf.shape, swapped)], leaf.dtype)

    return map_leaves(spec, tree)
