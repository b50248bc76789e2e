"""What was measured, as Markdown and as a picture."""

from __future__ import annotations

import math
import os
import pathlib
import platform
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = "| workload | backend | figure | contender | median | lamina / contender (min to max) |"
RULE = "| --- | --- | --- | --- | --- | --- |"


@dataclass(frozen=True)
class Row:
    """One figure of one contender, over all runs.

    Attributes:
        values: the figure in each run.
        ours: Lamina's in the run beside it.
    """

    workload: str
    backend: str
    figure: str
    contender: str
    values: list[float]
    ours: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratios(self) -> list[float]:
        """Lamina's over the contender's in runs that stood side by side, sorted."""
        return sorted(a / b for a, b in zip(self.ours, self.values, strict=True) if b)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios) if self.ratios else math.nan

    def __str__(self) -> str:
        ratios = self.ratios
        compared = ratios and self.contender != "lamina"
        spread = f"{self.ratio:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})" if compared else "-"
        cells = (self.workload, self.backend, self.figure, self.contender)
        return f"| {' | '.join(cells)} | {self.median:.4g} | {spread} |"


def machine() -> str:
    """The machine, in words."""
    name = platform.processor() or platform.machine()
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    except OSError:
        pass
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}"


def against_the_best(rows: list[Row]) -> Iterator[str]:
    """Lamina on each backend against the best of Keras's, a line for each workload and figure."""
    yield "| workload | figure | best Keras | lamina on jax | lamina's best | against the best |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for workload, figure in dict.fromkeys((row.workload, row.figure) for row in rows):
        same = [row for row in rows if (row.workload, row.figure) == (workload, figure)]
        keras = {row.backend: row.median for row in same if row.contender == "keras"}
        ours = {row.backend: row.median for row in same if row.contender == "lamina"}
        if not keras or len(ours) < 2:
            continue
        best, first = min(keras, key=keras.__getitem__), min(ours, key=ours.__getitem__)
        on_jax = f"{ours['jax'] / keras[best]:.3f}" if "jax" in ours and keras[best] else "-"
        ratio = f"{ours[first] / keras[best]:.3f}" if keras[best] else "-"
        yield f"| {workload} | {figure} | {best} {keras[best]:.4g} | {on_jax} | {first} | {ratio} |"


def write(rows: list[Row], runs: int, folder: pathlib.Path) -> None:
    """`benchmarks.md` and `benchmarks.png` in `folder`."""
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {machine()}: runs of each: {runs}, in turns, in processes of "
        "their own. Medians, in seconds where nothing else is said; ratios are Lamina's time over "
        "the other's in runs that stood side by side, so below 1 Lamina is ahead. What each "
        "workload is, [benchmarks/README.md](../benchmarks/README.md) says.",
        "",
        "![Lamina's time over Keras's on the same backend](benchmarks.png)",
        "",
        "## Against the best of Keras's backends",
        "",
        *against_the_best(rows),
        "",
        "## All figures",
        "",
        HEADER,
        RULE,
        *map(str, rows),
        "",
    ]
    (folder / "benchmarks.md").write_text("\n".join(lines))
    draw(rows, folder / "benchmarks.png")


def draw(rows: list[Row], path: pathlib.Path) -> None:
    """The ratios against Keras on the same backend, a bar for each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = {"jax": "#4878a8", "torch": "#d1603d", "tensorflow": "#e0a030"}
    keras = [row for row in rows if row.contender == "keras" and not math.isnan(row.ratio)]
    names = list(dict.fromkeys((row.workload, row.figure) for row in keras))
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(names) + 1.2))
    for row in keras:
        backends = list(colours)
        place = names.index((row.workload, row.figure)) + (backends.index(row.backend) - 1) * 0.26
        low, high = row.ratios[0], row.ratios[-1]
        spread = [[row.ratio - low], [high - row.ratio]]
        axes.barh(place, row.ratio, 0.24, color=colours[row.backend], xerr=spread, ecolor="#606060")
    for backend, colour in colours.items():
        axes.barh([0], [0], color=colour, label=backend)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(names)), [f"{workload}: {figure}" for workload, figure in names])
    axes.invert_yaxis()
    axes.set_xlabel("Lamina's time over Keras's, on the same backend (bars: median; lines: spread)")
    axes.legend()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
