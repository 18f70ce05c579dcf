"""`SkippedFile`: a file or folder that is not in a dataset, with the reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import final

from shelfvision._text import printable


@final
@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file or folder that was found but is not in the dataset."""

    path: str
    """Its path, relative to the dataset's folder if it is inside."""
    reason: str
    """The reason, in one sentence."""
    code: str
    """A stable code of the reason, for programs, such as ``"not-a-photo"``."""

    def __str__(self) -> str:
        """Return path, code and reason in one line."""
        return printable(f"{self.path!r}  {self.code}  {self.reason}")


@final
class SkippedFiles(tuple[SkippedFile, ...]):
    """The files and folders that were found but are not in the dataset; prints as a table."""

    __slots__ = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of skipped files by code, most frequent first."""
        return dict(Counter(file.code for file in self).most_common())

    def to_json_lines(self) -> str:
        """Return JSON lines: one object per file, with ``path``, ``reason`` and ``code``."""
        return "".join(json.dumps(asdict(file)) + "\n" for file in self)

    def __repr__(self) -> str:
        """Return the number of skipped files by code, in one line; `print` shows the files."""
        return f"<SkippedFiles: {str(self).partition(chr(10))[0]}>"

    def __str__(self) -> str:
        """Return a table of path, code and reason, after a line of counts."""
        if not self:
            return "nothing was skipped"
        counts = ", ".join(f"{code} {count}" for code, count in self.counts.items())
        return "\n".join((f"{len(self)} skipped: {counts}", *map(str, self)))
