"""The line of a progress bar: numbers, widths and colours."""

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

_BOLD, _GREEN, _GREY, _RESET = "\033[1m", "\033[32m", "\033[37m", "\033[0m"


class Style(NamedTuple):
    """What the place that a line is written to can show.

    Attributes:
        redraws: whether a carriage return begins the line anew.
        colour: whether it knows colour codes.
        columns: characters in a line, or None where there is no limit.
        done: the character of the finished part of the bar.
        to_do: the character of the other part.
        more: what stands for values that do not fit.
    """

    redraws: bool
    colour: bool
    columns: int | None
    done: str
    to_do: str
    more: str

    @classmethod
    def of(cls, stream: TextIO) -> "Style":
        """The style of a stream, such as `sys.stdout`."""
        terminal = stream.isatty() and not _in_notebook(stream)
        notebook = _in_notebook(stream)
        dumb = os.environ.get("TERM") == "dumb"
        colour = (terminal or notebook) and not dumb and "NO_COLOR" not in os.environ
        # The last column stays free: a character there wraps on some terminals.
        columns = shutil.get_terminal_size().columns - 1 if terminal else None
        signs = ("━", "━" if colour else " ", " …") if _can_write("━…", stream) else ("=", ".", "")
        return cls(terminal or notebook, colour, columns, *signs)


class BarText(NamedTuple):
    """What a progress bar shows at one moment."""

    current: int
    target: int | None
    time: str
    seconds_per_step: float | None
    unit: str
    values: list[tuple[str, Any]]

    def plain(self) -> str:
        """The line without a bar: `843/843 - 3s - 4ms/step - loss: 0.3000`."""
        parts = [self._count(), self.time, self._rate()]
        parts += [_named(name, value, 4) for name, value in self.values]
        return " - ".join(part for part in parts if part)

    def line(self, bar_width: int, style: Style) -> tuple[str, int]:
        """The line with a bar, and its width in characters, at most `style.columns`."""
        room = style.columns
        for bar, precision, with_rate in _shorter_and_shorter(bar_width):
            plain, shown = self._join(bar, precision, with_rate, style)
            if room is None or len(plain) <= room:
                return shown, len(plain)
        assert room is not None
        for fewer in range(len(self.values) - 1, -1, -1):
            part = self._replace(values=self.values[:fewer])
            plain, shown = part._join(0, 2, False, style)
            if len(plain) + len(style.more) <= room:
                return shown + style.more, len(plain) + len(style.more)
        return plain[:room], len(plain[:room])

    def _join(self, bar: int, precision: int, with_rate: bool, style: Style) -> tuple[str, str]:
        """The line as plain text, and with its colours."""
        count = self._count()
        rate = f" {self._rate()}" if with_rate and self.seconds_per_step is not None else ""
        values = "".join(f" - {_named(name, value, precision)}" for name, value in self.values)
        done, to_do = "", ""
        if bar and self.target is not None:
            filled = bar * min(self.current, self.target) // max(self.target, 1)
            done, to_do = style.done * filled, style.to_do * (bar - filled)
        between = " " if done or to_do else ""
        plain = f"{count}{between}{done}{to_do} {self.time}{rate}{values}"
        if not style.colour:
            return plain, plain
        coloured = f"{_GREEN}{done}{_RESET}{_GREY}{to_do}{_RESET}" if between else ""
        head = f"{_BOLD}{count}{_RESET}{between}{coloured}"
        return plain, f"{head} {_BOLD}{self.time}{_RESET}{rate}{values}"

    def _count(self) -> str:
        if self.target is None:
            return f"{self.current:7d}/Unknown"
        target = str(self.target)
        return f"{self.current:{len(target)}d}/{target}"

    def _rate(self) -> str:
        seconds = self.seconds_per_step
        if seconds is None:
            return ""
        if seconds >= 1:
            return f"{seconds:.0f}s/{self.unit}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit}"
        return f"{seconds * 1e6:.0f}us/{self.unit}"


def _shorter_and_shorter(bar: int) -> Iterator[tuple[int, int, bool]]:
    """(bar width, digits of the values, whether the rate is shown), each step shorter."""
    for width in (bar, bar // 2, bar // 4):
        yield width, 4, True
    yield bar // 4, 3, True
    yield 0, 4, True
    yield 0, 3, True
    yield 0, 3, False
    yield 0, 2, False


def _named(name: str, value: Any, precision: int) -> str:
    if not isinstance(value, (int, float)):
        return f"{name}: {value}"
    if abs(value) > 1e-3 or value != value:
        return f"{name}: {value:.{precision}f}"
    digits = precision if precision == 4 else precision - 1
    return f"{name}: {value:.{digits}e}"


def clock(seconds: float) -> str:
    """Seconds as `12s`, `2:05` or `1:02:05`."""
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if whole > 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"


def _in_notebook(stream: TextIO) -> bool:
    return "ipykernel" in sys.modules and type(stream).__module__.startswith("ipykernel")


def _can_write(signs: str, stream: TextIO) -> bool:
    try:
        signs.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
