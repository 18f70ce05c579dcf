"""`Finding`: one kind of fault, with the photos that have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from shelfvision._text import printable

Severity: TypeAlias = Literal["error", "warning", "note"]
"""How bad a finding is: ``"error"`` spoils training or its judging, ``"note"`` is good to know."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of fault and every photo that has it, the worst first."""

    code: str
    """A short stable word for the fault, for programs: ``"blurred"``, ``"leak"`` and the like."""
    severity: Severity
    """``"error"``, ``"warning"`` or ``"note"``."""
    message: str
    """One sentence: what was found and what to do."""
    sets: tuple[tuple[str, ...], ...] = ()
    """The ids of the photos: alone where each is a fault, together where they are alike."""
    values: tuple[float, ...] = ()
    """The measure of every set, such as its blur or likeness; empty where none was taken."""
    details: tuple[str, ...] = ()
    """What is to be said of every set, or of every class where the finding is about classes."""
    rows: tuple[tuple[int, ...], ...] = field(default=(), repr=False, compare=False)
    """The row of every photo of `sets` among all audited photos; empty where there is no photo."""

    @property
    def count(self) -> int:
        """How many faults there are: sets of photos, or classes."""
        return max(len(self.sets), len(self.details))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all photos concerned, the worst first, each once."""
        return tuple(dict.fromkeys(name for members in self.sets for name in members))

    def __str__(self) -> str:
        """Return severity, code and message in one line."""
        return printable(f"{self.severity} {self.code}: {self.message}")
