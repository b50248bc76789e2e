"""Where `fit` spends its time."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from lamina.backend import current
from lamina.callbacks.callback import Callback, Logs

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Untimed:
    """What the loop asks where nobody times it: everything is as it was given."""

    def timed(self, part: str, function: F) -> F:
        """`function`, whose time is a part of the whole."""
        return function

    def hook(self, method: F, owner: str) -> F:
        """A callback's method, whose time is the callback's."""
        return method

    def each(self, part: str, items: Iterable[T]) -> Iterable[T]:
        """`items`, waiting for which is a part of the whole."""
        return items


class Clock(Callback, Untimed):
    """A callback that tells where `fit` spends its time.

    The first epoch, in which steps are compiled, may be left out. Before a callback is told, the
    numbers that it is told are waited for, lest computing them be taken for its time. Where a
    backend computes as it is called, as PyTorch does on the CPU, that is in `"dispatch"`.

    Args:
        skip: how many epochs to leave out.

    Attributes:
        parts: seconds of `"data"` (waiting for the next batch), `"dispatch"` (Python, and handing
            work to the backend), `"compute"` (waiting for the backend) and `"callbacks"`.
        callbacks: the seconds of each class of callbacks.
        seconds: in all, from the begin of the first epoch that is timed to the end of training.
        epochs, steps: how many epochs and batches were timed.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> clock = Clock()
        >>> x, y = np.ones((8, 2)), np.ones((8, 1))
        >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[clock])
        >>> clock.epochs, sorted(clock.parts), sum(clock.parts.values()) <= clock.seconds
        (1, ['callbacks', 'compute', 'data', 'dispatch'], True)
    """

    accepts_chunks = True
    adds_to_logs = ()

    def __init__(self, skip: int = 1) -> None:
        super().__init__()
        self.skip = skip
        self._start()

    def _start(self) -> None:
        self._left = self.skip
        self.parts = dict.fromkeys(("data", "dispatch", "compute", "callbacks"), 0.0)
        self.callbacks: dict[str, float] = {}
        self.seconds, self.epochs, self.steps = 0.0, 0, 0
        self._step = 0  # batches of the epoch
        self._begun: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._step = 0
        if self._left:
            self._left -= 1
        elif self._begun is None:
            self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epochs += self._begun is not None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._begun is not None:
            self.steps += batch + 1 - self._step
        self._step = batch + 1

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._begun is not None:
            self.seconds, self._begun = time.perf_counter() - self._begun, None

    def timed(self, part: str, function: F) -> F:
        return self._timed(function, part)

    def hook(self, method: F, owner: str) -> F:
        run, wait = self._timed(method, "callbacks", owner), self.timed("compute", _wait)

        def tell(*args: Any, **kwargs: Any) -> Any:
            wait(kwargs.get("logs"))
            return run(*args, **kwargs)

        return tell  # type: ignore[return-value]

    def _timed(self, function: F, part: str, owner: str | None = None) -> F:
        def run(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._add(part, time.perf_counter() - begin, owner)

        return run  # type: ignore[return-value]

    def each(self, part: str, items: Iterable[T]) -> Iterator[T]:
        iterator = iter(items)
        following = self.timed(part, iterator.__next__)
        while True:
            try:
                item = following()
            except StopIteration:
                return
            yield item

    def _add(self, part: str, seconds: float, owner: str | None) -> None:
        if self._begun is None:
            return
        self.parts[part] += seconds
        if owner is not None:
            self.callbacks[owner] = self.callbacks.get(owner, 0.0) + seconds


def _wait(logs: Any) -> None:
    current().block(logs)
    current().synchronize()
