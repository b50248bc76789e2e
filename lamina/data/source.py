"""The one protocol behind every kind of input of fit, evaluate and predict."""

import itertools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import optree

from lamina import ops

Batch = Any
"""`x` alone, `(x,)`, `(x, y)` or `(x, y, sample_weight)`: nested structures of NumPy arrays, or of
tensors of the backend where the data came as such."""


class EmptyDataError(ValueError):
    """The data has no rows, no batches, or none left."""


class Chunk(NamedTuple):
    """Some consecutive batches of an epoch, as one structure.

    With `steps == 1`, `batch` is an ordinary batch, its leaves shaped (rows, ...). With more, the
    batches are full and equal in shape, and the leaves are shaped (steps, rows, ...). `pending`
    counts the batches that were read from the data before this one was given, and come after it.
    """

    steps: int
    batch: Batch
    pending: int = 0


class Source(ABC):
    """Batches of data, an epoch at a time.

    Every array it gives is fresh: the receiver may keep it, write into it or donate it. A tensor
    is the one that the data gave.

    Attributes:
        batch_size: rows in a full batch, or None where the data decides.
        num_batches: batches in an epoch, or None where that is not known beforehand.
        num_rows: rows in an epoch, or None where that is not known beforehand.
        exhausted: True once a source that can be read only once has been read to its end.
        endless: True where a pass over the data is known never to end.
        read_once: True where the data cannot begin anew.
    """

    batch_size: int | None = None
    num_batches: int | None = None
    num_rows: int | None = None
    exhausted: bool = False
    endless: bool = False
    read_once: bool = False

    @abstractmethod
    def epoch(self, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """Yield the batches of one epoch.

        Args:
            shuffle_seed: the seed of this epoch's order, used where the source shuffles; None keeps
                the order of the data.

        Raises:
            EmptyDataError: there is nothing to yield.
        """

    def stacked(self, steps: int, shuffle_seed: int | None = None) -> Iterator[Chunk]:
        """Yield the same epoch as chunks of `steps` batches, and what is left over singly."""
        batches = self.epoch(shuffle_seed)
        while group := list(itertools.islice(batches, steps)):
            if len(group) == steps > 1 and _all_alike(group):
                yield Chunk(steps, _stack_batches(*group))
            else:
                for place, batch in enumerate(group, 1):
                    yield Chunk(1, batch, len(group) - place)

    def peek(self) -> Batch:
        """Return a first batch to learn shapes and dtypes from; the next epoch still has it."""
        return next(self.epoch())

    def get_state(self) -> dict[str, Any]:
        """Where the next batch comes from, as plain data."""
        return {}

    # Not abstract: a source that says in `inexact` that it cannot is none the worse for training.
    def set_state(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Go on, in an equal source, where `get_state` was called; may be called twice."""

    def describe(self) -> dict[str, Any]:
        """What must be equal in another source that is to go on where this one stands."""
        return {"class": type(self).__name__}

    def inexact(self) -> str | None:
        """Why another source cannot go on with the very batches that this one would give.

        None where it can.
        """
        return (
            f"{type(self).__name__} does not say where it stands: define get_state, set_state and "
            "inexact"
        )

    # Not abstract: a source that cannot go on where it was begins so in any case.
    def rewind(self) -> None:  # noqa: B027
        """Begin the next epoch with the first batch, where the data can begin anew."""

    # Not abstract: most sources have nothing to do at these moments.
    def on_epoch_begin(self) -> None:  # noqa: B027
        """Tell the data that an epoch begins."""

    def on_epoch_end(self) -> None:  # noqa: B027
        """Tell the data that an epoch has ended."""

    def close(self) -> None:  # noqa: B027
        """Stop workers. A closed source may be used again: it starts them again."""


class StepLimitedSource(Source):
    """Epochs of `steps` batches, whatever the length of one pass over `source`.

    The next epoch goes on where the last one stopped, and where a pass ends the next pass begins.
    A pass shorter than one epoch ends that epoch early, with a warning: no batch is given twice to
    fill it up.

    Args:
        source: the data.
        steps: batches in an epoch.
        at_most: whether fewer are as good, so that there is nothing to warn of.
    """

    def __init__(self, source: Source, steps: int, at_most: bool = False) -> None:
        self._source = source
        self._pass: Iterator[Batch] | None = None
        self._seed: int | None = None  # of the pass
        # How many batches of the epoch have been taken, and whether its pass began in it.
        self._taken, self._began_here = 0, False
        self._resumed = (0, False)
        self._warned = at_most
        self.batch_size = source.batch_size
        self.num_batches = steps

    @property
    def exhausted(self) -> bool:  # type: ignore[override]
        """Whether `source` can give no more."""
        return self._source.exhausted

    def epoch(self, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """Yield the next `steps` batches, fewer where a whole pass is shorter than that."""
        assert self.num_batches is not None
        self._taken, self._began_here = self._resumed
        self._resumed = (0, False)
        while self._taken < self.num_batches:
            if self._pass is None:
                if self._began_here or (self._taken and self._source.exhausted):
                    self._warn_short(self._taken)
                    break
                self._pass, self._seed = self._source.epoch(shuffle_seed), shuffle_seed
                self._began_here = True
            for batch in itertools.islice(self._pass, self.num_batches - self._taken):
                self._taken += 1
                yield batch
            if self._taken < self.num_batches:
                self._pass = None
        self._taken, self._began_here = 0, False

    def get_state(self) -> dict[str, Any]:
        """The state of the data, and of the pass and the epoch in progress."""
        return {
            "source": self._source.get_state(),
            "passing": self._pass is not None,
            "seed": self._seed,
            "taken": self._taken,
            "began_here": self._began_here,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on in the middle of a pass and of an epoch."""
        self._source.set_state(state["source"])
        self._seed = state["seed"]
        self._pass = self._source.epoch(self._seed) if state["passing"] else None
        self._resumed = (state["taken"], state["began_here"])

    def describe(self) -> dict[str, Any]:
        """The data, and the steps of an epoch."""
        return {**self._source.describe(), "steps": self.num_batches}

    def inexact(self) -> str | None:
        """What the data says."""
        return self._source.inexact()

    def rewind(self) -> None:
        """Forget the pass in progress, unless its data cannot begin anew."""
        if not self._source.read_once:
            self._pass, self._resumed = None, (0, False)
            self._source.rewind()

    def _warn_short(self, taken: int) -> None:
        if not self._warned:
            warnings.warn(
                f"The data gave {taken} batches, fewer than the {self.num_batches} steps asked for "
                f"in an epoch, and the epoch ended there. Ask for at most {taken} steps, or give "
                "data that goes on (`.repeat()` on a tf.data.Dataset, an endless generator).",
                stacklevel=3,
            )
            self._warned = True

    def peek(self) -> Batch:
        """Return a first batch without using it up."""
        return self._source.peek()

    def on_epoch_begin(self) -> None:
        """Tell the data that an epoch begins."""
        self._source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the data that an epoch has ended."""
        self._source.on_epoch_end()

    def close(self) -> None:
        """Stop workers and forget the pass in progress."""
        self._pass = None
        self._source.close()


def _stack_batches(*batches: Any) -> Any:
    return optree.tree_map(_stack, *batches)


def _stack(*arrays: Any) -> Any:
    return np.stack(arrays) if isinstance(arrays[0], np.ndarray) else ops.stack(arrays)


def _all_alike(batches: Iterable[Batch]) -> bool:
    """Whether the batches have one structure, and their arrays the same shapes and dtypes."""

    def signature(batch: Any) -> tuple[Any, ...]:
        leaves: list[Any]
        leaves, structure = optree.tree_flatten(batch)
        return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]

    first, *rest = map(signature, batches)
    return all(other == first for other in rest)
