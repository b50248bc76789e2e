"""Arrays in memory: NumPy, pandas, tensors of any framework, SciPy sparse, lists of numbers."""

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import optree

from lamina.data.checks import check_count, common_length, named_leaves
from lamina.data.leaves import cast, is_sparse, map_leaves, target_dtype, to_array
from lamina.data.packing import pack_x_y_sample_weight
from lamina.data.prefetch import Prefetch
from lamina.data.source import Batch, Chunk, Source
from lamina.data.weights import ClassWeights, check_weights

# Bytes of a chunk from which on gathering it takes longer than handing it from thread to thread.
_LARGE = 2**22

Shuffle = bool | Literal["batch"]
_Rows = slice | np.ndarray


class ArraySource(Source):
    """Batches cut from arrays that lie in memory whole.

    Nothing is copied but the batch in hand: it is gathered and cast to `floatx` in one go. Its
    order comes from NumPy's Philox generator, so it is the same with every backend.

    Args:
        x: inputs: an array or a nested tuple, list or dict of arrays, all with as many rows.
        y: targets, likewise, or None.
        sample_weight: weights, likewise, or None.
        batch_size: rows in a batch; the last one may have fewer.
        shuffle: True to shuffle the rows of each epoch; `"batch"` to shuffle whole batches, whose
            rows then stay neighbours; False for the order of the data.
        class_weight: weight of each class id, for targets that are ids or one-hot rows.
        floatx: dtype in which floating data is given.
        allow_empty: accept arrays of no rows, and yield no batch.

    Raises:
        EmptyDataError: there are no rows.
        TypeError: something is no array of real numbers; the message names it.
        ValueError: lengths differ, a weight is not finite or an argument is out of range.

    Example:
        >>> source = ArraySource(np.arange(5), batch_size=2)
        >>> [batch.tolist() for batch in source.epoch()]
        [[0, 1], [2, 3], [4]]
        >>> [(chunk.steps, chunk.batch.shape) for chunk in source.stacked(2)]
        [(2, (2, 2)), (1, (1,))]
    """

    num_rows: int
    num_batches: int
    batch_size: int

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int = 32,
        shuffle: Shuffle = False,
        class_weight: Mapping[int, float] | None = None,
        floatx: str = "float32",
        allow_empty: bool = False,
    ) -> None:
        if class_weight is not None and sample_weight is not None:
            raise ValueError("Pass `class_weight` or `sample_weight`, not both at the same time.")
        if not isinstance(shuffle, bool) and shuffle != "batch":
            raise ValueError(f"`shuffle` must be True, False or 'batch'; got {shuffle!r}.")
        x = map_leaves(to_array, x, "x")
        y = map_leaves(to_array, y, "y")
        sample_weight = map_leaves(_to_weights, sample_weight, "sample_weight")
        named = named_leaves(x, y, sample_weight)
        self.num_rows = common_length(named, allow_empty=allow_empty)
        if class_weight is not None and self.num_rows:
            weights = ClassWeights(class_weight)
            sample_weight = weights.of(y, np.dtype("float32"))
            weights.warn_of_unused(y)
            named.append(("sample_weight", sample_weight))
        self.batch_size = check_count(batch_size, "batch_size")
        self.num_batches = -(-self.num_rows // self.batch_size)
        self._shuffle = shuffle
        self._given = self._resumed = 0
        batch = pack_x_y_sample_weight(x, y, sample_weight)
        self._structure = optree.tree_structure(batch)
        self._columns = [_Column(name, array, floatx) for name, array in named]

    def limited(self, batches: int) -> "ArraySource":
        """The first batches alone, as a source of their own."""
        part = copy.copy(self)
        part.num_rows = min(self.num_rows, batches * self.batch_size)
        part.num_batches = min(self.num_batches, batches)
        return part

    def epoch(self, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """Yield the batches of one epoch, in the order that the seed gives."""
        for chunk in self.stacked(1, shuffle_seed):
            yield chunk.batch

    def stacked(self, steps: int, shuffle_seed: int | None = None) -> Iterator[Chunk]:
        """Yield `steps` full batches at a time, each array gathered straight into its chunk.

        Large ones are gathered ahead by a thread.
        """
        first, self._resumed = self._resumed, 0
        chunks = self._chunks(first, steps, self._order(shuffle_seed))
        with contextlib.ExitStack() as stack:
            if self._row_bytes() * self.batch_size * steps >= _LARGE:
                chunks = stack.enter_context(Prefetch(chunks, ahead=1))
            for self._given, chunk in chunks:
                yield chunk
        self._given = 0

    def _chunks(
        self, first: int, steps: int, order: np.ndarray | None
    ) -> Iterator[tuple[int, Chunk]]:
        """The chunks from batch `first` on, each after the number of batches given with it."""
        full = self.num_rows // self.batch_size
        in_chunks = full - full % steps if steps > 1 else 0
        while first < self.num_batches:
            # Chunks lie as they do in an epoch from its beginning, wherever this one begins.
            together = steps if first < in_chunks and first % steps == 0 else 1
            rows = _rows(order, first * self.batch_size, (first + together) * self.batch_size)
            first += together
            yield first, Chunk(together, self._take(rows, together if together > 1 else None))

    def _row_bytes(self) -> int:
        """The bytes of one row of all arrays."""
        return sum(
            column.dtype.itemsize * math.prod(column.array.shape[1:]) for column in self._columns
        )

    def get_state(self) -> dict[str, Any]:
        """How many batches of the epoch have been given; the seed says which."""
        return {"given": self._given}

    def set_state(self, state: dict[str, Any]) -> None:
        """Begin the next epoch after so many batches."""
        self._resumed = self._given = state["given"]

    def rewind(self) -> None:
        """Begin the next epoch with the first batch."""
        self._resumed = self._given = 0

    def describe(self) -> dict[str, Any]:
        """What decides which rows a batch has."""
        sizes = {"rows": self.num_rows, "batch_size": self.batch_size}
        return {"class": "arrays", **sizes, "shuffle": self._shuffle}

    def inexact(self) -> str | None:
        """None: any batch can be had again."""
        return None

    def peek(self) -> Batch:
        """Return the first batch, of no rows where there are none."""
        return self._take(slice(0, self.batch_size))

    def _order(self, seed: int | None) -> np.ndarray | None:
        """Row numbers in the order of the epoch, or None for the order of the data."""
        if seed is None or not self._shuffle:
            return None
        generator = np.random.Generator(np.random.Philox(seed))
        if self._shuffle != "batch":
            return generator.permutation(self.num_rows)
        full = self.num_rows // self.batch_size
        starts = generator.permutation(full)[:, None] * self.batch_size
        rows = (starts + np.arange(self.batch_size)).reshape(-1)
        return np.concatenate([rows, np.arange(full * self.batch_size, self.num_rows)])

    def _take(self, rows: _Rows, steps: int | None = None) -> Batch:
        leaves = [column.take(rows) for column in self._columns]
        if steps:
            leaves = [leaf.reshape(steps, self.batch_size, *leaf.shape[1:]) for leaf in leaves]
        return self._structure.unflatten(leaves)


class _Column:
    """One array of the data, and the dtype its batches have."""

    def __init__(self, name: str, array: Any, floatx: str) -> None:
        self.name = name
        self.array = array
        self.dtype = target_dtype(array.dtype, floatx)

    def take(self, rows: _Rows) -> np.ndarray:
        if is_sparse(self.array):
            part = self.array[rows].toarray()
        elif isinstance(rows, slice):
            # A copy: a layer that works in place must not reach the user's data.
            part = self.array[rows]
            part = part.copy() if part.dtype == self.dtype else part
        else:
            part = np.take(self.array, rows, axis=0)
        return cast(part, self.dtype, self.name)


def _rows(order: np.ndarray | None, start: int, stop: int) -> _Rows:
    return slice(start, stop) if order is None else order[start:stop]


def _to_weights(value: Any, name: str) -> np.ndarray:
    array: np.ndarray = to_array(value, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    check_weights(array, name)
    return array
