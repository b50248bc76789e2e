"""What `model.profile()` found: figures for programs, and the tables that it prints."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lamina.symbolic.graph import to_snake_case

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerProfile:
    """What the calls of one layer take in a forward pass, those of the layers inside it included.

    Attributes:
        path: the names of the layers from the model to this one, `"model/block/dense"`.
        kind: the name of its class.
        depth: how many layers it is in; 0 for the model.
        leaf: whether no other layer is called inside it.
        calls: how often it is called. The figures below are of all calls together.
        output_shapes: of each tensor that its first call returns.
        output_bytes: of all tensors that it returns: its activations.
        parameters: how many numbers its weights have.
        parameter_bytes: what they take.
        operations: floating-point operations; None where that cannot be told.
        seconds: of its calls, one by one, each compiled by itself; None where it has none that
            could be repeated.
    """

    path: str
    kind: str
    depth: int
    leaf: bool
    calls: int
    output_shapes: tuple[Shape, ...]
    output_bytes: int
    parameters: int
    parameter_bytes: int
    operations: float | None
    seconds: float | None


@dataclass(frozen=True)
class FitProfile:
    """Where `fit` spends its time.

    Attributes:
        steps: how many batches were trained on.
        seconds: in all.
        data: seconds of waiting for the next batches.
        dispatch: seconds of Python, and of handing work to the backend; of the computing itself
            where the backend computes as it is called.
        compute: seconds of waiting for the backend.
        callbacks: seconds in callbacks.
        by_callback: the same by the callbacks' classes.
    """

    steps: int
    seconds: float
    data: float
    dispatch: float
    compute: float
    callbacks: float
    by_callback: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def other(self) -> float:
        """Seconds of all the rest: the loop itself, the beginning and the end of an epoch."""
        return max(self.seconds - self.data - self.dispatch - self.compute - self.callbacks, 0.0)


@dataclass(frozen=True, repr=False)
class Profile:
    """What `model.profile()` returns; as text it is what that prints.

    Attributes:
        name: the model's.
        rows: how many rows the batch has.
        backend: the backend, and its version.
        layers: the model first, then the layers that it calls, in the order of their first calls,
            each followed by those inside it.
        fit: None where the model is not compiled, or there are no targets.
    """

    name: str
    rows: int
    backend: str
    layers: tuple[LayerProfile, ...]
    fit: FitProfile | None

    @property
    def model(self) -> LayerProfile:
        """The whole forward pass."""
        return self.layers[0]

    @property
    def activation_bytes(self) -> int:
        """The bytes of what all layers return that have no other inside."""
        return sum(one.output_bytes for one in self.layers if one.leaf)

    def __repr__(self) -> str:
        model = self.model
        return (
            f"<Profile of {self.name!r}: {len(self.layers) - 1} layers, "
            f"{amount(model.operations)}FLOP and {seconds_text(model.seconds)} a forward pass>"
        )

    def __str__(self) -> str:
        return profile_text(self)


def profile_text(profile: Profile, width: int | None = None) -> str:
    """The tables as text that fits `width`, or the terminal where that is None."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    buffer = io.StringIO()
    console = Console(file=buffer, width=width, highlight=False, markup=False)

    def show(titles: list[str], rows: Iterable[list[str]]) -> None:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        for i, title in enumerate(titles):
            table.add_column(title, justify="right" if i else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)

    console.print(f'Profile of "{profile.name}", {profile.rows} rows, {profile.backend}')
    show(
        ["Layer (type)", "Output shape", "Params", "FLOPs", "Time", "Output"],
        map(_layer_row, profile.layers),
    )
    for line in _totals(profile):
        console.print(line)
    if profile.fit is not None:
        steps, whole = profile.fit.steps, profile.fit.seconds
        console.print(
            f"\nWhere fit spends its time: {steps} step{'s' * (steps > 1)} in {seconds_text(whole)}"
        )
        show(["Part", "Time per step", "Share"], _fit_rows(profile.fit))
        if profile.fit.compute < profile.fit.dispatch / 20:
            console.print(" The backend computes as it is called: that is in dispatch.")
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def _layer_row(layer: LayerProfile) -> list[str]:
    name = layer.path.rpartition("/")[2]
    # A name that was made from the type says it already, and deep models need the room.
    kind = "" if name.startswith(to_snake_case(layer.kind)) else f" ({layer.kind})"
    times = f" × {layer.calls}" if layer.calls > 1 else ""
    shapes = ", ".join(map(str, layer.output_shapes))
    return [
        f"{'  ' * layer.depth}{name}{kind}{times}",
        shapes if len(layer.output_shapes) == 1 else f"[{shapes}]",
        f"{layer.parameters:,}",
        amount(layer.operations).strip(),
        seconds_text(layer.seconds),
        bytes_text(layer.output_bytes, None),
    ]


def _totals(profile: Profile) -> list[str]:
    model, parts = profile.model, [one.seconds for one in profile.layers if one.depth == 1]
    lines = [f" Forward pass: {seconds_text(model.seconds)}"]
    if model.seconds and model.operations is not None:
        lines[0] += f", {amount(model.operations / model.seconds)}FLOP/s"
    times = [one for one in parts if one is not None]
    if len(parts) > 1 and len(times) == len(parts):
        lines[0] += f" (its layers one by one: {seconds_text(sum(times))})"
    lines.append(
        f" Memory: {bytes_text(model.parameter_bytes, None)} of parameters, "
        f"{bytes_text(profile.activation_bytes, None)} of activations"
    )
    return lines


def _fit_rows(fit: FitProfile) -> list[list[str]]:
    parts = [("data", fit.data), ("dispatch", fit.dispatch), ("compute", fit.compute)]
    parts += [("callbacks", fit.callbacks)]
    parts += [(f"  {name}", seconds) for name, seconds in fit.by_callback.items()]
    parts += [("other", fit.other)]
    return [
        [name, seconds_text(seconds / fit.steps), f"{seconds / fit.seconds:.1%}"]
        for name, seconds in parts
    ]


def amount(value: float | None) -> str:
    """A number with the letter for its power of 1000: `"2.1 M"`; `"- "` for None.

    Example:
        >>> amount(640.0), amount(2.1e6), amount(None)
        ('640 ', '2.1 M', '- ')
    """
    if value is None:
        return "- "
    power = min(int(math.log10(max(value, 1)) // 3), 5)
    return f"{_figures(value / 1000**power)} {('', 'K', 'M', 'G', 'T', 'P')[power]}"


def seconds_text(value: float | None) -> str:
    """A time in the unit that suits it.

    Example:
        >>> seconds_text(0.00125), seconds_text(2e-05)
        ('1.25 ms', '20.0 µs')
    """
    if value is None:
        return "-"
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.2f} {unit}"
    return f"{value * 1e6:.1f} µs"


def bytes_text(size: float, digits: int | None = 2) -> str:
    """A number of bytes in the unit that suits it, with so many decimals, or in three figures.

    Example:
        >>> bytes_text(2048), bytes_text(2048, None), bytes_text(25000, None)
        ('2.00 KB', '2 KB', '24.4 KB')
    """
    power = min(int(math.log2(max(size, 1)) // 10), 3)
    value = size / 1024**power
    shown = _figures(value) if digits is None else f"{value:.{digits}f}"
    return f"{shown} {('B', 'KB', 'MB', 'GB')[power]}"


def _figures(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
