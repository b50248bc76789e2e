"""The progress bar: what it counts, measures and when it draws."""

import sys
import time
from collections.abc import Iterable
from typing import Any

from lamina.backend.config import settings
from lamina.callbacks.bar_text import BarText, Style, clock
from lamina.callbacks.callback import to_number
from lamina.core.messages import say

Values = Iterable[tuple[str, Any]]


class Progbar:
    """A progress bar in one line of the terminal, as wide as the terminal allows.

    On a terminal and in a notebook it redraws in place. Elsewhere (a file, a pipe) it writes one
    line, when it is done; it logs that line where interactive logging is off.

    Args:
        target: how many steps there will be; None if unknown.
        width: width of the bar itself, in characters.
        verbose: 0 for nothing, 1 for a bar, 2 for one line when it is done.
        interval: least time between two drawings, in seconds.
        stateful_metrics: names of values shown as they come; others are averaged over the steps
            until the last, which is shown as it comes.
        stateless_metrics: names of values that are averaged; then all others are shown as they
            come.
        unit_name: what a step is called.

    Example:
        >>> bar = Progbar(2, width=5)
        >>> bar.update(1, [("loss", 1.0)])
        >>> bar.update(2, [("loss", 0.5)])  # doctest: +ELLIPSIS
        2/2 ━━━━━ 0s ...s/step - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._values: dict[str, Any] = {}
        self._sums: dict[str, tuple[float, int]] = {}
        self._seen = 0
        self._start = time.monotonic()
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] = (0, self._start)
        self._drawn_at = float("-inf")
        self._drawn_width = 0
        self._finished = False

    def update(
        self, current: int, values: Values | None = None, finalize: bool | None = None
    ) -> None:
        """Show that `current` steps are done.

        Args:
            current: how many steps are done.
            values: pairs of a name and a value to show. A value that is shown as it comes may be a
                scalar of any framework: it is read only when it is drawn.
            finalize: whether this is the last update; None to tell from `current` and `target`.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        now = time.monotonic()
        for name, value in values or ():
            self._take(name, value, current - self._seen, finalize)
        if current > self._seen:
            self._seen = current
            self._last = (current, now)
            self._first = self._first or self._last
        if finalize:
            self.target = current
        if not self.verbose or self._finished:
            return
        if finalize:
            self._finished = True
            self._write(now, last=True)
        elif self.verbose == 1 and now - self._drawn_at >= self.interval:
            self._write(now, last=False)

    def add(self, n: int, values: Values | None = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def abandon(self) -> None:
        """Leave a bar that will not be finished, so that what is printed next has its own line."""
        if self._drawn_width and not self._finished:
            sys.stdout.write("\n")
        self._finished = True

    def _take(self, name: str, value: Any, steps: int, finalize: bool) -> None:
        if self.stateless_metrics is None:
            averaged = name not in self.stateful_metrics
        else:
            averaged = name in self.stateless_metrics
        self._values[name] = value
        if not averaged or finalize:
            return
        number = to_number(value)
        if isinstance(number, (int, float)):
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + number * max(steps, 1), count + max(steps, 1))
            total, count = self._sums[name]
            self._values[name] = total / count

    def _seconds_per_step(self) -> float:
        """Time of a step; the first update is left out, as it holds the time of compilation."""
        assert self._first is not None
        (first_step, first_time), (last_step, last_time) = self._first, self._last
        if last_step > first_step:
            return (last_time - first_time) / (last_step - first_step)
        return (last_time - self._start) / max(last_step, 1)

    def _text(self, now: float) -> BarText:
        per_step = self._seconds_per_step() if self._first else None
        elapsed = now - self._start
        running = self.target is not None and not self._finished and per_step is not None
        left = (self.target or 0) - self._seen
        return BarText(
            current=self._seen,
            target=self.target,
            time=clock(left * (per_step or 0.0)) if running else f"{elapsed:.0f}s",
            seconds_per_step=per_step,
            unit=self.unit_name,
            values=[(name, to_number(value)) for name, value in self._values.items()],
        )

    def _write(self, now: float, last: bool) -> None:
        style, shown = Style.of(sys.stdout), settings.interactive_logging
        in_place = self.verbose == 1 and style.redraws and shown
        self._drawn_at = now
        if not (in_place or last):
            return
        text = self._text(now)
        plain = self.verbose == 2 or not shown
        line, width = (text.plain(), 0) if plain else text.line(self.width, style)
        if not shown:
            say(line)
            return
        if in_place:
            # Spaces cover what a longer line left; a notebook knows no "erase to the end".
            line = "\r" + line + " " * (self._drawn_width - width)
            self._drawn_width = width
        sys.stdout.write(line + "\n" * last)
        sys.stdout.flush()
