"""Batches by number, got by workers: the user's `PyDataset`."""

import itertools
import multiprocessing
import pickle
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from lamina.data.checks import check_count
from lamina.data.own_state import has_own_state, own_state, set_own_state
from lamina.data.source import Batch, EmptyDataError, Source
from lamina.data.streams import BatchConverter


class PyDataset:
    """Data of your own: subclass it and write `__getitem__`, which returns a whole batch.

    Args:
        workers: how many workers get batches at the same time. With 1 the batches are got on the
            main thread, when they are needed; with more, ahead of need and in order.
        use_multiprocessing: let the workers be processes rather than threads. The dataset must then
            be picklable, and a script that trains must do so under
            `if __name__ == "__main__":`.
        max_queue_size: how many batches the workers may be ahead.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.array([[index]], "float32")
        ...         return x, x**2
        >>> source = PyDatasetSource(Squares(workers=2))
        >>> [float(y[0, 0]) for x, y in source.epoch()]
        [0.0, 1.0, 4.0]
        >>> source.close()
    """

    # Defaults for a subclass whose `__init__` does not call this one.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return batch `index`: `x`, `(x, y)` or `(x, y, sample_weight)`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__(self, index)`.")

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch: the length. Override it to return None for endless data."""
        length = getattr(self, "__len__", None)
        if length is None:
            raise NotImplementedError(
                f"{type(self).__name__} must define `__len__(self)`, or the property `num_batches` "
                "that returns None for endless data."
            )
        batches: int = length()
        return batches

    def on_epoch_begin(self) -> None:
        """Do what is due before an epoch; nothing, unless overridden."""

    def on_epoch_end(self) -> None:
        """Do what is due after an epoch, as shuffling; nothing, unless overridden."""


class PyDatasetSource(Source):
    """Batches of a `PyDataset`, got by its workers and given in order.

    Args:
        dataset: the dataset.
        shuffle: whether to shuffle the order of the batches in each epoch.
        class_weight: weight of each class id, where the batches bring no weights of their own.
        floatx: dtype in which floating data is given.
    """

    def __init__(
        self,
        dataset: PyDataset,
        *,
        shuffle: bool = False,
        class_weight: Mapping[int, float] | None = None,
        floatx: str = "float32",
    ) -> None:
        self._dataset = dataset
        self._shuffle = shuffle
        self._convert = BatchConverter(class_weight, floatx)
        self._given = self._resumed = 0
        self._workers: _Workers | None = None

    @property
    def num_batches(self) -> int | None:  # type: ignore[override]
        """Batches in an epoch, as the dataset says at this moment; None where it is endless."""
        return self._dataset.num_batches

    @property
    def endless(self) -> bool:  # type: ignore[override]
        """Whether the dataset has no end: its `num_batches` is None."""
        return self.num_batches is None

    def epoch(self, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """Yield each batch once, in the order that the seed gives."""
        first, self._resumed = self._resumed, 0
        found = first > 0
        order = itertools.islice(self._order(shuffle_seed), first, None)
        for place, (index, item) in enumerate(self._items(order), first + 1):
            batch = self._convert(item, index)
            if batch is not None:
                found = True
                self._given = place
                yield batch
        self._given = 0
        if not found:
            raise EmptyDataError(
                f"There is no data: {type(self._dataset).__name__} has {self.num_batches} batches"
                f"{', all without rows' if self.num_batches else ''}."
            )

    def peek(self) -> Batch:
        """Return batch 0, or the first that has rows."""
        order = self._order(None)
        batches = (self._convert(_get(self._dataset, index), index) for index in order)
        found = next((batch for batch in batches if batch is not None), None)
        return next(self.epoch()) if found is None else found

    def get_state(self) -> dict[str, Any]:
        """How many batches of the epoch were got, and what the dataset says of itself."""
        return {"given": self._given, "own": own_state(self._dataset)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Begin the next epoch after so many batches."""
        set_own_state(self._dataset, state["own"])
        self._resumed = self._given = state["given"]

    def rewind(self) -> None:
        """Begin the next epoch with the first batch."""
        self._resumed = self._given = 0

    def describe(self) -> dict[str, Any]:
        """The dataset's class, and whether its batches are shuffled."""
        return {"class": type(self._dataset).__name__, "shuffle": self._shuffle}

    def inexact(self) -> str | None:
        """A dataset that changes between epochs must say how it stands."""
        made = type(self._dataset)
        changes = [
            hook
            for hook in ("on_epoch_begin", "on_epoch_end")
            if getattr(made, hook) is not getattr(PyDataset, hook)
        ]
        if not changes or has_own_state(self._dataset):
            return None
        return (
            f"{made.__name__} changes in {' and '.join(changes)} and does not say how it stands: "
            "define get_state() and set_state(state) in it"
        )

    def on_epoch_begin(self) -> None:
        """Tell the dataset that an epoch begins."""
        self._dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the dataset that an epoch has ended."""
        self._dataset.on_epoch_end()

    def close(self) -> None:
        """Stop the workers."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None

    def _order(self, seed: int | None) -> Iterable[int]:
        batches = self.num_batches
        if batches is None:
            return itertools.count()
        if seed is None or not self._shuffle:
            return range(batches)
        order: list[int] = np.random.Generator(np.random.Philox(seed)).permutation(batches).tolist()
        return order

    def _items(self, order: Iterable[int]) -> Iterator[tuple[int, Any]]:
        dataset = self._dataset
        workers = check_count(dataset.workers or 1, "workers")
        if workers == 1 and not dataset.use_multiprocessing:
            yield from ((index, _get(dataset, index)) for index in order)
            return
        if self._workers is None:
            self._workers = _Workers(workers, processes=dataset.use_multiprocessing)
        self._workers.send(dataset)
        ahead = check_count(dataset.max_queue_size, "max_queue_size")
        waiting: deque[tuple[int, Future[Any]]] = deque()
        try:
            for index in order:
                waiting.append((index, self._workers.submit(index)))
                if len(waiting) >= ahead:
                    next_index, future = waiting.popleft()
                    yield next_index, future.result()
            while waiting:
                next_index, future = waiting.popleft()
                yield next_index, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


class _Workers:
    """Threads or processes that get a dataset's batches.

    Processes hold a copy of the dataset. It is written to a file when an epoch begins and read by
    each process when it has changed, so that what `on_epoch_end` did reaches them.
    """

    def __init__(self, count: int, *, processes: bool) -> None:
        self._executor: Executor
        if processes:
            # Forking would copy the locks of the framework's threads, and hang.
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(count, mp_context=context)
            self._folder = tempfile.TemporaryDirectory(prefix="lamina-")
        else:
            self._executor = ThreadPoolExecutor(count, thread_name_prefix="PyDataset")
        self._processes = processes
        self._pickled = b""
        self._version = 0

    def send(self, dataset: PyDataset) -> None:
        """Make the dataset's present state the one that batches come from."""
        self._dataset = dataset
        if not self._processes:
            return
        pickled = pickle.dumps(dataset)
        if pickled != self._pickled:
            self._pickled, self._version = pickled, self._version + 1
            self._file().write_bytes(pickled)

    def submit(self, index: int) -> Future[Any]:
        """Have a worker get batch `index`."""
        if self._processes:
            return self._executor.submit(_get_in_process, str(self._file()), index)
        return self._executor.submit(_get, self._dataset, index)

    def close(self) -> None:
        """Let the batches in work end, drop the others, and stop."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._processes:
            self._folder.cleanup()

    def _file(self) -> Path:
        return Path(self._folder.name) / f"dataset-{self._version}"


def _get(dataset: PyDataset, index: int) -> Any:
    try:
        return dataset[index]
    except Exception as error:
        process = multiprocessing.current_process().name
        thread = threading.current_thread().name
        error.add_note(
            f"Raised by {type(dataset).__name__}.__getitem__({index}), in {process}, {thread}."
        )
        raise


_held: dict[str, PyDataset] = {}


def _get_in_process(file: str, index: int) -> Any:
    if file not in _held:
        _held.clear()
        # Written by the process that started this one, in a folder that only its user can enter.
        _held[file] = pickle.loads(Path(file).read_bytes())
    return _get(_held[file], index)
