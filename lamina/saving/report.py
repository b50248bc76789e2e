"""What loading did besides reading: names that it mapped, parts that it left out, and so on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

from lamina.core.load_errors import LoadError, NonFiniteWarning, UnverifiedFileWarning, shortened


@dataclass
class LoadReport:
    """What was done to a file's content on the way in; each entry is a sentence.

    Attributes:
        file: the file's path.
        written_by: what wrote it, as far as it says.
        mapped: old names, paths and fields, and what they were read as.
        ignored: what the file holds and the model has no place for.
        defaulted: what the file lacks and was left at its default.
        converted: arrays whose type was changed.
        unverified: arrays that carry no digest.
        not_finite: arrays that hold NaN or infinities.
    """

    file: str
    written_by: str = ""
    mapped: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    defaulted: list[str] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    not_finite: list[str] = field(default_factory=list)

    def finish(self, strict: bool) -> None:
        """Say once what a user should know; with `strict`, refuse arrays without digests."""
        if self.unverified and strict:
            raise LoadError(
                f"{self.file}: {len(self.unverified)} arrays carry no digest, which strict=True "
                "refuses."
            )
        if self.unverified:
            warnings.warn(
                f"{self.file}: {len(self.unverified)} arrays carry no digest, so that damage to "
                "them could not be seen. Save the model anew to have them verified.",
                UnverifiedFileWarning,
                stacklevel=4,
            )
        if self.not_finite:
            names = shortened(", ".join(self.not_finite), 300)
            warnings.warn(
                f"{self.file}: there are NaN or infinities in {names}. They were loaded as they "
                "are.",
                NonFiniteWarning,
                stacklevel=4,
            )

    def __str__(self) -> str:
        lines = [f"{self.file}, {self.written_by or 'of an unknown writer'}"]
        for name in ("mapped", "ignored", "defaulted", "converted", "unverified", "not_finite"):
            lines += [f"  {name.replace('_', ' ')}: {one}" for one in getattr(self, name)]
        return "\n".join(lines)
