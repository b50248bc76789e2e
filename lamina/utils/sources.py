"""Where a symbolic tensor comes from."""

from __future__ import annotations

from typing import Any

from lamina.symbolic.tensor import KerasTensor


def get_source_inputs(tensor: Any) -> list[Any]:
    """The inputs that a symbolic tensor is computed from, each once.

    Args:
        tensor: what a layer or an op returned for symbolic tensors.

    Returns:
        A list of what `Input` made, in the order in which a walk back from `tensor` meets them;
        `tensor` alone where nothing was computed.

    Raises:
        TypeError: if it is no symbolic tensor. (Keras returns it as it is.)

    Example:
        >>> import lamina
        >>> x, y = lamina.Input((2,), name="x"), lamina.Input((2,), name="y")
        >>> [one.name for one in get_source_inputs(x * 2 + y)]
        ['x', 'y']
    """
    if not isinstance(tensor, KerasTensor):
        raise TypeError(
            f"get_source_inputs takes a symbolic tensor, and {type(tensor).__name__} is none."
        )
    found: dict[int, Any] = {}
    seen: set[int] = set()
    pending = [tensor]
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        inputs = [] if one.history is None else one.history.node.inputs()
        if not inputs:
            found[id(one)] = one
        pending.extend(reversed(inputs))
    return list(found.values())
