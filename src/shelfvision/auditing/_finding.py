"""`Finding`: one kind of fault, with the photos that have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from shelfvision._text import printable

Severity: TypeAlias = Literal["error", "warning", "note"]
"""The severity of a finding: ``"error"`` invalidates training or scores, ``"note"`` is a hint."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of fault, with all photos that have it, the worst first."""

    code: str
    """A stable identifier of the fault, for programs, such as ``"blurred"`` or ``"leak"``."""
    severity: Severity
    """``"error"``, ``"warning"`` or ``"note"``."""
    message: str
    """One sentence with the fault and the remedy."""
    sets: tuple[tuple[str, ...], ...] = ()
    """The ids of the photos, in sets: single photos, or sets of similar photos."""
    values: tuple[float, ...] = ()
    """The measure of every set, such as blur or similarity; empty if there is none."""
    details: tuple[str, ...] = ()
    """A detail about every set, or about every class."""
    rows: tuple[tuple[int, ...], ...] = field(default=(), repr=False, compare=False)
    """The row of every photo of `sets` among all audited photos; empty without photos."""

    @property
    def count(self) -> int:
        """The number of faults: sets of photos, or classes."""
        return max(len(self.sets), len(self.details))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all photos of the finding, the worst first, each once."""
        return tuple(dict.fromkeys(name for members in self.sets for name in members))

    def __str__(self) -> str:
        """Return severity, code and message in one line."""
        return printable(f"{self.severity} {self.code}: {self.message}")
