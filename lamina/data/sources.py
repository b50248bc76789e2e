"""Choosing the kind of source that fits what the user passed."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from lamina.backend.config import settings
from lamina.data.arrays import ArraySource, Shuffle
from lamina.data.checks import check_count
from lamina.data.leaves import flatten, is_array_like
from lamina.data.py_dataset import PyDataset, PyDatasetSource
from lamina.data.source import Source, StepLimitedSource
from lamina.data.streams import IterableSource


def make_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: Shuffle = False,
    class_weight: Mapping[int, float] | None = None,
    floatx: str = "float32",
    allow_empty: bool = False,
    at_most: bool = False,
) -> Source:
    """Return the batches of any data that `fit`, `evaluate` and `predict` take.

    Args:
        x: arrays (NumPy, pandas, tensors, SciPy sparse, lists of numbers; nested in tuples, lists
            and dicts), a `PyDataset`, a generator, or an iterable of batches such as a
            `torch.utils.data.DataLoader` or a `tf.data.Dataset`.
        y: targets, beside arrays only.
        sample_weight: weight of each row, beside arrays only.
        batch_size: rows in a batch of arrays, 32 if None; other data comes in batches already.
        steps: batches in an epoch; None for all the data. At most the number set by
            `lamina.config.set_max_steps_per_epoch`.
        shuffle: shuffle arrays (True for rows, "batch" for whole batches) and the batches of a
            `PyDataset`; other data has its own order.
        class_weight: weight of each class id.
        floatx: dtype in which floating data is given.
        allow_empty: accept arrays of no rows.
        at_most: whether fewer batches than `steps` are as good; of arrays it is the first ones.

    Raises:
        EmptyDataError: there are no rows.
        TypeError: `x` is no data, or holds none of real numbers.
        ValueError: an argument is out of range or does not go with this kind of data.

    Example:
        >>> source = make_source({"a": [1.0, 2.0], "b": [3, 4]}, [0, 1], batch_size=1)
        >>> next(source.epoch())
        ({'a': array([1.], dtype=float32), 'b': array([3])}, array([0]))
    """
    if steps is not None:
        steps = check_count(steps, "steps")
    source: Source
    if isinstance(x, Source):
        source = x
    elif _is_arrays(x):
        source = ArraySource(
            x,
            y,
            sample_weight,
            batch_size=32 if batch_size is None else batch_size,
            shuffle=shuffle,
            class_weight=class_weight,
            floatx=floatx,
            allow_empty=allow_empty,
        )
    else:
        _refuse_beside_batches(x, y=y, sample_weight=sample_weight)
        source = _source_of_batches(x, bool(shuffle), class_weight, floatx)
    limit = settings.max_steps_per_epoch
    if limit is not None and (steps or source.num_batches or limit + 1) > limit:
        warnings.warn(
            f"An epoch is limited to {limit} batches: see lamina.config.set_max_steps_per_epoch.",
            stacklevel=3,
        )
        return StepLimitedSource(source, limit, at_most=steps is None)
    if steps is not None and at_most and isinstance(source, ArraySource):
        return source.limited(steps)
    if steps is not None and steps != source.num_batches:
        return StepLimitedSource(source, steps, at_most)
    if source.endless:
        raise ValueError(
            f"The {type(x).__name__} is endless: say how many batches make an epoch, with "
            "`steps_per_epoch`, `validation_steps` or `steps`."
        )
    return source


def _is_arrays(x: Any) -> bool:
    """Whether `x` is arrays in memory: then every leaf of it is one."""
    if is_array_like(x):
        return True
    if not isinstance(x, (tuple, list, Mapping)):
        return False
    leaves, _, _ = flatten(x, "x")
    return all(is_array_like(leaf) or isinstance(leaf, (tuple, list)) for leaf in leaves)


def _source_of_batches(
    x: Any, shuffle: bool, class_weight: Mapping[int, float] | None, floatx: str
) -> Source:
    if isinstance(x, PyDataset):
        return PyDatasetSource(x, shuffle=shuffle, class_weight=class_weight, floatx=floatx)
    if isinstance(x, Iterable) and not isinstance(x, (str, bytes, Mapping, tuple, list, type)):
        return IterableSource(x, class_weight=class_weight, floatx=floatx)
    held = ""
    if isinstance(x, (tuple, list, Mapping)):
        leaves, _, _ = flatten(x, "x")
        held = " of " + ", ".join(sorted({type(leaf).__name__ for leaf in leaves})[:5])
    raise TypeError(
        f"`x` is a {type(x).__name__}{held}, which is not data that can be read in batches. Pass "
        "arrays, tensors, pandas objects, or lists or dicts of them; a PyDataset; a generator; or "
        "an iterable of batches (a DataLoader, a tf.data.Dataset)."
    )


def _refuse_beside_batches(x: Any, **arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"`{name}` must not be passed when `x` is a {type(x).__name__}: its batches bring "
                f"it, as `(x, y)` or `(x, y, sample_weight)`."
            )
