"""The state of an optimizer in the HDF5 form of Keras 1 and 2."""

from __future__ import annotations

from typing import Any

from lamina.core.load_errors import UnfitFileError, shortened
from lamina.saving.arrays import Entry
from lamina.saving.report import LoadReport

# What optimizers called their slots until Keras 2.10, and call them now.
_SLOTS = {
    "m": "momentum",
    "v": "velocity",
    "vhat": "velocity_hat",
    "rms": "velocity",
    "mg": "average_gradient",
    "accum_grad": "accumulated_grad",
    "accum_var": "accumulated_delta_var",
}
_OTHER_SLOTS = {"Adamax": {"v": "norm"}}
_SINGLE = {"iter": "iteration", "momentum_cache": "variable"}


def optimizer_entries(
    optimizer: Any, names: list[str], entries: list[Entry], report: LoadReport
) -> dict[str, Entry]:
    """The arrays of a file by the number of the optimizer's variable."""
    ends = [str(name).rsplit("/")[-1].split(":")[0] for name in names]
    if "iter" not in ends[:1]:
        return {str(number): entry for number, entry in enumerate(entries)}
    report.mapped.append(f"optimizer: slots of Keras 2.10's {type(optimizer).__name__} by name")
    waiting: dict[str, list[str]] = {}
    for number, variable in enumerate(optimizer.variables):
        waiting.setdefault(_kind(variable.name), []).append(str(number))
    renames = _SLOTS | _OTHER_SLOTS.get(type(optimizer).__name__, {}) | _SINGLE
    found: dict[str, Entry] = {}
    for end, name, entry in zip(ends, names, entries, strict=True):
        numbers = waiting.get(renames.get(end, end))
        if not numbers:
            raise UnfitFileError(
                f"{shortened(entry.where, 300)}: {type(optimizer).__name__} has no variable for "
                f"{shortened(str(name), 80)!r}. Nothing was changed. Pass compile=False to load "
                "the model alone."
            )
        found[numbers.pop(0)] = entry
    # Without gaps, as the other versions have it: `rules` knows what is lacking.
    return {str(place): found[number] for place, number in enumerate(sorted(found, key=int))}


def _kind(name: str) -> str:
    """The slot that a variable is of, by the end of its name."""
    if name.startswith("variable"):
        return "variable"
    known = {*_SLOTS.values(), "norm", "accumulator", "linear"}
    ends = [slot for slot in known if name.endswith(f"_{slot}")]
    return max(ends, key=len, default=name)
