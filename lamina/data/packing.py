"""The order of a batch: inputs, targets, sample weights."""

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Pack what was given into the form in which `fit` passes a batch on.

    Args:
        x: inputs.
        y: targets, or None.
        sample_weight: weight of each row, or None.

    Returns:
        `x` itself where it is alone and cannot be mistaken for a packed batch, else a tuple.

    Differs from Keras: weights without targets are kept, and a list `x` is packed as a tuple is, so
    that `unpack_x_y_sample_weight` always gives back what was packed.

    Example:
        >>> pack_x_y_sample_weight(1, 2)
        (1, 2)
        >>> pack_x_y_sample_weight((1, 2))
        ((1, 2),)
    """
    alone = y is None and sample_weight is None and not isinstance(x, (tuple, list))
    return x if alone else as_batch(x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Split one batch into inputs, targets and sample weights, absent parts as None.

    Args:
        data: `x`, or a tuple or list `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Returns:
        The tuple `(x, y, sample_weight)`.

    Raises:
        ValueError: `data` is a tuple or list of no or more than three elements.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, (tuple, list)):
        return (data, None, None)
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"A batch is `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; got {len(data)} "
            "elements. Nest several inputs or targets: `((x1, x2), y)`."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return (x, y, sample_weight)


def as_batch(x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, ...]:
    """The shortest of `(x,)`, `(x, y)` and `(x, y, sample_weight)` that holds what was given."""
    if sample_weight is not None:
        return (x, y, sample_weight)
    return (x,) if y is None else (x, y)
