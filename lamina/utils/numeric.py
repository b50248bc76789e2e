"""Labels to one-hot rows, and arrays to unit length, in NumPy; of tensors, by the ops."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamina import ops
from lamina.backend import is_keras_tensor


def _is_tensor(x: Any) -> bool:
    return not isinstance(x, np.ndarray) and (ops.is_tensor(x) or is_keras_tensor(x))


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> Any:
    """Turn class numbers into one-hot rows.

    `result[..., c] = 1 where x[...] == c, else 0`

    Args:
        x: class numbers from 0 to `num_classes - 1`, any shape; a last axis of size 1 is dropped.
        num_classes: how many classes there are; by default `max(x) + 1`.

    Returns:
        A float64 array of shape `x.shape + (num_classes,)`; of a tensor, a tensor of `floatx`,
        in which a label outside of the classes is a row of zeros.

    Raises:
        ValueError: a label is not a whole number or lies outside `0 .. num_classes - 1`.

    Example:
        >>> to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])

    Keras counts a negative label from the last class and cuts 1.7 to 1; here both are errors.
    """
    if _is_tensor(x):
        return _one_hot(x, num_classes)
    labels = _whole_numbers(np.asarray(x))
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if not num_classes and labels.size == 0:
        raise ValueError("to_categorical: x is empty, so pass num_classes.")
    count = num_classes or int(labels.max()) + 1
    outside = (labels < 0) | (labels >= count)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"to_categorical: the label at {list(place)} is {labels[place]}, but the classes are "
            f"0 to {count - 1}. Correct the label or pass a larger num_classes."
        )
    rows = np.zeros((labels.size, count))
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, count)


def _one_hot(x: Any, num_classes: int | None) -> Any:
    if len(x.shape) > 1 and x.shape[-1] == 1:
        x = ops.squeeze(x, -1)
    return ops.one_hot(ops.cast(x, "int32"), num_classes or int(ops.max(x)) + 1)


def _whole_numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    """The values as integers; an error names the first that is none."""
    if values.dtype.kind == "f":
        broken = ~np.isfinite(values) | (values != np.trunc(values))
        if broken.any():
            place = tuple(int(i) for i in np.argwhere(broken)[0])
            raise ValueError(
                f"to_categorical: the label at {list(place)} is {values[place]}, "
                "but labels are whole numbers. Round them or correct the data."
            )
    return values.astype(np.int64)


def normalize(x: ArrayLike, axis: int = -1, order: float = 2) -> Any:
    """Scale an array so that its norm along `axis` is 1.

    `result = x / (sum(|x| ** order, axis)) ** (1 / order)`; where the norm is 0, x stays.

    Args:
        x: an array of any shape.
        axis: the axis along which the norm is taken.
        order: the order of the norm; 2 is the Euclidean length.

    Returns:
        A floating array of the shape of `x`; a vector of n values comes back as shape `(1, n)`,
        as in Keras. Of a tensor, a tensor of its shape, as `ops.normalize` makes it.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        array([[0.6, 0.8],
               [0. , 0. ]])

    Of a list the result is a NumPy array, where Keras returns a tensor.
    """
    if _is_tensor(x):
        return ops.normalize(x, axis=axis, order=int(order))
    array = np.asarray(x)
    if array.ndim == 1:
        np.linalg.norm(array, axis=axis)  # an axis that a vector has not is an error, as elsewhere
        return normalize(array[np.newaxis], -1, order)
    norms = np.linalg.norm(array, ord=order, axis=axis, keepdims=True)
    return np.asarray(array / np.where(norms == 0, np.ones_like(norms), norms))
