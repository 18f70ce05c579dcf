"""`SkippedFile`: what was seen and not used, with the reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

from shelfvision._text import printable


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """One file or folder that a dataset saw and did not use."""

    path: str
    """Its path, relative to the folder that was scanned where it lies inside."""
    reason: str
    """One sentence on why."""
    code: str
    """A short stable word for the reason, for programs: ``"not-a-photo"`` and the like."""

    def __str__(self) -> str:
        """Return path, code and reason in one line."""
        return printable(f"{self.path!r}  {self.code}  {self.reason}")


class SkippedFiles(tuple[SkippedFile, ...]):
    """Everything that a dataset saw and did not use; prints as a table."""

    __slots__ = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many were skipped for each code, the most frequent first."""
        return dict(Counter(file.code for file in self).most_common())

    def to_json_lines(self) -> str:
        """Return one JSON object a line, with ``path``, ``reason`` and ``code``."""
        return "".join(json.dumps(asdict(file)) + "\n" for file in self)

    def __str__(self) -> str:
        """Return a table of path, code and reason, after a line of counts."""
        if not self:
            return "nothing was skipped"
        counts = ", ".join(f"{code} {count}" for code, count in self.counts.items())
        return "\n".join((f"{len(self)} skipped: {counts}", *map(str, self)))
