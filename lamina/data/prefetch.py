"""Running an iterator ahead of its reader."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """The elements of an iterable, made on a thread up to `ahead` elements before they are read.

    An exception of the iterable reaches the reader in its place, with its traceback. `close`, the
    end of a `with` block or garbage collection stops the thread.

    Args:
        elements: what to run ahead. It is iterated on the other thread only.
        ahead: how many elements may wait to be read, at least 1.

    Example:
        >>> with Prefetch(range(3), ahead=2) as elements:
        ...     list(elements)
        [0, 1, 2]
    """

    def __init__(self, elements: Iterable[T], ahead: int = 2) -> None:
        self._stop = threading.Event()
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(ahead)
        if ahead < 1:
            raise ValueError(f"`ahead` must be at least 1; got {ahead}.")
        # The thread must not refer to `self`, or an abandoned reader would never be collected.
        self._thread = threading.Thread(
            target=_fill, args=(elements, self._queue, self._stop), name="Prefetch", daemon=True
        )
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._stop.is_set():
            raise StopIteration
        kind, value = self._queue.get()
        if kind == "element":
            element: T = value
            return element
        self.close()
        if kind == "error":
            raise value
        raise StopIteration

    def close(self) -> None:
        """Stop the thread and close the iterable it read, if that can be closed."""
        self._stop.set()
        while self._thread.is_alive() and self._thread is not threading.current_thread():
            # Room in the queue frees a thread that waits to put an element there.
            while not self._queue.empty():
                self._queue.get_nowait()
            self._thread.join(timeout=0.01)

    def __enter__(self) -> "Prefetch[T]":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._stop.set()
        while not self._queue.empty():
            self._queue.get_nowait()


def _fill(elements: Iterable[Any], waiting: queue.Queue[Any], stop: threading.Event) -> None:
    iterator = iter(elements)
    try:
        for element in iterator:
            if stop.is_set():
                return
            waiting.put(("element", element))
        waiting.put(("end", None))
    except BaseException as error:  # every exception belongs to the reader
        waiting.put(("error", error))
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
