"""Data that comes batch by batch: generators, iterators and any iterable of batches."""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lamina.backend import current, is_float_dtype
from lamina.data.checks import common_length, named_leaves
from lamina.data.leaves import cast, map_leaves, target_dtype, to_array
from lamina.data.own_state import digest, has_own_state, own_state, set_own_state
from lamina.data.packing import as_batch, unpack_x_y_sample_weight
from lamina.data.source import Batch, EmptyDataError, Source
from lamina.data.weights import ClassWeights, check_weights


class BatchConverter:
    """Turns what a stream yields into batches of checked arrays.

    Inputs and targets that are tensors of the backend already stay what and where they are, so
    that nothing is copied to the host and back; all else becomes NumPy arrays.

    Args:
        class_weight: weight of each class id, where the batches bring no weights of their own.
        floatx: dtype in which floating data is given.
    """

    def __init__(self, class_weight: Mapping[int, float] | None, floatx: str) -> None:
        self._class_weights = None if class_weight is None else ClassWeights(class_weight)
        self._floatx = floatx
        self._warned = False

    def __call__(self, data: Any, index: int) -> Batch | None:
        """Return the batch, or None, with one warning, where it has no rows."""
        at = f"batch {index}: "
        x, y, weight = unpack_x_y_sample_weight(data)
        x = map_leaves(self._keep, x, f"{at}x")
        y = map_leaves(self._keep, y, f"{at}y")
        weight = map_leaves(self._convert, weight, f"{at}sample_weight")
        if not common_length(named_leaves(x, y, weight, at), allow_empty=True):
            self._warn_empty(index)
            return None
        map_leaves(check_weights, weight, f"{at}sample_weight")
        if self._class_weights is not None:
            if weight is not None:
                raise ValueError(
                    f"{at}the data brings sample weights, and `class_weight` was passed too; "
                    "pass one of them."
                )
            labels = map_leaves(to_array, y, f"{at}y")
            weight = self._class_weights.of(labels, np.dtype("float32"))
        bare = weight is None and not isinstance(data, (tuple, list))
        return x if bare else as_batch(x, y, weight)

    def _keep(self, value: Any, name: str) -> Any:
        backend = current()
        if _is_tensor(value) and len(value.shape):
            dtype = backend.dtype(value)
            if dtype == self._floatx or not is_float_dtype(dtype):
                return backend.array(value)
        return self._convert(value, name)

    def _convert(self, value: Any, name: str) -> np.ndarray:
        array = to_array(value, name)
        if not isinstance(array, np.ndarray):
            array = array.toarray()
        converted = cast(array, target_dtype(array.dtype, self._floatx), name)
        # A generator may fill the same array again while this one is still to be read.
        return converted.copy() if converted is array else converted

    def _warn_empty(self, index: int) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The data's batch {index} has no rows and was skipped; so will be any other.",
                stacklevel=4,
            )


class IterableSource(Source):
    """Batches as an iterable yields them.

    An iterable that begins anew at each `iter()` (a list of batches, a `DataLoader`, a
    `tf.data.Dataset`) gives every epoch the whole of it. An iterator or generator can be read only
    once: it is, and `exhausted` tells when it has ended.

    Args:
        data: the iterable; its elements are `x`, `(x, y)` or `(x, y, sample_weight)`.
        class_weight: weight of each class id, where the batches bring no weights of their own.
        floatx: dtype in which floating data is given.

    Example:
        >>> source = IterableSource((np.ones((2, 3)) * i, np.zeros(2)) for i in range(3))
        >>> [x.shape for x, y in source.epoch()]
        [(2, 3), (2, 3), (2, 3)]
        >>> source.exhausted
        True
    """

    def __init__(
        self,
        data: Iterable[Any],
        *,
        class_weight: Mapping[int, float] | None = None,
        floatx: str = "float32",
    ) -> None:
        self._data = data
        self.read_once = iter(data) is data if isinstance(data, Iterator) else False
        self._convert = BatchConverter(class_weight, floatx)
        self._pending: Iterator[Batch] | None = None
        self._peeked: Batch | None = None
        self._given = 0  # in all
        self._in_pass = self._resumed = 0
        self._first: str | None = None  # the digest of the first batch of every pass
        self.num_batches = None if self.read_once else _length(data)
        self.endless = _is_endless(data)
        batch_size = getattr(data, "batch_size", None)
        self.batch_size = batch_size if isinstance(batch_size, int) else None

    def epoch(self, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """Yield the batches of one pass; the order is the data's own."""
        batches = self._pending or self._read()
        peeked = [] if self._peeked is None else [self._peeked]
        self._pending = self._peeked = None
        skipped, self._resumed = self._resumed, 0
        for place, batch in enumerate(itertools.chain(peeked, batches), 1):
            if place > skipped:
                self._in_pass = place
                yield batch
        self._in_pass = 0

    def get_state(self) -> dict[str, Any]:
        """How many batches of the pass have been given, and what the data says of itself."""
        return {"given": self._in_pass, "own": own_state(self._data)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Begin the next pass after so many batches, which are read again and left out.

        Data that says itself where it stands is told so instead; data that can be read only once
        is taken as it comes.
        """
        if has_own_state(self._data):
            set_own_state(self._data, state["own"])
            self._pending = self._peeked = None
        elif not self.read_once:
            self._resumed = self._in_pass = state["given"]

    def rewind(self) -> None:
        """Begin the next pass with the first batch, where one can be had again."""
        self._resumed = self._in_pass = 0

    def describe(self) -> dict[str, Any]:
        """The data's class, and its first batch where that is known to be always the same."""
        return {"class": type(self._data).__name__, "first": self._first}

    def inexact(self) -> str | None:
        """Data that cannot be read again, or whose passes do not begin alike, is not exact.

        Reads the first batch of another pass to find out.
        """
        name = type(self._data).__name__
        if has_own_state(self._data):
            return None
        if self.read_once:
            return f"a {name} can be read only once, and not from the middle"
        self._first = digest(self.peek())
        if digest(next(self._read())) == self._first:
            return None
        self._first = None
        return f"two passes over the {name} do not begin with the same batch"

    def peek(self) -> Batch:
        """Return the first batch; the next epoch begins with it, so that none is read twice."""
        if self._peeked is None:
            self._pending = self._read()
            self._peeked = next(self._pending)
        return self._peeked

    def _read(self) -> Iterator[Batch]:
        iterator = self._begin()
        index = found = 0
        while True:
            try:
                data = next(iterator)
            except StopIteration:
                break
            except Exception as error:
                error.add_note(f"Raised by the data itself, on the way to batch {index}.")
                raise
            batch = self._convert(data, index)
            index += 1
            if batch is not None:
                found += 1
                self._given += 1
                yield batch
        self.exhausted = self.read_once
        if not found:
            raise EmptyDataError(self._nothing_left() if self._given else self._nothing(index))

    def _begin(self) -> Iterator[Any]:
        if self.exhausted:
            raise EmptyDataError(self._nothing_left())
        return iter(self._data)

    def _nothing(self, empty_batches: int) -> str:
        held = f"gave {empty_batches} batches, all without rows" if empty_batches else "is empty"
        return f"There is no data: the {type(self._data).__name__} {held}."

    def _nothing_left(self) -> str:
        return (
            f"The {type(self._data).__name__} has ended: it gave all its {self._given} batches "
            "and cannot begin again. Pass an endless generator with `steps_per_epoch`, fewer "
            "epochs, or data that can be read many times (arrays, a PyDataset, a DataLoader)."
        )


def _is_tensor(value: Any) -> bool:
    return isinstance(value, current().tensor_types)


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:  # no length, or one that is infinite or unknown
        return None


def _is_endless(data: Any) -> bool:
    """Whether the data itself says that it never ends, as a repeated `tf.data.Dataset` does."""
    cardinality = getattr(data, "cardinality", None)
    return callable(cardinality) and int(cardinality()) == -1
